//! Timeouts of a connection: the client must send a head in time, and must read an answer in time.

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

use super::connection_limit::ConnectionPermit;

/// Timeout of a head, from its first byte; for the first head, from the start of the connection, or the
/// end of its TLS handshake.
const HEAD: Duration = Duration::from_secs(10);
/// Timeout for the client to read an answer.
const READ: Duration = Duration::from_secs(20);

const READING_HEAD: u8 = 0;
const ANSWERING: u8 = 1;
const ANSWERED: u8 = 2;
const IDLE: u8 = 3;

/// What the server waits for from the client, as bits.
const AWAITING_HEAD: u8 = 1;
const AWAITING_BODY: u8 = 2;
const AWAITING_READ: u8 = 4;

/// The stage of a connection, shared by its stream and its HTTP service. While the server waits for the client, the
/// connection can be evicted.
#[derive(Clone, Debug)]
pub struct Stage(Arc<State>);

#[derive(Debug)]
struct State {
    stage: AtomicU8,
    awaited: AtomicU8,
    permit: ConnectionPermit,
}

impl Stage {
    pub fn new(permit: ConnectionPermit) -> Self {
        Self(Arc::new(State { stage: AtomicU8::new(READING_HEAD), awaited: AtomicU8::new(AWAITING_HEAD), permit }))
    }

    /// A head is complete. Returns false if the connection has been evicted.
    pub fn begin_answer(&self, has_body: bool) -> bool {
        self.set(ANSWERING);
        if has_body {
            self.begin_waiting(AWAITING_BODY);
        }
        self.end_waiting(AWAITING_HEAD)
    }

    /// A body is complete or has been dropped. Returns false if the connection has been evicted.
    pub fn end_body(&self) -> bool {
        self.end_waiting(AWAITING_BODY)
    }

    /// An answer is ready to send.
    pub fn end_answer(&self) {
        self.set(ANSWERED);
    }

    fn is(&self, stage: u8) -> bool {
        self.0.stage.load(Ordering::Acquire) == stage
    }

    fn set(&self, stage: u8) {
        self.0.stage.store(stage, Ordering::Release);
    }

    /// The server also waits for `what` now. The connection moves to the end of the waiting queue.
    fn begin_waiting(&self, what: u8) {
        if self.0.awaited.fetch_or(what, Ordering::AcqRel) & what == 0 {
            self.0.permit.wait();
        }
    }

    /// The server no longer waits for `what`. Returns false if the connection has been evicted.
    fn end_waiting(&self, what: u8) -> bool {
        let awaited = self.0.awaited.fetch_and(!what, Ordering::AcqRel);
        if awaited == what { self.0.permit.work() } else { self.0.permit.is_open() }
    }
}

/// A stream that fails if its client is too slow.
pub struct TimeoutStream<S> {
    stream: S,
    stage: Stage,
    head_is_late: Pin<Box<Sleep>>,
    client_is_late: Option<Pin<Box<Sleep>>>,
}

impl<S> TimeoutStream<S> {
    pub fn new(stream: S, stage: Stage) -> Self {
        Self { stream, stage, head_is_late: Box::pin(sleep(HEAD)), client_is_late: None }
    }

    /// Applies the [`READ`] timeout while a write is pending.
    fn limit_read<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_pending() {
            self.stage.begin_waiting(AWAITING_READ);
            let late = self.client_is_late.get_or_insert_with(|| Box::pin(sleep(READ)));
            ready!(late.as_mut().poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if self.client_is_late.is_some() {
            self.stage.end_waiting(AWAITING_READ);
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimeoutStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if self.stage.is(IDLE) && buffer.filled().len() > before {
            self.stage.set(READING_HEAD);
            self.head_is_late.as_mut().reset(Instant::now() + HEAD);
        }
        // The timeout is for the whole head, so a client that sends it byte by byte does not extend it.
        if self.stage.is(READING_HEAD) && self.head_is_late.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimeoutStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.limit_read(context, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        let flushed = self.limit_read(context, flushed);
        if flushed.is_ready() {
            self.client_is_late = None;
            if self.stage.is(ANSWERED) {
                self.stage.set(IDLE);
                self.stage.begin_waiting(AWAITING_HEAD);
            }
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // With TLS, this writes.
        let ended = Pin::new(&mut self.stream).poll_shutdown(context);
        self.limit_read(context, ended)
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
        self.limit_read(context, written)
    }
}
