//! Serializes large responses on blocking threads, so that the async workers stay free for other requests.

use std::{
    sync::{Arc, LazyLock, Mutex, PoisonError},
    thread,
    time::Duration,
};

use poem::Response;
use serde_json::Value;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
    time::timeout,
};

use crate::{
    error::Error,
    users::{Caller, mdo_list::MdoList},
};

/// A response with more bytes of text than this is large.
const LARGE_BYTES: usize = 64 * 1024;
/// Large responses in memory at the same time. Further ones are refused.
const MAX_PENDING: usize = 128;
static PENDING: Semaphore = Semaphore::const_new(MAX_PENDING);
/// Large responses that are serialized at the same time. More than the number of CPUs would only slow each other down.
static WRITERS: LazyLock<Arc<Semaphore>> =
    LazyLock::new(|| Arc::new(Semaphore::new(thread::available_parallelism().map_or(1, usize::from))));

/// Long lists that are in memory at the same time; further ones wait. One of 100,000 users takes some hundred megabytes.
const MAX_LONG_LISTS: usize = 2;
/// The longest time that a list waits.
const LONG_LIST_TIMEOUT: Duration = Duration::from_secs(10);
static LONG_LISTS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(MAX_LONG_LISTS)));

/// A list of more rows than this is long. With all columns of an archive, this many rows have some ten thousand cells.
const SHORT_LIST: u64 = 250;

/// Permission to read a long list and to keep it in memory. It is held until the response is serialized.
#[derive(Debug)]
pub struct LongListPermit(#[expect(dead_code, reason = "held until it is dropped")] OwnedSemaphorePermit);

impl LongListPermit {
    /// For a list of any number of users. Waits until fewer than [`MAX_LONG_LISTS`] are in memory. A caller who sees only
    /// the own user needs no permit.
    ///
    /// # Errors
    /// [`Error::Overloaded`] after [`LONG_LIST_TIMEOUT`].
    pub async fn acquire(caller: &Caller) -> Result<Option<Self>, Error> {
        Self::for_rows(u64::MAX, caller).await
    }

    /// For a list of at most this many rows. A short list needs no permit.
    ///
    /// # Errors
    /// As [`Self::acquire`].
    pub async fn for_rows(max_rows: u64, caller: &Caller) -> Result<Option<Self>, Error> {
        if max_rows <= SHORT_LIST || !caller.may_read_others() {
            return Ok(None);
        }
        let permit = timeout(LONG_LIST_TIMEOUT, Arc::clone(&LONG_LISTS).acquire_owned()).await;
        permit.map_err(|_| Error::Overloaded)?.map(|permit| Some(Self(permit))).map_err(Error::internal)
    }

    /// For an MDO list. Only that of users is long.
    ///
    /// # Errors
    /// As [`Self::acquire`].
    pub async fn for_list(list: MdoList, caller: &Caller) -> Result<Option<Self>, Error> {
        if list == MdoList::Associate { Self::acquire(caller).await } else { Ok(None) }
    }
}

type WriteBody = Box<dyn FnOnce() -> String + Send>;

/// A body that is not serialized yet. It is attached to the response, because the code that makes responses is not
/// async.
#[derive(Clone)]
struct LargeBody(Arc<Mutex<Option<WriteBody>>>);

/// Sets the body that `write_body` returns. A large body is deferred: [`write`] serializes it later.
pub fn set_body(response: &mut Response, text_bytes: usize, write_body: impl FnOnce() -> String + Send + 'static) {
    if text_bytes > LARGE_BYTES {
        response.set_data(LargeBody(Arc::new(Mutex::new(Some(Box::new(write_body))))));
    } else {
        response.set_body(write_body());
    }
}

/// Serializes a deferred body, if the response has one.
///
/// # Errors
/// [`Error::Overloaded`] when too many large responses are pending.
pub async fn write(response: &mut Response) -> Result<(), Error> {
    let body = response.data::<LargeBody>().map(|body| Arc::clone(&body.0));
    let take = |body: Arc<Mutex<Option<WriteBody>>>| body.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(write_body) = body.and_then(take) else { return Ok(()) };
    let _pending = PENDING.try_acquire().map_err(|_| Error::Overloaded)?;
    let writer = Arc::clone(&WRITERS).acquire_owned().await.map_err(Error::internal)?;
    let body = spawn_blocking(move || {
        // Held until the body is written, even if the client disconnects.
        let _writer = writer;
        write_body()
    });
    response.set_body(body.await.map_err(Error::internal)?);
    Ok(())
}

/// The bytes of text in a value. Counting stops as soon as the value is large.
pub fn text_bytes(value: &Value) -> usize {
    fn add(sum: usize, value: &Value) -> usize {
        match value {
            _ if sum > LARGE_BYTES => sum,
            Value::String(text) => sum + text.len(),
            Value::Array(items) => items.iter().fold(sum, add),
            Value::Object(members) => members.values().fold(sum, add),
            Value::Null | Value::Bool(_) | Value::Number(_) => sum,
        }
    }
    add(0, value)
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_large_response_does_not_block_the_async_worker() {
        let (sender, receiver) = mpsc::channel();
        let mut response = Response::default();
        let body = move || receiver.recv_timeout(Duration::from_secs(60)).expect("the worker goes on");
        set_body(&mut response, LARGE_BYTES + 1, body);
        let other_task = async { sender.send("body".to_owned()).expect("a receiver") };
        let (written, ()) = tokio::join!(write(&mut response), other_task);
        written.expect("a body");
        assert_eq!(response.into_body().into_string().await.expect("a text"), "body");
    }

    #[tokio::test]
    async fn a_small_response_is_written_at_once() {
        let mut response = Response::default();
        set_body(&mut response, LARGE_BYTES, || "body".to_owned());
        assert_eq!(response.into_body().into_string().await.expect("a text"), "body");
    }

    #[test]
    fn texts_are_counted_at_every_depth() {
        assert_eq!(text_bytes(&json!({"a": ["xx", null, 7, {"b": "xxx"}], "c": true})), 5);
        assert!(text_bytes(&json!(vec!["x".repeat(1000); 1000])) > LARGE_BYTES);
    }
}
