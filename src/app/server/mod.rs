//! The loop that takes connections: HTTP/1.1 only, each with deadlines that no client can outstay. TLS and HTTP/2 belong to
//! the proxy in front.

mod body;
pub mod connection_limit;
mod pace;
pub mod proxies;
mod queue;
mod refusal;

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
    web::{LocalAddr, RemoteAddr},
};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    task::AbortHandle,
    time::{sleep, timeout},
};

use self::{
    body::watched,
    connection_limit::{ConnectionLimiter, ConnectionPermit},
    pace::{Paced, Stage},
    proxies::Proxies,
    refusal::Refusal,
};
use crate::{api::Dropped, auth::Address};

/// How long a connection may be silent between two requests.
const IDLE: Duration = Duration::from_secs(30);
/// The largest head that is read.
const LARGEST_HEAD: usize = 64 * 1024;
/// How long requests in flight may take to end after a signal to stop.
pub const DRAIN: Duration = Duration::from_secs(30);
/// How long to wait when the system has no room for another connection.
const BREATH: Duration = Duration::from_millis(50);
/// What Linux says then: ENOMEM, ENFILE, EMFILE, ENOBUFS.
const SHORTAGES: [i32; 4] = [12, 23, 24, 105];
/// How many silent connections are closed then, and how long their tasks need for it.
const EVICTED_AT_ONCE: usize = 16;
const CLOSING: Duration = Duration::from_millis(1);

/// How many connections may wait to be taken, as far as the system allows: whoever is one too many is not refused, but
/// tries again after a second.
const WAITING: u32 = 4096;

/// What is taken at most.
#[derive(Clone, Debug)]
pub struct Limits {
    pub connections: ConnectionLimiter,
    /// Counts the connections that were one too many.
    pub refused: Counter,
    pub proxies: Proxies,
}

/// Listens on an address.
///
/// # Errors
/// The system does not let us.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}

/// Whether this address could be listened on, without taking connections.
///
/// # Errors
/// It could not.
pub fn try_address(address: SocketAddr) -> io::Result<()> {
    let socket = if address.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)
}

/// Takes connections and answers their requests until `stop` is ready; then no more are taken, and requests in flight may
/// end.
pub async fn run<E>(endpoint: E, limits: Limits, listener: TcpListener, stop: impl Future<Output = ()>)
where
    E: Endpoint<Output = Response> + 'static,
{
    let endpoint = Arc::new(endpoint);
    let Limits { connections, refused, proxies } = limits;
    let (proxies, refusal) = (Arc::new(proxies), Refusal::new().await);
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
        // All clients of a proxy share its address, so the limit of one address is not for it.
        let address = (!proxies.trusts(peer.ip())).then(|| Address::from(&RemoteAddr(peer.into())));
        match connections.admit(address) {
            Some(permit) => {
                let place = permit.place;
                let task = serve(stream, peer, &endpoint, &proxies, &graceful, permit);
                connections.serve_by(place, task);
            }
            None => {
                refused.increment(1);
                refusal.tell(stream);
            }
        }
    }
    drop(listener);
    if timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were cut off that did not end within {} s", DRAIN.as_secs());
    }
}

/// A client that went away is no trouble. Where file descriptors or memory are short, silent connections hold some.
async fn make_room(error: &io::Error, connections: &ConnectionLimiter) {
    if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
        return;
    }
    let is_short = error.raw_os_error().is_some_and(|code| SHORTAGES.contains(&code));
    if is_short && connections.evict(EVICTED_AT_ONCE) > 0 {
        sleep(CLOSING).await;
    } else {
        tracing::error!(%error, "a connection could not be taken");
        sleep(BREATH).await;
    }
}

fn serve<E>(
    stream: TcpStream,
    peer: SocketAddr,
    endpoint: &Arc<E>,
    proxies: &Arc<Proxies>,
    graceful: &GracefulShutdown,
    permit: ConnectionPermit,
) -> AbortHandle
where
    E: Endpoint<Output = Response> + 'static,
{
    // Without it, the kernel holds the end of an answer back for a moment.
    let _ = stream.set_nodelay(true);
    let local = stream.local_addr().unwrap_or(peer);
    let stage = Stage::new(permit);
    let (endpoint, proxies, in_service) = (Arc::clone(endpoint), Arc::clone(proxies), stage.clone());
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let has_body = !request.body().is_end_stream();
        let is_open = in_service.begin_answer(has_body);
        let (endpoint, in_service) = (Arc::clone(&endpoint), in_service.clone());
        let (client, scheme) = proxies.client(peer, request.headers());
        async move {
            if !is_open {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            let addresses = (LocalAddr(local.into()), RemoteAddr(client.into()));
            let mut request: Request = (request, addresses.0, addresses.1, scheme).into();
            if has_body {
                let body = watched(request.take_body(), in_service.clone());
                request.set_body(body);
            }
            let response = endpoint.get_response(request).await;
            in_service.end_answer();
            // An error ends the connection without an answer.
            let is_dropped = response.data::<Dropped>().is_some();
            if is_dropped { Err(io::Error::from(io::ErrorKind::ConnectionAborted)) } else { Ok(response.into()) }
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(TokioIo::new(Paced::new(stream, stage)), service);
    let connection = graceful.watch(connection);
    let task = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%peer, %error, "a connection ended early");
        }
    });
    task.abort_handle()
}
