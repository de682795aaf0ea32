//! Tests of the binary as a process, on a free port.

mod alone;
mod ask;
mod audit_schedule;
mod canary;
mod cookbook;
mod crowd;
mod disk;
mod forgetting;
mod housekeeping;
#[path = "../it/issuer/mod.rs"]
#[expect(dead_code, reason = "the tests of tokens use more of it")]
mod issuer;
mod kill;
mod login_limiter;
mod login_queue;
mod metrics;
mod operating;
#[cfg(feature = "otlp")]
mod otlp;
mod postgres;
mod proxy;
mod reload;
mod sink;
mod slow;
mod start;
mod texts;
mod timing;
mod tls;
mod webhooks;
mod wire;

use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, ChildStderr, ChildStdout, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use tempfile::TempDir;

/// A server process that is killed on drop.
struct Process {
    child: Child,
    out: BufReader<ChildStdout>,
    err: BufReader<ChildStderr>,
    log: String,
}

impl Process {
    fn start(folder: &Path, words: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kommando"));
        command.args(words).args(["--listen", "127.0.0.1:0"]).current_dir(folder);
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("OTEL_")) {
            command.env_remove(name);
        }
        command.env("KOMMANDO_PASSWORD_COST", "m=8,t=1,p=1").envs(variables.iter().copied());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a start");
        let out = BufReader::new(child.stdout.take().expect("standard output"));
        let err = BufReader::new(child.stderr.take().expect("standard error"));
        Self { child, out, err, log: String::new() }
    }

    fn demo(folder: &Path) -> Self {
        Self::start(folder, &["serve", "--demo"], &[("KOMMANDO_ADMIN_PASSWORD", "it's a secret")])
    }

    /// Reads the complete banner.
    fn banner(&mut self) -> String {
        self.try_banner().unwrap_or_else(|| {
            let _ = self.err.read_to_string(&mut self.log);
            panic!("the banner ended early: {}", self.log)
        })
    }

    /// Reads the banner; `None` if the process ends before.
    fn try_banner(&mut self) -> Option<String> {
        let mut banner = String::new();
        while !banner.contains("curl ") {
            if self.out.read_line(&mut banner).expect("a line") == 0 {
                return None;
            }
        }
        Some(banner)
    }

    /// Waits until a line of the log contains this text.
    fn logs(&mut self, what: &str) {
        // Ends a server that does not log it, so that the test fails instead of waiting for ever.
        let (waiting, ended) = mpsc::channel::<()>();
        let id = self.child.id().to_string();
        thread::spawn(move || {
            if ended.recv_timeout(Duration::from_secs(120)) == Err(mpsc::RecvTimeoutError::Timeout) {
                Command::new("kill").args(["-s", "KILL", &id]).status().expect("an end");
            }
        });
        while !self.log.lines().any(|line| line.contains(what)) {
            let read = self.err.read_line(&mut self.log).expect("a line");
            assert_ne!(read, 0, "the log ended without {what}: {}", self.log);
        }
        drop(waiting);
    }

    /// Closes the log: further writes of the server fail.
    fn close_log(&mut self) {
        let mut other = Command::new("true").stderr(Stdio::piped()).spawn().expect("a start");
        self.err = BufReader::new(other.stderr.take().expect("standard error"));
        other.wait().expect("an end");
    }

    /// Forgets the log lines read so far.
    fn forget_log(&mut self) {
        self.log.clear();
    }

    fn signal(&self, name: &str) {
        let kill = format!("kill -s {name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().expect("a signal").success());
    }

    /// The complete log of a process that ends by itself.
    fn log(mut self) -> String {
        self.err.read_to_string(&mut self.log).expect("a log");
        std::mem::take(&mut self.log)
    }
}

impl Process {
    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn address(banner: &str) -> String {
    let line = banner.lines().find(|line| line.contains("Swagger UI")).expect("a line");
    line.split("http://").nth(1).and_then(|rest| rest.strip_suffix("/docs")).expect("an address").to_owned()
}

/// Sends a request and reads the complete response.
fn send(address: &str, head: &str) -> std::io::Result<String> {
    send_body(address, head, "")
}

fn send_body(address: &str, head: &str, body: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.write_all(format!("{head}\r\nHost: {address}\r\nConnection: close\r\n\r\n{body}").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
