//! TLS with a certificate of the server's own. The certificates are self-signed, for 127.0.0.1, valid for 100 years.

use std::{
    fs,
    io::{self, Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, Stream,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use serde_json::json;

use crate::{
    Process,
    ask::{Answer, Ask},
    folder,
};

const PASSWORD: &str = "it's a secret";
const ONE: [&str; 2] = [include_str!("tls/one.pem"), include_str!("tls/one.key")];
const TWO: [&str; 2] = [include_str!("tls/two.pem"), include_str!("tls/two.key")];

fn write(folder: &Path, [certificate, key]: [&str; 2]) {
    // The key first: with the certificate, both must fit.
    for (name, text) in [("key.pem", key), ("certificate.pem", certificate)] {
        fs::write(folder.join(name), text).expect("a file");
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o600)).expect("a mode");
    }
}

fn start(folder: &Path) -> (Process, String) {
    write(folder, ONE);
    let words = ["serve", "--demo", "--tls-cert", "certificate.pem", "--tls-key", "key.pem"];
    let mut process = Process::start(folder, &words, &[("KOMMANDO_ADMIN_PASSWORD", PASSWORD)]);
    let banner = process.banner();
    let address = banner.lines().find_map(|line| line.split("https://").nth(1)?.strip_suffix("/docs"));
    (process, address.unwrap_or_else(|| panic!("no https in {banner}")).to_owned())
}

/// Sends a request over TLS, trusting only this certificate.
fn send(address: &str, certificate: &str, ask: &Ask) -> io::Result<Answer> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate")).expect("a root");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "127.0.0.1".try_into().expect("a name");
    let mut connection = ClientConnection::new(Arc::new(config), name).expect("a connection");
    let mut stream = TcpStream::connect(address)?;
    let mut stream = Stream::new(&mut connection, &mut stream);
    stream.write_all(&ask.written(address))?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(Answer::read(&answer))
}

#[test]
fn a_server_with_a_certificate_speaks_only_tls() {
    let folder = folder();
    let (_process, address) = start(folder.path());
    let user = send(&address, ONE[0], &Ask::get("/api/v1/User/2").by("admin", PASSWORD)).expect("an answer").done();
    assert_eq!(user["_Links"]["Self"], format!("https://{address}/api/v1/user/2"));
    let log_in = Ask::post("/_ext/session").json(json!({"userName": "anna", "password": PASSWORD}));
    let session = send(&address, ONE[0], &log_in).expect("an answer");
    assert!(session.header("Set-Cookie").is_some_and(|cookie| cookie.contains("Secure")), "{}", session.head);
    let mut plain = TcpStream::connect(&address).expect("a connection");
    plain.write_all(&Ask::get("/health/ready").written(&address)).expect("a request");
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "plain HTTP is answered");
    assert!(send(&address, TWO[0], &log_in).is_err(), "another certificate");

    let ready = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kommando"));
        command.args(["healthcheck", "--listen", &address]).args(words);
        command.current_dir(folder.path()).output().expect("an end").status.success()
    };
    assert_eq!((ready(&["--tls-cert", "certificate.pem", "--tls-key", "key.pem"]), ready(&[])), (true, false));
}

#[test]
fn a_changed_certificate_is_taken_without_a_restart() {
    let folder = folder();
    let (mut process, address) = start(folder.path());
    let is_served = |certificate| send(&address, certificate, &Ask::get("/health/ready")).is_ok();
    assert_eq!((is_served(ONE[0]), is_served(TWO[0])), (true, false));
    // A certificate without its key does not replace the other.
    write(folder.path(), [TWO[0], ONE[1]]);
    process.logs("kept the former certificate");
    assert_eq!((is_served(ONE[0]), is_served(TWO[0])), (true, false));
    fs::remove_file(folder.path().join("key.pem")).expect("a removal");
    process.logs("kept the certificate; its files cannot be read now");
    assert!(is_served(ONE[0]));
    write(folder.path(), TWO);
    process.logs("took a new certificate");
    assert_eq!((is_served(ONE[0]), is_served(TWO[0])), (false, true));
}

#[test]
fn a_client_without_a_handshake_is_cut_off() {
    let folder = folder();
    let (_process, address) = start(folder.path());
    for beginning in [&b""[..], b"\x16\x03\x01"] {
        let mut stream = TcpStream::connect(&address).expect("a connection");
        stream.write_all(beginning).expect("a beginning");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
        let began = Instant::now();
        let read = stream.read(&mut [0; 64]).unwrap_or_default();
        assert_eq!(read, 0, "the server says something");
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    }
}
