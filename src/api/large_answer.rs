//! Answers of unusual size are written on threads of their own, so that the async workers stay free for other requests.

use std::{
    sync::{Arc, LazyLock, Mutex, PoisonError},
    thread,
};

use poem::Response;
use serde_json::Value;
use tokio::{sync::Semaphore, task::spawn_blocking};

use crate::error::Error;

/// An answer with more bytes of text than this is large.
const LARGE: usize = 64 * 1024;
/// Large answers that are there at once, each with its content in memory. The next one is refused.
const AT_ONCE: usize = 128;
static PLACES: Semaphore = Semaphore::const_new(AT_ONCE);
/// Those of them that are written at the same time: more than there are CPUs would only slow each other down.
static WRITERS: LazyLock<Arc<Semaphore>> =
    LazyLock::new(|| Arc::new(Semaphore::new(thread::available_parallelism().map_or(1, usize::from))));

type Work = Box<dyn FnOnce() -> String + Send>;

/// A body that is still to be written. It travels with the response, since a response is made where nothing can wait.
#[derive(Clone)]
struct LargeAnswer(Arc<Mutex<Option<Work>>>);

/// Gives a response the body that `work` writes: now, or where there is much text in it, by [`write`].
pub fn set_body(response: &mut Response, text_bytes: usize, work: impl FnOnce() -> String + Send + 'static) {
    if text_bytes > LARGE {
        response.set_data(LargeAnswer(Arc::new(Mutex::new(Some(Box::new(work))))));
    } else {
        response.set_body(work());
    }
}

/// Writes the body of a response that is still to be written.
///
/// # Errors
/// Too many others are there.
pub async fn write(response: &mut Response) -> Result<(), Error> {
    let body = response.data::<LargeAnswer>().map(|body| Arc::clone(&body.0));
    let take = |body: Arc<Mutex<Option<Work>>>| body.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(work) = body.and_then(take) else { return Ok(()) };
    let _place = PLACES.try_acquire().map_err(|_| Error::Overloaded)?;
    let writer = Arc::clone(&WRITERS).acquire_owned().await.map_err(Error::internal)?;
    let body = spawn_blocking(move || {
        // Held until the work is done, also when the client goes away meanwhile.
        let _writer = writer;
        work()
    });
    response.set_body(body.await.map_err(Error::internal)?);
    Ok(())
}

/// How many bytes of text a value has. It stops counting where there are many.
pub fn text_bytes(value: &Value) -> usize {
    fn add(sum: usize, value: &Value) -> usize {
        match value {
            _ if sum > LARGE => sum,
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
    async fn the_only_worker_goes_on_while_a_large_answer_is_written() {
        let (sender, receiver) = mpsc::channel();
        let mut response = Response::default();
        let body = move || receiver.recv_timeout(Duration::from_secs(60)).expect("the worker goes on");
        set_body(&mut response, LARGE + 1, body);
        let other_task = async { sender.send("body".to_owned()).expect("a receiver") };
        let (end, ()) = tokio::join!(write(&mut response), other_task);
        end.expect("a body");
        assert_eq!(response.into_body().into_string().await.expect("a text"), "body");
    }

    #[tokio::test]
    async fn a_small_answer_is_written_at_once() {
        let mut response = Response::default();
        set_body(&mut response, LARGE, || "body".to_owned());
        assert_eq!(response.into_body().into_string().await.expect("a text"), "body");
    }

    #[test]
    fn the_texts_of_a_value_are_counted_wherever_they_stand() {
        assert_eq!(text_bytes(&json!({"a": ["xx", null, 7, {"b": "xxx"}], "c": true})), 5);
        assert!(text_bytes(&json!(vec!["x".repeat(1000); 1000])) > LARGE);
    }
}
