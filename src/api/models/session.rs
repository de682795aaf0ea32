//! Sessions, tickets and password changes. Upstream has no such API, so the names are in camel case.

use chrono::TimeDelta;
use poem_openapi::{
    Enum, Object,
    types::{Example, Password},
};

use super::formats::Rfc3339;
use crate::users::ticket;

/// A user name and a password.
#[derive(Object)]
#[oai(rename_all = "camelCase", example)]
pub struct LogIn {
    /// The user's Name or UserName.
    pub user_name: String,
    /// The password.
    pub password: Password,
}

/// A new session.
#[derive(Object)]
#[oai(rename_all = "camelCase", example)]
pub struct Session {
    /// The ticket of the session, for `Authorization: SoTicket 7T:…`. The server shows it only once.
    pub ticket: String,
    /// The id of the user who logged in.
    pub user_id: i32,
    /// The expiry time of the session, in UTC. Each use extends it to six hours later.
    pub expires: Rfc3339,
}

/// A change of the caller's own password.
#[derive(Object)]
#[oai(rename_all = "camelCase", example)]
pub struct PasswordChange {
    /// The user's Name or UserName.
    pub user_name: String,
    /// The present password. It may be a temporary password.
    pub old_password: Password,
    /// The new password.
    pub new_password: Password,
}

/// A ticket or an access token of a user.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", example)]
pub struct Ticket {
    /// The id of the ticket: its SHA-256 hash, in hexadecimal. The id is not a credential.
    pub id: String,
    /// The kind of the ticket.
    pub kind: TicketKind,
    /// The id of the user that the ticket was issued to.
    pub user_id: i32,
    /// The id of the application that the ticket was issued through; null for none.
    #[oai(nullable)]
    pub application_id: Option<i32>,
    /// The time of issue, in UTC.
    pub created_at: Rfc3339,
    /// The expiry time, in UTC. Using a ticket extends it.
    pub expires_at: Rfc3339,
}

/// A kind of ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum TicketKind {
    /// A ticket for SoTicket (`7T:…`), or of a session. Each use extends it.
    Ticket,
    /// An access token for Bearer (`8A:…`). It is valid for an hour.
    AccessToken,
}

/// A page of the valid tickets and access tokens of a user, newest first.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", example)]
pub struct TicketList {
    /// The tickets and access tokens.
    pub tickets: Vec<Ticket>,
    /// The value of `cursor` for the next page; null on the last page.
    #[oai(nullable)]
    pub next_cursor: Option<String>,
}

impl Session {
    /// The session of a ticket. `longest_life` limits how far uses can extend the ticket.
    pub fn new(secret: &str, ticket: &ticket::Model, longest_life: TimeDelta) -> Self {
        let expires = ticket.end(longest_life).into();
        Self { ticket: secret.to_owned(), user_id: ticket.user_id, expires }
    }
}

impl Ticket {
    /// The model of a ticket. `longest_life` limits how far uses can extend the ticket.
    pub fn new(ticket: ticket::Model, longest_life: TimeDelta) -> Self {
        Self {
            kind: match ticket.kind {
                ticket::Kind::Ticket => TicketKind::Ticket,
                ticket::Kind::AccessToken => TicketKind::AccessToken,
            },
            created_at: ticket.created_at.into(),
            expires_at: ticket.end(longest_life).into(),
            id: ticket.hash,
            user_id: ticket.user_id,
            application_id: ticket.application_id,
        }
    }
}

impl Example for LogIn {
    fn example() -> Self {
        Self { user_name: "anna".to_owned(), password: Password("her password".to_owned()) }
    }
}

impl Example for Session {
    fn example() -> Self {
        Self {
            ticket: "7T:mG0qdkZ5l2C8oA3yXrVbQWnJ1sLhTfE7uPiK9cNzRwY".to_owned(),
            user_id: 2,
            expires: Rfc3339("2026-11-24T00:35:14.198412Z".to_owned()),
        }
    }
}

impl Example for PasswordChange {
    fn example() -> Self {
        Self {
            user_name: "anna".to_owned(),
            old_password: Password("her password".to_owned()),
            new_password: Password("another password".to_owned()),
        }
    }
}

impl Example for Ticket {
    fn example() -> Self {
        Self {
            id: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
            kind: TicketKind::Ticket,
            user_id: 2,
            application_id: None,
            created_at: Rfc3339("2026-11-23T18:35:14.198412Z".to_owned()),
            expires_at: Rfc3339("2026-11-24T00:35:14.198412Z".to_owned()),
        }
    }
}

impl Example for TicketList {
    fn example() -> Self {
        Self { tickets: vec![Ticket::example()], next_cursor: None }
    }
}
