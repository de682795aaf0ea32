//! The things a command can do.
//!
//! To add one: write its file here (its parameters, what it does, its tests), and give it its `mod` line and its row in
//! the table below. Reading, validation and running follow from the table.

mod message;
mod reset_password;
mod set_deleted;
mod set_field;
mod set_presence;

use async_trait::async_trait;
use sea_orm::{DatabaseTransaction, DbErr};
use serde::Deserialize;

use super::text::Subjects;
use crate::{
    error::Error,
    localization::MultiLanguage,
    users::{User, password::Passwords},
};

macro_rules! table {
    ($($name:ident($parameters:ty)),+ $(,)?) => {
        /// A step as a definition names it: one key, its parameters behind it.
        #[derive(Debug, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum StepDefinition {
            $($name($parameters)),+
        }

        impl StepDefinition {
            /// What the step can do.
            pub fn step(&self) -> &dyn Step {
                match self {
                    $(Self::$name(step) => step),+
                }
            }
        }
    };
}

table! {
    Message(message::Message),
    ResetPassword(reset_password::ResetPassword),
    SetDeleted(set_deleted::SetDeleted),
    SetField(set_field::SetField),
    SetPresence(set_presence::SetPresence),
}

/// What a step can use while it prepares.
pub struct Preparation<'a> {
    pub subjects: Subjects<'a>,
    pub passwords: &'a Passwords,
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
}

/// A change that is ready to be made.
#[async_trait]
pub trait Change: Send + Sync {
    /// Makes it, on the user as the transaction sees it.
    ///
    /// # Errors
    /// It cannot be made, for a reason that concerns the caller, or the database does not answer.
    async fn apply(&self, transaction: &DatabaseTransaction, user: &User) -> Result<Option<Said>, ChangeError>;
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

/// What a step tells the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// For the caller, now.
    pub shown: MultiLanguage,
    /// For the records: the same, or without the secret in it.
    pub stored: MultiLanguage,
}

impl Said {
    /// Something that is no secret.
    pub fn openly(text: MultiLanguage) -> Self {
        Self { shown: text.clone(), stored: text }
    }
}
