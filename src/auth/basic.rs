//! HTTP Basic: a name and a password in each request, or a ticket in their place.

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};

use crate::users::ticket;

/// What `Basic` can carry.
pub enum Credentials {
    Password { name: String, password: SecretString },
    // QUIRK: a ticket as the user name with a blank password, or unencoded. Seen in: contract §4. Until: upstream drops it.
    Ticket(SecretString),
}

/// Reads what stands behind the scheme's name.
pub fn decode(credentials: &str) -> Option<Credentials> {
    let prefix = ticket::Kind::Ticket.prefix();
    if credentials.starts_with(prefix) {
        return Some(Credentials::Ticket(SecretString::from(credentials)));
    }
    let decoded = SecretString::from(String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?);
    let text = decoded.expose_secret();
    // No user has a colon in the name: what begins with `7T:` and ends with one is a ticket without a password.
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
    fn a_ticket_may_stand_in_place_of_name_and_password() {
        for written in ["7T:abc".to_owned(), STANDARD.encode("7T:abc:")] {
            let Some(Credentials::Ticket(ticket)) = decode(&written) else { panic!("no ticket in {written}") };
            assert_eq!(ticket.expose_secret(), "7T:abc");
        }
    }

    #[test]
    fn what_is_not_base64_of_a_name_and_a_password_proves_nothing() {
        for wrong in ["", "???", &STANDARD.encode("anna"), &STANDARD.encode([0xff, 0xfe, b':'])] {
            assert!(decode(wrong).is_none(), "{wrong}");
        }
    }
}
