//! How a request proves who calls.
//!
//! An operation whose first argument is a [`Caller`] is refused to everybody else before anything
//! else of the request is looked at.

mod basic;
mod challenge;
mod extractor;
mod origin;
mod ticket;

pub use challenge::challenges;
pub use origin::is_cross_site;

use crate::{
    error::Error,
    store::Store,
    users::{Caller, password::Passwords},
};

/// Finds out who calls.
#[derive(Clone, Debug)]
pub struct Authenticator {
    store: Store,
    passwords: Passwords,
}

impl Authenticator {
    pub fn new(store: Store, passwords: Passwords) -> Self {
        Self { store, passwords }
    }

    /// Judges the value of an `Authorization` header.
    ///
    /// # Errors
    /// It proves nothing, or the database does not answer. Why it proves nothing stands in the log at level debug only:
    /// whoever tries is always told the same.
    pub async fn authenticate(&self, authorization: &str) -> Result<Caller, Error> {
        let (scheme, credentials) = authorization.split_once(' ').unwrap_or((authorization, ""));
        let credentials = credentials.trim();
        if scheme.eq_ignore_ascii_case("Basic") {
            self.by_password(credentials).await
        } else if scheme.eq_ignore_ascii_case("SoTicket") {
            self.by_ticket(credentials).await
        } else {
            tracing::debug!("unknown scheme in Authorization");
            Err(Error::Unauthenticated)
        }
    }
}
