//! `kommando healthcheck`.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use clap::Args;
use kommando::config::Config;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Maximum size of the answer, in bytes.
const MAX_ANSWER: u64 = 64 * 1024;

/// Asks `/health/ready` of the server that listens on `--listen`.
#[derive(Args)]
pub struct Healthcheck {
    /// Time for the answer, in seconds
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=300), value_name = "SECONDS")]
    timeout: u64,
}

impl Healthcheck {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        let address = reachable(config.listen);
        ensure!(address.port() != 0, "--listen has port 0; set it to the port that the server listens on");
        let answer = timeout(Duration::from_secs(self.timeout), ask(address)).await;
        let answer = answer.with_context(|| format!("{address} did not answer within {} s", self.timeout))?;
        let answer = answer.with_context(|| format!("failed to connect to {address}; is the server running?"))?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.lines().next().unwrap_or_default();
        match status.split(' ').nth(1) {
            Some("200") => super::say("ready"),
            _ => bail!("not ready: {status} {body}"),
        }
    }
}

/// The address to connect to. For a server that listens on all addresses, it is the loopback address.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// Sends one plain HTTP request. The server has no TLS, so the check needs no HTTP library.
async fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /health/ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
