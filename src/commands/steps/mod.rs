//! The things a command can do.
//!
//! To add one: write its file here (its parameters, what it does, its tests), and give it its `mod` line and its row in
//! the table below. Reading, validation and running follow from the table.

mod access;
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

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use sea_orm::DbErr;
use serde::Deserialize;
use uuid::Uuid;

pub use self::access::AccessChange;
use self::webhook::Webhook;
pub use self::webhook::When;
use super::{confirmation::ActionResult, definition::NameKind, document::Located, text::Subjects};
use crate::{
    error::Error,
    localization::MultiLanguage,
    store::WriteTransaction,
    users::{User, password::Passwords},
    watch::Trace,
    webhooks::Message,
};

macro_rules! table {
    ($($name:ident($parameters:ty) = $word:literal),+ $(,)?) => {
        /// One thing to do: its name, and its parameters behind it.
        #[derive(Debug, Deserialize, JsonSchema)]
        pub enum StepDefinition {
            $(#[serde(rename = $word)] $name($parameters)),+
        }

        impl StepDefinition {
            /// What the step can do.
            pub fn step(&self) -> &dyn Step {
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
    /// It changes who can call, or what somebody may do.
    pub fn changes_standing(&self) -> bool {
        matches!(self, Self::SetRole(_) | Self::SetDeleted(_) | Self::ResetPassword(_))
    }

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

/// What a step can use while it prepares.
#[derive(Clone, Copy)]
pub struct Preparation<'a> {
    pub subjects: &'a Subjects<'a>,
    pub passwords: &'a Passwords,
    pub caller_id: i32,
    /// Nothing will be kept: no secret is to be made, and nobody else to be told.
    pub dry_run: bool,
    pub execution_id: Uuid,
    pub command: &'a str,
    pub action_result: ActionResult,
    pub started_at: DateTime<Utc>,
    /// How long a call of another system may take.
    pub timeout: Duration,
    /// The trace that the run belongs to.
    pub trace: Option<Trace>,
    /// The place of the step in the definition, from 1.
    pub number: usize,
}

/// A thing a command can do.
#[async_trait]
pub trait Step: Send + Sync {
    /// Does all that is slow, before the write transaction opens: texts are filled in here, passwords hashed.
    ///
    /// # Errors
    /// A text cannot be filled in, or the process is ending.
    async fn prepare(&self, preparation: &Preparation<'_>) -> Result<Prepared, Error>;
}

/// A step that is ready.
pub enum Prepared {
    /// It changes nothing; this is what it has to say.
    Said(Said),
    /// It changes something.
    Change(Box<dyn Change>),
    /// It changes who can log in, and has this to say when it did.
    Access(AccessChange, Said),
    /// It tells another system, after the commit.
    Delivery(Message),
    /// It asks another system, before anything is changed.
    Call(Message),
}

impl Prepared {
    /// What it has to say, when that is all it does.
    pub fn said(self) -> Option<Said> {
        match self {
            Self::Said(said) => Some(said),
            Self::Change(_) | Self::Access(..) | Self::Delivery(_) | Self::Call(_) => None,
        }
    }
}

/// A change that is ready to be made.
#[async_trait]
pub trait Change: Send + Sync {
    /// Makes it, on the user as the transaction sees it.
    ///
    /// # Errors
    /// It cannot be made, for a reason that concerns the caller, or the database does not answer.
    async fn apply(&self, transaction: &WriteTransaction, user: &Arc<User>) -> Result<Said, ChangeError>;
}

/// Why a change was not made.
#[derive(Debug)]
pub enum ChangeError {
    /// The command fails, and its caller is told this.
    Refused(MultiLanguage),
    Database(DbErr),
}

impl From<DbErr> for ChangeError {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}

/// What a step has to say.
// No Debug: what is shown may be a secret.
#[derive(Clone, Default)]
pub struct Said {
    /// For the caller, now.
    pub shown: Option<MultiLanguage>,
    /// The same without any secret: for the record, and for the caller when the answer is repeated.
    pub stored: Option<MultiLanguage>,
    /// For the record alone.
    pub noted: Option<MultiLanguage>,
}

impl Said {
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Something that is no secret.
    pub fn openly(text: MultiLanguage) -> Self {
        Self { shown: Some(text.clone()), stored: Some(text), noted: None }
    }

    /// Something for the record alone.
    pub fn noted(text: MultiLanguage) -> Self {
        Self { noted: Some(text), ..Self::default() }
    }
}
