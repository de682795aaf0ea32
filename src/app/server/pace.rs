//! A connection whose client must keep pace: heads come within a time, and answers are taken within a time.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// How long a head may take from its first byte, and the first byte from the beginning of the connection.
const HEAD: Duration = Duration::from_secs(10);
/// How long an answer may take to be read by the client.
const READ: Duration = Duration::from_secs(20);

const HEAD_COMES: u8 = 0;
const ANSWERING: u8 = 1;
const ANSWERED: u8 = 2;
const SILENT: u8 = 3;

/// Where a connection is, told by whoever answers its requests.
#[derive(Clone, Debug, Default)]
pub struct Stage(Arc<AtomicU8>);

impl Stage {
    /// A head is complete.
    pub fn begin_answer(&self) {
        self.0.store(ANSWERING, Ordering::Release);
    }

    /// An answer is ready to be sent.
    pub fn end_answer(&self) {
        self.0.store(ANSWERED, Ordering::Release);
    }

    fn is(&self, stage: u8) -> bool {
        self.0.load(Ordering::Acquire) == stage
    }

    fn becomes(&self, stage: u8) {
        self.0.store(stage, Ordering::Release);
    }
}

/// A stream that fails when its client is too slow.
pub struct Paced<S> {
    stream: S,
    stage: Stage,
    head_is_late: Pin<Box<Sleep>>,
    client_is_late: Option<Pin<Box<Sleep>>>,
}

impl<S> Paced<S> {
    pub fn new(stream: S, stage: Stage) -> Self {
        Self { stream, stage, head_is_late: Box::pin(sleep(HEAD)), client_is_late: None }
    }

    /// What is written must be taken; while it is not, time runs.
    fn pace<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_pending() {
            let late = self.client_is_late.get_or_insert_with(|| Box::pin(sleep(READ)));
            ready!(late.as_mut().poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if self.stage.is(SILENT) && buffer.filled().len() > before {
            self.stage.becomes(HEAD_COMES);
            self.head_is_late.as_mut().reset(Instant::now() + HEAD);
        }
        // A head that comes byte by byte is as late as one that does not come.
        if self.stage.is(HEAD_COMES) && self.head_is_late.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.pace(context, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if flushed.is_ready() {
            self.client_is_late = None;
            if self.stage.is(ANSWERED) {
                self.stage.becomes(SILENT);
            }
        }
        self.pace(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.pace(context, written)
    }
}
