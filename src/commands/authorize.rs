//! Whether a caller may run a command on a user: one answer for the list, for execution and for the command line.

use super::Definition;
use crate::users::{Caller, User};

/// What stands between a caller and a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Permitted,
    /// This caller may not run it on this user; the reason is fit for the caller.
    Denied(&'static str),
    /// It makes no sense on this user in the present state.
    Unavailable,
}

/// Nobody may unless the definition says so; `deny_roles` wins over `allow_roles`.
pub fn authorize(caller: &Caller, command: &Definition, user: &User) -> Verdict {
    let holds_one_of = |roles: &[String]| roles.contains(&caller.role);
    if holds_one_of(&command.deny_roles) {
        return Verdict::Denied("your role is excluded from it");
    }
    if !holds_one_of(&command.allow_roles) {
        return Verdict::Denied("your role is not among those it is for");
    }
    let broken = |about_availability: bool| {
        let mut relevant =
            command.when.iter().filter(|predicate| predicate.is_about_availability() == about_availability);
        relevant.any(|predicate| !predicate.holds(user, caller))
    };
    if broken(false) {
        return Verdict::Denied("nobody may run it on their own user");
    }
    if broken(true) {
        return Verdict::Unavailable;
    }
    Verdict::Permitted
}
