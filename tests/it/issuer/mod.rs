//! A fake identity provider: signs tokens and serves its keys over HTTP, correctly or not. Its keys are for tests only.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::Utc;
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

pub const ISSUER: &str = "https://id.example.com/";
pub const AUDIENCE: &str = "kommando";
/// The public half of the RSA key, as providers publish it.
pub const RSA_PUBLIC_PEM: &str = include_str!("rsa-public.pem");

/// A private key with its id.
#[derive(Clone)]
pub struct SigningKey {
    pub id: &'static str,
    pub algorithm: Algorithm,
    key: EncodingKey,
}

impl SigningKey {
    pub fn rsa() -> Self {
        let key = EncodingKey::from_rsa_der(include_bytes!("rsa.der"));
        Self { id: "rsa", algorithm: Algorithm::RS256, key }
    }

    pub fn ec() -> Self {
        Self { id: "ec", algorithm: Algorithm::ES256, key: EncodingKey::from_ec_der(include_bytes!("ec.der")) }
    }

    /// A key that the provider does not publish.
    pub fn foreign() -> Self {
        let key = EncodingKey::from_rsa_der(include_bytes!("other.der"));
        Self { id: "rsa", algorithm: Algorithm::RS256, key }
    }

    /// The public key as a JWK.
    pub fn shown(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).expect("a public key");
        jwk.common.key_id = Some(self.id.to_owned());
        let mut jwk = serde_json::to_value(jwk).expect("JSON");
        jwk["use"] = "sig".into();
        jwk
    }

    pub fn header(&self) -> Header {
        Header { kid: Some(self.id.to_owned()), ..Header::new(self.algorithm) }
    }

    pub fn sign(&self, claims: &Value) -> String {
        self.sign_with(&self.header(), claims)
    }

    /// Signs any header and claims, valid or not.
    pub fn sign_text(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, self.algorithm).expect("a signature");
        format!("{message}.{signature}")
    }

    pub fn sign_with(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.key).expect("a token")
    }
}

/// Valid claims for a user.
pub fn claims(name: &str) -> Value {
    let now = Utc::now().timestamp();
    json!({"iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + 300, "preferred_username": name})
}

/// The same with another value for one claim; null removes it.
pub fn claims_but(name: &str, claim: &str, value: Value) -> Value {
    let mut claims = claims(name);
    match value {
        Value::Null => drop(claims.as_object_mut().expect("an object").remove(claim)),
        value => claims[claim] = value,
    }
    claims
}

/// A value encoded as a part of a token.
pub fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// How the key URL responds.
#[derive(Clone, Debug)]
pub enum Shows {
    Body(String),
    Status(u16),
    Redirect(String),
    /// Never responds.
    Silence,
}

impl Shows {
    pub fn keys(keys: &[SigningKey]) -> Self {
        Self::Body(json!({"keys": keys.iter().map(SigningKey::shown).collect::<Vec<_>>()}).to_string())
    }
}

pub struct Issuer {
    address: SocketAddr,
    shows: Arc<Mutex<Shows>>,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    pub async fn start(shows: Shows) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (shows, asked) = (Arc::new(Mutex::new(shows)), Arc::new(AtomicUsize::new(0)));
        let (shown, counter) = (Arc::clone(&shows), Arc::clone(&asked));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                counter.fetch_add(1, Ordering::SeqCst);
                let shows = shown.lock().expect("a lock").clone();
                tokio::spawn(answer(stream, shows));
            }
        });
        Self { address, shows, asked }
    }

    pub fn show(&self, shows: Shows) {
        *self.shows.lock().expect("a lock") = shows;
    }

    /// The number of requests for the keys.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    pub fn url(&self) -> String {
        format!("http://{}/keys", self.address)
    }
}

async fn answer(mut stream: TcpStream, shows: Shows) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let (line, body) = match shows {
        Shows::Body(body) => ("200 OK".to_owned(), body),
        Shows::Status(status) => (format!("{status} Status"), String::new()),
        Shows::Redirect(to) => (format!("302 Found\r\nLocation: {to}"), String::new()),
        Shows::Silence => std::future::pending().await,
    };
    let head = format!("HTTP/1.1 {line}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    // The client may close the connection early.
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(body.as_bytes()).await;
}
