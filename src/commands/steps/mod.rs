//! The things a command can do.
//!
//! To add one: write its file here (its parameters, what it does, its tests), and give it its `mod` line and its row in
//! the table below. Reading, validation and running follow from the table.

mod message;
mod note;
mod reset_password;
mod revoke_tickets;
mod set_deleted;
mod set_field;
mod set_group;
mod set_presence;
mod set_role;
mod webhook;

use schemars::JsonSchema;
use serde::Deserialize;

use self::webhook::Webhook;
pub use self::webhook::When;
use super::{document::Located, predicate::NameKind, step::Step};

macro_rules! table {
    ($($name:ident($parameters:ty) = $word:literal),+ $(,)?) => {
        /// One thing to do: its name, and its parameters behind it.
        #[derive(Debug, Deserialize, JsonSchema)]
        pub enum StepDefinition {
            $(#[serde(rename = $word)] $name($parameters)),+
        }

        impl StepDefinition {
            /// What the step can do.
            pub fn as_step(&self) -> &dyn Step {
                match self {
                    $(Self::$name(step) => step),+
                }
            }

            /// Its name in a definition.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => $word),+
                }
            }
        }
    };
}

table! {
    Message(message::Message) = "message",
    Note(note::Note) = "note",
    ResetPassword(reset_password::ResetPassword) = "reset_password",
    RevokeTickets(revoke_tickets::RevokeTickets) = "revoke_tickets",
    SetDeleted(set_deleted::SetDeleted) = "set_deleted",
    SetField(set_field::SetField) = "set_field",
    SetGroup(set_group::SetGroup) = "set_group",
    SetPresence(set_presence::SetPresence) = "set_presence",
    SetRole(set_role::SetRole) = "set_role",
    Webhook(Webhook) = "webhook",
}

impl StepDefinition {
    /// The role or group that it gives.
    pub fn name_given(&self) -> Option<(NameKind, &Located<String>)> {
        match self {
            Self::SetRole(step) => Some((NameKind::Role, &step.role)),
            Self::SetGroup(step) => Some((NameKind::Group, &step.group)),
            _ => None,
        }
    }

    /// The webhook, if it is one.
    pub fn webhook(&self) -> Option<&Webhook> {
        match self {
            Self::Webhook(webhook) => Some(webhook),
            _ => None,
        }
    }
}
