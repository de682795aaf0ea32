//! The steps that a definition can use.
//!
//! To add a step, write its file here and add its `mod` line and its row in the table below. Reading, validation and
//! execution follow from the table.

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
        /// One step: its name, followed by its parameters.
        #[derive(Debug, Deserialize, JsonSchema)]
        pub enum StepDefinition {
            $(#[serde(rename = $word)] $name($parameters)),+
        }

        impl StepDefinition {
            pub fn as_step(&self) -> &dyn Step {
                match self {
                    $(Self::$name(step) => step),+
                }
            }

            /// The step's name in a definition.
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
    /// The role or group that the step assigns, by name.
    pub fn name_given(&self) -> Option<(NameKind, &Located<String>)> {
        match self {
            Self::SetRole(step) => Some((NameKind::Role, step.role.value()?)),
            Self::SetGroup(step) => Some((NameKind::Group, step.group.value()?)),
            _ => None,
        }
    }

    /// The webhook, if the step is one.
    pub fn webhook(&self) -> Option<&Webhook> {
        match self {
            Self::Webhook(webhook) => Some(webhook),
            _ => None,
        }
    }
}
