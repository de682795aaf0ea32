//! Who changed something, and by what way.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// The way by which a change was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// An operation of the REST API.
    Rest,
    /// An operation of the User agent.
    Agent,
    /// The web console, or another page with a session.
    Console,
    /// A subcommand of `kommando`.
    CommandLine,
    /// `kommando import`.
    Import,
    /// The identity provider.
    IdentityProvider,
    /// The server itself.
    System,
}

impl Way {
    /// The name in the database and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Agent => "agent",
            Self::Console => "console",
            Self::CommandLine => "command_line",
            Self::Import => "import",
            Self::IdentityProvider => "identity_provider",
            Self::System => "system",
        }
    }
}

/// Where a change comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub way: Way,
    /// The id of the request in the log; empty outside of requests.
    pub request_id: String,
    /// The user of the operating system who runs the command line; empty elsewhere.
    pub operator: String,
}

impl Source {
    /// The server itself.
    pub fn system() -> Self {
        Self { way: Way::System, request_id: String::new(), operator: String::new() }
    }

    /// A request with this id.
    pub fn request(way: Way, request_id: String) -> Self {
        Self { way, request_id, operator: String::new() }
    }

    /// The command line, run by this user of the operating system.
    pub fn command_line(way: Way, operator: String) -> Self {
        Self { way, request_id: String::new(), operator }
    }
}

/// Who made a change: a user, a user of the operating system, or the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// `None` for the command line and the server.
    pub user_id: Option<i32>,
    /// The user's Name, or the name of the user of the operating system; empty for the server.
    pub name: String,
    /// The application that sent the request.
    pub application_id: Option<i32>,
    pub source: Source,
}

impl Actor {
    /// The server, or the operator of the command line.
    pub fn of(source: Source) -> Self {
        Self { user_id: None, name: source.operator.clone(), application_id: None, source }
    }
}
