//! Fetches an identity provider's keys from one URL, with limits on time and size.

use std::{net::IpAddr, str::FromStr, time::Duration};

use reqwest::{Client, StatusCode, Url, redirect};

use super::jwks::{self, SigningKey};
use crate::error::with_causes;

/// For the whole request.
const TIMEOUT: Duration = Duration::from_secs(5);
const MAX_RESPONSE_BYTES: usize = 256 * 1024;

/// The URL of the JWKS: https, or http to this machine.
#[derive(Clone, Debug)]
pub struct JwksUrl(Url);

impl FromStr for JwksUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url: Url = text.parse().map_err(|error| format!("`{text}` is not a URL: {error}"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("the keys of an identity provider are public; remove the user and the password".to_owned());
        }
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let is_loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        match url.scheme() {
            "https" if !host.is_empty() => Ok(Self(url)),
            // Over a network, an attacker could replace the keys.
            "http" if is_loopback => Ok(Self(url)),
            _ => Err(format!("`{text}` must begin with https://, or with http:// and a loopback host")),
        }
    }
}

/// Why the keys could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("{0}")]
    Broken(String),
    #[error("unexpected status {0}")]
    Status(StatusCode),
    #[error("the response is larger than {MAX_RESPONSE_BYTES} bytes")]
    TooLarge,
    #[error("the response is not a JWKS: {0}")]
    NoKeySet(#[from] serde_json::Error),
}

impl From<reqwest::Error> for FetchError {
    fn from(error: reqwest::Error) -> Self {
        Self::Broken(with_causes(&error))
    }
}

/// HTTP client for the JWKS endpoint.
#[derive(Clone)]
pub struct JwksClient {
    client: Client,
    url: Url,
}

impl JwksClient {
    /// # Errors
    /// The system's certificates cannot be read.
    pub fn new(JwksUrl(url): JwksUrl) -> Result<Self, FetchError> {
        // Fails only when another provider is installed already, which works as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Without TLS, no certificate authorities are needed, and the system may have none.
        let builder = Client::builder();
        let builder = if url.scheme() == "http" { builder.tls_certs_only([]) } else { builder };
        let client = builder
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("kommando/", env!("CARGO_PKG_VERSION")))
            .build();
        let client = client.map_err(|error| {
            let cause = FetchError::from(error);
            FetchError::Broken(format!(
                "{cause}; install the system's certificate authorities (Debian: ca-certificates)"
            ))
        })?;
        Ok(Self { client, url })
    }

    pub async fn fetch(&self) -> Result<Vec<SigningKey>, FetchError> {
        let mut response = self.client.get(self.url.clone()).send().await?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_RESPONSE_BYTES {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(jwks::read(&body)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_jwks_url_is_https_or_loopback() {
        for right in ["https://id.example.com/keys", "http://127.0.0.1:8080/keys", "http://localhost/", "http://[::1]/"]
        {
            assert!(right.parse::<JwksUrl>().is_ok(), "{right}");
        }
        for wrong in ["", "keys", "http://id.example.com/keys", "http://127.0.0.1.example.com/", "file:///etc/keys"] {
            assert!(wrong.parse::<JwksUrl>().is_err(), "{wrong}");
        }
    }
}
