//! Fetching an identity provider's keys: from one place, within bounds.

use std::{error::Error as StdError, net::IpAddr, str::FromStr, time::Duration};

use reqwest::{Client, StatusCode, Url, redirect};

use super::key_set::{self, Key};

/// How long all of it may take.
const TIMEOUT: Duration = Duration::from_secs(5);
const LARGEST_ANSWER: usize = 256 * 1024;

/// Where the keys are.
#[derive(Clone, Debug)]
pub struct KeysUrl(Url);

impl FromStr for KeysUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url: Url = text.parse().map_err(|error| format!("`{text}` is no URL: {error}"))?;
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        match url.scheme() {
            "https" if !host.is_empty() => Ok(Self(url)),
            // Whoever stands in between could show keys of their own.
            "http" if is_here => Ok(Self(url)),
            _ => Err(format!("`{text}` does not begin with https://, or with http:// and a place on this machine")),
        }
    }
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("{0}")]
    Broken(String),
    #[error("it answers with status {0}")]
    Status(StatusCode),
    #[error("its answer is larger than {LARGEST_ANSWER} bytes")]
    TooLarge,
    #[error("its answer is no set of keys: {0}")]
    NoKeySet(#[from] serde_json::Error),
}

impl From<reqwest::Error> for FetchError {
    fn from(error: reqwest::Error) -> Self {
        let first: &dyn StdError = &error;
        let causes = std::iter::successors(Some(first), |error| (*error).source());
        Self::Broken(causes.map(ToString::to_string).collect::<Vec<_>>().join(": "))
    }
}

/// Gets keys.
#[derive(Clone)]
pub struct Source {
    client: Client,
    url: Url,
}

impl Source {
    /// # Errors
    /// The system's certificates cannot be read.
    pub fn new(KeysUrl(url): KeysUrl) -> Result<Self, FetchError> {
        // Fails only when somebody chose one before, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("kommando/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, url })
    }

    /// # Errors
    /// There is no answer, or no set of keys in it.
    pub async fn fetch(&self) -> Result<Vec<Key>, FetchError> {
        let mut response = self.client.get(self.url.clone()).send().await?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(key_set::read(&body)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_over_tls_or_from_this_machine() {
        for right in ["https://id.example.com/keys", "http://127.0.0.1:8080/keys", "http://localhost/", "http://[::1]/"]
        {
            assert!(right.parse::<KeysUrl>().is_ok(), "{right}");
        }
        for wrong in ["", "keys", "http://id.example.com/keys", "http://127.0.0.1.example.com/", "file:///etc/keys"] {
            assert!(wrong.parse::<KeysUrl>().is_err(), "{wrong}");
        }
    }
}
