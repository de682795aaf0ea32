//! Searches emitted texts for planted secrets.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};

/// The secrets and all emitted texts.
#[derive(Default)]
pub struct Search {
    secrets: Vec<(&'static str, String)>,
    /// Place, text, and the secrets that the text may contain.
    emitted: Vec<(String, String, Vec<&'static str>)>,
}

impl Search {
    /// Creates a secret for a place. It consists of letters and digits, so encoding does not change it.
    pub fn plant(&mut self, place: &'static str) -> String {
        let secret = format!("canary{:02}{:016x}", self.secrets.len(), rand::random::<u64>());
        self.note(place, &secret);
        secret
    }

    /// Adds a secret that the server generated.
    pub fn note(&mut self, place: &'static str, secret: &str) {
        assert!(secret.len() >= 16, "{place}: {secret} is too short to be found reliably");
        self.secrets.push((place, secret.to_owned()));
    }

    /// Encodes the credentials of HTTP Basic, which are a secret in this form, too.
    pub fn basic(&mut self, place: &'static str, name: &str, password: &str) -> String {
        let written = STANDARD.encode(format!("{name}:{password}"));
        self.note(place, &written);
        format!("Basic {written}")
    }

    pub fn emitted(&mut self, place: impl Into<String>, what: impl Into<Vec<u8>>, shows: &[&'static str]) {
        let text = String::from_utf8_lossy(&what.into()).into_owned();
        self.emitted.push((place.into(), text, shows.to_vec()));
    }

    /// The secrets found where they are not allowed.
    pub fn leaks(&self) -> Vec<String> {
        let mut leaks = Vec::new();
        for (place, what, shows) in &self.emitted {
            for (secret, text) in self.secrets.iter().filter(|(secret, _)| !shows.contains(secret)) {
                if let Some((before, after)) = what.split_once(text.as_str()) {
                    let before: String = before.chars().rev().take(100).collect::<Vec<_>>().into_iter().rev().collect();
                    let after: String = after.chars().take(50).collect();
                    leaks.push(format!("{secret} is in {place}: …{before}{text}{after}…"));
                }
            }
        }
        leaks
    }
}

impl fmt::Display for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} secrets, {} texts", self.secrets.len(), self.emitted.len())
    }
}
