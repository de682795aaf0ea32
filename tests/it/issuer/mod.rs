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
use jsonwebtoken::{Algorithm, Header};
use ring::{
    hmac,
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, PublicKeyComponents},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
        Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
        RSA_PSS_SHA512, RsaEncoding,
    },
};
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
    der: Vec<u8>,
}

impl SigningKey {
    pub fn rsa() -> Self {
        Self { id: "rsa", algorithm: Algorithm::RS256, der: include_bytes!("rsa.der").to_vec() }
    }

    pub fn ec() -> Self {
        Self { id: "ec", algorithm: Algorithm::ES256, der: include_bytes!("ec.der").to_vec() }
    }

    /// A new key on the curve P-384.
    pub fn ec384() -> Self {
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &SystemRandom::new()).expect("a key");
        Self { id: "ec384", algorithm: Algorithm::ES384, der: der.as_ref().to_vec() }
    }

    /// A new key on the curve Ed25519.
    pub fn ed() -> Self {
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
        Self { id: "ed", algorithm: Algorithm::EdDSA, der: der.as_ref().to_vec() }
    }

    /// A key that the provider does not publish.
    pub fn foreign() -> Self {
        Self { id: "rsa", algorithm: Algorithm::RS256, der: include_bytes!("other.der").to_vec() }
    }

    fn rsa_key(&self) -> RsaKeyPair {
        RsaKeyPair::from_der(&self.der).expect("a key")
    }

    fn ec_key(&self, algorithm: &'static EcdsaSigningAlgorithm) -> EcdsaKeyPair {
        EcdsaKeyPair::from_pkcs8(algorithm, &self.der, &SystemRandom::new()).expect("a key")
    }

    fn ed_key(&self) -> Ed25519KeyPair {
        Ed25519KeyPair::from_pkcs8(&self.der).expect("a key")
    }

    /// The public key as a JWK.
    pub fn shown(&self) -> Value {
        let (id, alg, encode) =
            (self.id, format!("{:?}", self.algorithm), |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes));
        let on_curve = |curve, algorithm| {
            let key = self.ec_key(algorithm);
            let point = &key.public_key().as_ref()[1..];
            let (x, y) = point.split_at(point.len() / 2);
            json!({"kty": "EC", "use": "sig", "alg": alg, "kid": id, "crv": curve, "x": encode(x), "y": encode(y)})
        };
        match self.algorithm {
            Algorithm::ES256 => return on_curve("P-256", &ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::ES384 => return on_curve("P-384", &ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::EdDSA => {
                let x = encode(self.ed_key().public_key().as_ref());
                return json!({"kty": "OKP", "use": "sig", "alg": alg, "kid": id, "crv": "Ed25519", "x": x});
            }
            _ => {}
        }
        let PublicKeyComponents::<Vec<u8>> { n, e } = self.rsa_key().public().into();
        let (n, e) = (encode(&n), encode(&e));
        json!({"kty": "RSA", "use": "sig", "alg": alg, "kid": id, "n": n, "e": e})
    }

    pub fn header(&self) -> Header {
        Header { kid: Some(self.id.to_owned()), ..Header::new(self.algorithm) }
    }

    pub fn sign(&self, claims: &Value) -> String {
        self.sign_with(&self.header(), claims)
    }

    /// Signs any header and claims, valid or not.
    pub fn sign_text(&self, header: &str, claims: &str) -> String {
        self.sign_as(self.algorithm, header, claims)
    }

    pub fn sign_with(&self, header: &Header, claims: &Value) -> String {
        self.sign_as(header.alg, &serde_json::to_string(header).expect("JSON"), &claims.to_string())
    }

    /// Signs with another algorithm than the header may name.
    pub fn sign_as(&self, algorithm: Algorithm, header: &str, claims: &str) -> String {
        let message = message(header, claims);
        let with_rsa = |encoding: &'static dyn RsaEncoding| {
            let key = self.rsa_key();
            let mut signature = vec![0; key.public().modulus_len()];
            key.sign(encoding, &SystemRandom::new(), message.as_bytes(), &mut signature).expect("a signature");
            signature
        };
        let with_ec = |algorithm| {
            let signature = self.ec_key(algorithm).sign(&SystemRandom::new(), message.as_bytes());
            signature.expect("a signature").as_ref().to_vec()
        };
        let signature = match algorithm {
            Algorithm::RS256 => with_rsa(&RSA_PKCS1_SHA256),
            Algorithm::RS384 => with_rsa(&RSA_PKCS1_SHA384),
            Algorithm::RS512 => with_rsa(&RSA_PKCS1_SHA512),
            Algorithm::PS256 => with_rsa(&RSA_PSS_SHA256),
            Algorithm::PS384 => with_rsa(&RSA_PSS_SHA384),
            Algorithm::PS512 => with_rsa(&RSA_PSS_SHA512),
            Algorithm::ES256 => with_ec(&ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::ES384 => with_ec(&ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::EdDSA => self.ed_key().sign(message.as_bytes()).as_ref().to_vec(),
            other => panic!("no test signs with {other:?}"),
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// Signs with HMAC, which no provider does.
pub fn sign_with_secret(header: &Header, claims: &Value, secret: &[u8]) -> String {
    let algorithm = match header.alg {
        Algorithm::HS256 => hmac::HMAC_SHA256,
        Algorithm::HS384 => hmac::HMAC_SHA384,
        Algorithm::HS512 => hmac::HMAC_SHA512,
        other => panic!("{other:?} takes no secret"),
    };
    let message = message(&serde_json::to_string(header).expect("JSON"), &claims.to_string());
    let signature = hmac::sign(&hmac::Key::new(algorithm, secret), message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// What a signature is made of.
fn message(header: &str, claims: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
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
