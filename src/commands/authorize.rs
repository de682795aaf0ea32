//! Whether a caller may run a command on a user: one answer for the list and for execution.

use super::{Definition, predicate::Predicate};
use crate::users::{Caller, User};

/// What stands between a caller and a command.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Authorization<'a> {
    /// Nothing.
    Permitted,
    /// This caller may not run it on this user; the reason is fit for the caller.
    Denied(&'static str),
    /// It makes no sense on this user in the present state: this does not hold.
    Unavailable(&'a Predicate),
}

/// Nobody may unless the definition says so; `deny_roles` wins over `allow_roles`.
///
/// Whether the user is the last administrator matters only to a definition that asks for it.
pub fn authorize<'a>(
    caller: &Caller,
    command: &'a Definition,
    user: &User,
    is_last_administrator: bool,
) -> Authorization<'a> {
    let holds_one_of = |roles: &[String]| roles.contains(&caller.role);
    if holds_one_of(&command.deny_roles) {
        return Authorization::Denied("your role is excluded from it");
    }
    if command.allow_roles.is_empty() {
        return Authorization::Denied("its definition allows no role");
    }
    if !holds_one_of(&command.allow_roles) {
        return Authorization::Denied("your role is not among those it is for");
    }
    let broken = |predicate: &Predicate| predicate.broken_rule(user, caller, is_last_administrator);
    if let Some(rule) = command.when.iter().find_map(broken) {
        return Authorization::Denied(rule.reason());
    }
    let unmet = command.when.iter().find(|predicate| predicate.is_unavailable(user));
    unmet.map_or(Authorization::Permitted, Authorization::Unavailable)
}
