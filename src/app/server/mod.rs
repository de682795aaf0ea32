//! The HTTP/1.1 server: accepts connections, with TLS or without, limits them, and enforces timeouts. HTTP/2 is left to a
//! reverse proxy.

pub mod connection_limit;
mod counted_body;
mod overload_response;
mod queue;
mod stream_timeouts;
pub mod tls;
pub mod trusted_proxies;

use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use hyper::{
    body::{Body as _, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use metrics::Counter;
use poem::{
    Endpoint, Request, Response,
    http::uri::Scheme,
    web::{LocalAddr, RemoteAddr},
};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    task::AbortHandle,
    time::{sleep, timeout},
};
use tokio_util::either::Either;

use self::{
    connection_limit::{ConnectionLimiter, ConnectionPermit},
    counted_body::tracked_body,
    overload_response::OverloadResponse,
    stream_timeouts::{Stage, TimeoutStream},
    tls::Tls,
    trusted_proxies::TrustedProxies,
};
use crate::{api::DropConnection, auth::Address};

/// Timeout of an idle connection between two requests.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Maximum size of a request head, in bytes.
const MAX_HEAD: usize = 64 * 1024;
/// Time for requests in flight to end during a shutdown.
pub const DRAIN: Duration = Duration::from_secs(30);
/// Pause after the system could not accept a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Linux errors for a lack of memory or file descriptors: ENOMEM, ENFILE, EMFILE, ENOBUFS.
const SHORTAGES: [i32; 4] = [12, 23, 24, 105];
/// Number of waiting connections that are closed after such an error.
const EVICTED_AT_ONCE: usize = 16;
/// Time for the tasks of evicted connections to close their sockets.
const CLOSE_PAUSE: Duration = Duration::from_millis(1);

/// Length of the accept queue, as far as the system allows. A client beyond it is not refused; its system tries again
/// after a second.
const ACCEPT_QUEUE: u32 = 4096;

/// The limits of a listener.
#[derive(Clone, Debug)]
pub struct Limits {
    pub connections: ConnectionLimiter,
    /// Counts the refused connections.
    pub refused: Counter,
    pub proxies: TrustedProxies,
    /// `None` for plain HTTP.
    pub tls: Option<Tls>,
}

/// Listens on an address.
///
/// # Errors
/// The system does not allow it.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(ACCEPT_QUEUE)
}

/// Checks that it is possible to listen on an address, without accepting connections.
///
/// # Errors
/// It is not possible.
pub fn try_address(address: SocketAddr) -> io::Result<()> {
    let socket = if address.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)
}

/// Serves connections until `stop` is ready. Then it accepts no more, and waits for the requests in flight.
pub async fn run<E>(endpoint: E, limits: Limits, listener: TcpListener, stop: impl Future<Output = ()>)
where
    E: Endpoint<Output = Response> + 'static,
{
    let endpoint = Arc::new(endpoint);
    let Limits { connections, refused, proxies, tls } = limits;
    let (proxies, overload) = (Arc::new(proxies), OverloadResponse::new().await);
    let graceful = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    make_room(&error, &connections).await;
                    continue;
                }
            },
        };
        // All clients of a proxy share its address, so the limit per address does not apply to it.
        let address = (!proxies.trusts(peer.ip())).then(|| Address::from(&RemoteAddr(peer.into())));
        match connections.admit(address) {
            Some(permit) => {
                let id = permit.id;
                let task = serve((stream, tls.clone()), peer, &endpoint, &proxies, &graceful, permit);
                connections.serve_by(id, task);
            }
            None => {
                refused.increment(1);
                // With TLS, the client could not read an answer without a handshake.
                if tls.is_none() {
                    overload.send(stream);
                }
            }
        }
    }
    drop(listener);
    if timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!(seconds = DRAIN.as_secs(), "cut off requests that did not end in time");
    }
}

/// Handles a failed accept. If file descriptors or memory are short, evicts waiting connections.
async fn make_room(error: &io::Error, connections: &ConnectionLimiter) {
    if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
        return;
    }
    let is_short = error.raw_os_error().is_some_and(|code| SHORTAGES.contains(&code));
    if is_short && connections.evict(EVICTED_AT_ONCE) > 0 {
        sleep(CLOSE_PAUSE).await;
    } else {
        tracing::error!(%error, "failed to accept a connection");
        sleep(ACCEPT_PAUSE).await;
    }
}

fn serve<E>(
    (stream, tls): (TcpStream, Option<Tls>),
    peer: SocketAddr,
    endpoint: &Arc<E>,
    proxies: &Arc<TrustedProxies>,
    graceful: &GracefulShutdown,
    permit: ConnectionPermit,
) -> AbortHandle
where
    E: Endpoint<Output = Response> + 'static,
{
    // Without this, the kernel delays the end of an answer.
    let _ = stream.set_nodelay(true);
    let local = stream.local_addr().unwrap_or(peer);
    let stage = Stage::new(permit);
    let (endpoint, proxies, in_service) = (Arc::clone(endpoint), Arc::clone(proxies), stage.clone());
    let scheme = if tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP };
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let has_body = !request.body().is_end_stream();
        let is_open = in_service.begin_answer(has_body);
        let (endpoint, in_service) = (Arc::clone(&endpoint), in_service.clone());
        let (client, scheme) = proxies.client((peer, scheme.clone()), request.headers());
        async move {
            if !is_open {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            let addresses = (LocalAddr(local.into()), RemoteAddr(client.into()));
            let mut request: Request = (request, addresses.0, addresses.1, scheme).into();
            if has_body {
                let body = tracked_body(request.take_body(), in_service.clone());
                request.set_body(body);
            }
            let response = endpoint.get_response(request).await;
            in_service.end_answer();
            // An error ends the connection without an answer.
            let is_dropped = response.data::<DropConnection>().is_some();
            if is_dropped { Err(io::Error::from(io::ErrorKind::ConnectionAborted)) } else { Ok(response.into()) }
        }
    });
    let watcher = graceful.watcher();
    let task = tokio::spawn(async move {
        let stream = match tls {
            None => Either::Left(stream),
            Some(tls) => match tls.accept(stream).await {
                Ok(stream) => Either::Right(stream),
                Err(error) => return tracing::debug!(%peer, %error, "a TLS handshake failed"),
            },
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE_TIMEOUT)
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(TimeoutStream::new(stream, stage)), service);
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%peer, %error, "a connection ended early");
        }
    });
    task.abort_handle()
}
