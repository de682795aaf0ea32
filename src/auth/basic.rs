//! Decodes HTTP Basic credentials: a name and a password, or a ticket.

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};

use crate::users::ticket;

/// The credentials of an `Authorization: Basic` header.
pub enum Credentials {
    Password { name: String, password: SecretString },
    // QUIRK: a ticket as the user name with a blank password, or unencoded. Seen in: docs/upstream.md §4. Until:
    // upstream drops it.
    Ticket(SecretString),
}

/// Decodes the text after `Basic `.
pub fn decode(credentials: &str) -> Option<Credentials> {
    let prefix = ticket::Kind::Ticket.prefix();
    if credentials.starts_with(prefix) {
        return Some(Credentials::Ticket(SecretString::from(credentials)));
    }
    let decoded = SecretString::from(String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?);
    let text = decoded.expose_secret();
    // User names contain no colon, so `7T:…:` is a ticket with an empty password.
    if let Some(ticket) = text.strip_suffix(':').filter(|ticket| ticket.starts_with(prefix)) {
        return Some(Credentials::Ticket(SecretString::from(ticket)));
    }
    let (name, password) = text.split_once(':')?;
    Some(Credentials::Password { name: name.to_owned(), password: SecretString::from(password) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_may_contain_colons() {
        let Some(Credentials::Password { name, password }) = decode(&STANDARD.encode("anna:a:b")) else {
            panic!("no password")
        };
        assert_eq!((name.as_str(), password.expose_secret()), ("anna", "a:b"));
    }

    #[test]
    fn a_ticket_may_replace_name_and_password() {
        for written in ["7T:abc".to_owned(), STANDARD.encode("7T:abc:")] {
            let Some(Credentials::Ticket(ticket)) = decode(&written) else { panic!("no ticket in {written}") };
            assert_eq!(ticket.expose_secret(), "7T:abc");
        }
    }

    #[test]
    fn credentials_that_cannot_be_decoded_are_rejected() {
        for wrong in ["", "???", &STANDARD.encode("anna"), &STANDARD.encode([0xff, 0xfe, b':'])] {
            assert!(decode(wrong).is_none(), "{wrong}");
        }
    }
}
