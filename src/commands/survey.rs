//! Every definition in force, and what stands between a caller and running it.

use super::{Commands, Confirmation, FailedReload, Verdict, authorize, catalog::Entry};
use crate::{error::Error, localization::MultiLanguage, users::Caller};

/// The definitions in force.
#[derive(Debug)]
pub struct Survey {
    /// Changes when any of them does.
    pub hash: String,
    /// All of them, by name.
    pub commands: Vec<Surveyed>,
    /// Why those that were read last are not in force; for administrators only, since it tells of the server's files.
    pub failed_reload: Option<FailedReload>,
}

/// A definition in force.
#[derive(Debug)]
pub struct Surveyed {
    pub name: String,
    pub display_name: MultiLanguage,
    pub description: MultiLanguage,
    pub tooltip: MultiLanguage,
    pub confirm: Confirmation,
    /// SHA-256 of its file, in hexadecimal.
    pub hash: String,
    /// How the caller stands to it; nothing when no user was named.
    pub standing: Option<Standing>,
}

/// Whether a caller may run a command on a user now, and why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Permitted,
    Denied(String),
    Unavailable(String),
}

impl Commands {
    /// The definitions in force; with a user, as the caller stands to running each on that user now.
    ///
    /// # Errors
    /// The caller may not read the user, there is no such user, or the database does not answer.
    pub async fn survey(&self, caller: &Caller, user_id: Option<i32>) -> Result<Survey, Error> {
        let catalog = self.catalog();
        let subject = match user_id {
            Some(id) => {
                let user = self.subject(caller, id).await?;
                let is_last = self.is_last_administrator(&catalog, &user).await?;
                Some((user, is_last.unwrap_or_default()))
            }
            None => None,
        };
        let surveyed = |entry: &Entry| {
            let subject = subject.as_ref();
            entry.survey(subject.map(|(user, is_last)| authorize(caller, &entry.definition, user, *is_last).into()))
        };
        Ok(Survey {
            hash: catalog.hash(),
            commands: catalog.entries().iter().map(surveyed).collect(),
            failed_reload: self.failed_reload().filter(|_| caller.is_administrator()),
        })
    }
}

impl Entry {
    fn survey(&self, standing: Option<Standing>) -> Surveyed {
        let definition = &self.definition;
        Surveyed {
            name: definition.name.as_str().to_owned(),
            display_name: definition.display_name.clone(),
            description: definition.description.clone(),
            tooltip: definition.tooltip.clone(),
            confirm: definition.confirm,
            hash: self.hash.clone(),
            standing,
        }
    }
}

impl From<Verdict<'_>> for Standing {
    fn from(verdict: Verdict<'_>) -> Self {
        match verdict {
            Verdict::Permitted => Self::Permitted,
            Verdict::Denied(reason) => Self::Denied(reason.to_owned()),
            Verdict::Unavailable(unmet) => Self::Unavailable(unmet.to_string()),
        }
    }
}
