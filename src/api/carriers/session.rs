//! Logging in and out, tickets, and changing one's password. Upstream has nothing like it: names are in camel case here.

use chrono::TimeDelta;
use poem_openapi::{
    Enum, Object,
    types::{Example, Password},
};

use crate::{api::stamp::Time, users::ticket};

/// A name and a password.
#[derive(Object)]
#[oai(rename_all = "camelCase", example)]
pub struct LogIn {
    /// The user's Name or UserName.
    pub user_name: String,
    /// The password.
    pub password: Password,
}

/// A session that began.
#[derive(Object)]
#[oai(rename_all = "camelCase", example)]
pub struct Session {
    /// The ticket of the session, for `Authorization: SoTicket 7T:…`. It is shown this once.
    pub ticket: String,
    /// The user who logged in.
    pub user_id: i32,
    /// When it ends unless it is used, in UTC. Each use moves it to six hours later.
    pub expires: Time,
}

/// An own password in place of another.
#[derive(Object)]
#[oai(rename_all = "camelCase", example)]
pub struct PasswordChange {
    /// The user's Name or UserName.
    pub user_name: String,
    /// The password so far, which may be a temporary one.
    pub old_password: Password,
    /// The password from now on.
    pub new_password: Password,
}

/// Something that was issued to a user to call with.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", example)]
pub struct Ticket {
    /// Names it, and proves nothing: its SHA-256, in hexadecimal.
    pub id: String,
    /// What it is.
    pub kind: TicketKind,
    /// The user it was issued to.
    pub user_id: i32,
    /// The application it was issued through; null for none.
    pub application_id: Option<i32>,
    /// When it was issued, in UTC.
    pub created_at: Time,
    /// When it ends unless it is used, in UTC.
    pub expires_at: Time,
}

/// What was issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum TicketKind {
    /// `7T:…`, for SoTicket, and of a session: each use makes it live longer.
    Ticket,
    /// `8A:…`, for Bearer: it lives for an hour.
    AccessToken,
}

/// A page of what was issued to a user and has not ended, newest first.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", example)]
pub struct TicketList {
    /// The tickets and access tokens.
    pub tickets: Vec<Ticket>,
    /// What to ask with for the next page; null when this is the last one.
    pub next_cursor: Option<String>,
}

impl Session {
    /// The session of a ticket that lives no longer than this.
    pub fn new(secret: &str, ticket: &ticket::Model, longest_life: TimeDelta) -> Self {
        let expires = ticket.end(longest_life).into();
        Self { ticket: secret.to_owned(), user_id: ticket.user_id, expires }
    }
}

impl Ticket {
    /// A ticket that lives no longer than this.
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
            expires: Time("2026-11-24T00:35:14.198412Z".to_owned()),
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
            created_at: Time("2026-11-23T18:35:14.198412Z".to_owned()),
            expires_at: Time("2026-11-24T00:35:14.198412Z".to_owned()),
        }
    }
}

impl Example for TicketList {
    fn example() -> Self {
        Self { tickets: vec![Ticket::example()], next_cursor: None }
    }
}
