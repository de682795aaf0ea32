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

use super::connection_limit::ConnectionPermit;

/// How long a head may take from its first byte, and the first byte from the beginning of the connection.
const HEAD: Duration = Duration::from_secs(10);
/// How long an answer may take to be read by the client.
const READ: Duration = Duration::from_secs(20);

const HEAD_COMES: u8 = 0;
const ANSWERING: u8 = 1;
const ANSWERED: u8 = 2;
const SILENT: u8 = 3;

/// What the client owes the server, as bits.
const HEAD_OWED: u8 = 1;
const BODY_OWED: u8 = 2;
const READING_OWED: u8 = 4;

/// Where a connection is, told by whoever answers its requests. While its client owes anything, it can be evicted.
#[derive(Clone, Debug)]
pub struct Stage(Arc<State>);

#[derive(Debug)]
struct State {
    stage: AtomicU8,
    owed: AtomicU8,
    permit: ConnectionPermit,
}

impl Stage {
    pub fn new(permit: ConnectionPermit) -> Self {
        Self(Arc::new(State { stage: AtomicU8::new(HEAD_COMES), owed: AtomicU8::new(HEAD_OWED), permit }))
    }

    /// A head is complete. False when the connection has been evicted.
    pub fn begin_answer(&self, has_body: bool) -> bool {
        self.becomes(ANSWERING);
        if has_body {
            self.owes(BODY_OWED);
        }
        self.settles(HEAD_OWED)
    }

    /// A body is complete, or not wanted any more. False when the connection has been evicted.
    pub fn end_body(&self) -> bool {
        self.settles(BODY_OWED)
    }

    /// An answer is ready to be sent.
    pub fn end_answer(&self) {
        self.becomes(ANSWERED);
    }

    fn is(&self, stage: u8) -> bool {
        self.0.stage.load(Ordering::Acquire) == stage
    }

    fn becomes(&self, stage: u8) {
        self.0.stage.store(stage, Ordering::Release);
    }

    /// The client owes something more: it waits from now on, behind all others.
    fn owes(&self, what: u8) {
        if self.0.owed.fetch_or(what, Ordering::AcqRel) & what == 0 {
            self.0.permit.wait();
        }
    }

    /// The client no longer owes this. False when the connection has been evicted.
    fn settles(&self, what: u8) -> bool {
        let owed = self.0.owed.fetch_and(!what, Ordering::AcqRel);
        if owed == what { self.0.permit.work() } else { self.0.permit.is_open() }
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
            self.stage.owes(READING_OWED);
            let late = self.client_is_late.get_or_insert_with(|| Box::pin(sleep(READ)));
            ready!(late.as_mut().poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if self.client_is_late.is_some() {
            self.stage.settles(READING_OWED);
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
        let flushed = self.pace(context, flushed);
        if flushed.is_ready() {
            self.client_is_late = None;
            if self.stage.is(ANSWERED) {
                self.stage.becomes(SILENT);
                self.stage.owes(HEAD_OWED);
            }
        }
        flushed
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
