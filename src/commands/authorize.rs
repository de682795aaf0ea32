//! Decides whether a caller may run a command on a user. The list of commands and the execution both use it.

use super::{Definition, predicate::Predicate};
use crate::{
    localization::MultiLanguage,
    users::{Caller, User},
};

/// Whether a caller may run a command on a user now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Authorization<'a> {
    Permitted,
    /// The caller may not run the command on this user.
    Denied(Denial<'a>),
    /// The user is in a state that the command does not allow: this condition is not met.
    Unavailable(&'a Predicate),
}

/// Why a caller may not run a command.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Denial<'a> {
    /// The definition does not allow the caller's role, or denies it.
    Role,
    /// The definition allows no role.
    NoRole,
    /// A rule between the user and the caller is broken.
    Rule(&'a Predicate),
}

impl Denial<'_> {
    /// A sentence for the caller.
    pub fn reason(self) -> MultiLanguage {
        match self {
            Self::Role => MultiLanguage::resource("SR_NOT_YOUR_ROLE", &[]),
            Self::NoRole => MultiLanguage::resource("SR_NO_ROLE", &[]),
            Self::Rule(predicate) => predicate.reason(),
        }
    }
}

/// Checks the caller's role, then the conditions of the definition. `deny_roles` wins over `allow_roles`.
///
/// `is_last_administrator` matters only to a definition with the rule `not_last_admin`.
pub fn authorize<'a>(
    caller: &Caller,
    command: &'a Definition,
    user: &User,
    is_last_administrator: bool,
) -> Authorization<'a> {
    let holds_one_of = |roles: &[String]| roles.contains(&caller.role);
    if holds_one_of(&command.deny_roles) {
        return Authorization::Denied(Denial::Role);
    }
    if command.allow_roles.is_empty() {
        return Authorization::Denied(Denial::NoRole);
    }
    if !holds_one_of(&command.allow_roles) {
        return Authorization::Denied(Denial::Role);
    }
    let broken = command.when.iter().find(|predicate| predicate.is_broken(user, caller, is_last_administrator));
    if let Some(predicate) = broken {
        return Authorization::Denied(Denial::Rule(predicate));
    }
    let unmet = command.when.iter().find(|predicate| predicate.is_unavailable(user));
    unmet.map_or(Authorization::Permitted, Authorization::Unavailable)
}
