//! The rule that an installation keeps an administrator who can log in: functions over values.

use std::collections::HashMap;

/// How a user can log in, the weakest way first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Login {
    /// Without a password that counts.
    Impossible,
    /// With a temporary password, which only sets another one.
    Temporary,
    /// With a password that has no end, or through the identity provider.
    Lasting,
}

/// Which users the identity provider can name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProviderNames {
    /// No provider is configured.
    #[default]
    None,
    /// Names of any form.
    Any,
    /// E-mail addresses only.
    Addresses,
}

impl ProviderNames {
    /// What tokens hold in this claim; no claim means no provider.
    pub fn of_claim(claim: Option<&str>) -> Self {
        match claim {
            None => Self::None,
            Some("email") => Self::Addresses,
            Some(_) => Self::Any,
        }
    }

    /// Whether a token can name the user who has these names.
    pub fn can_be(self, names: [&str; 2]) -> bool {
        match self {
            Self::None => false,
            Self::Any => true,
            Self::Addresses => names.iter().any(|name| name.contains('@')),
        }
    }
}

/// Everything that decides whether a user is an administrator who can log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserAccess {
    pub user_id: i32,
    pub is_administrator: bool,
    pub is_deleted: bool,
    pub person_id: Option<i32>,
    pub is_person_retired: bool,
    /// What the own password is good for.
    pub password: Login,
    /// The identity provider can name the user.
    pub is_known_to_provider: bool,
}

impl UserAccess {
    /// How the user can log in as an administrator; none for everybody else, and for retired users.
    pub fn administrator_login(&self) -> Option<Login> {
        let is_active = !self.is_deleted && !self.is_person_retired;
        let login = if self.is_known_to_provider { Login::Lasting } else { self.password };
        (self.is_administrator && is_active).then_some(login)
    }

    /// The same user after somebody else who may have the same person changed.
    fn beside(self, changed: &Self) -> Self {
        let shares_person = self.person_id.is_some() && self.person_id == changed.person_id;
        let is_person_retired = if shares_person { changed.is_person_retired } else { self.is_person_retired };
        Self { is_person_retired, ..self }
    }
}

/// Whether administrators can log in as well as before once this user is changed. `before` holds the active
/// administrators. Where none can log in, as in a new installation, changes are free as long as an active one is left.
pub fn keeps_an_administrator(before: &[UserAccess], changed: &UserAccess) -> bool {
    let others = before.iter().filter(|user| user.user_id != changed.user_id).map(|user| user.beside(changed));
    let best = |users: &mut dyn Iterator<Item = UserAccess>| users.filter_map(|user| user.administrator_login()).max();
    best(&mut others.chain([*changed])) >= best(&mut before.iter().copied())
}

/// The administrators who lost access in a change of many users, if the administrators can log in less well than before;
/// none if they can log in as well. Both lists hold the active administrators.
pub fn lost_administrators(before: &[UserAccess], after: &[UserAccess]) -> Vec<i32> {
    let best = |users: &[UserAccess]| users.iter().filter_map(UserAccess::administrator_login).max();
    if best(after) >= best(before) {
        return Vec::new();
    }
    let logins: HashMap<i32, Option<Login>> =
        after.iter().map(|user| (user.user_id, user.administrator_login())).collect();
    let login_after = |user: &UserAccess| logins.get(&user.user_id).copied().flatten();
    let lost = before.iter().filter(|user| login_after(user) < user.administrator_login());
    lost.map(|user| user.user_id).collect()
}

/// Whether a change of a user can make the administrators log in less well, whatever password the user has.
pub fn can_lower(user: UserAccess, change: impl Fn(UserAccess) -> UserAccess) -> bool {
    [Login::Impossible, Login::Temporary, Login::Lasting].into_iter().any(|password| {
        let before = UserAccess { password, ..user };
        let changed = change(before);
        let retires_person = changed.is_person_retired && !before.is_person_retired;
        retires_person || changed.administrator_login() < before.administrator_login()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADMIN: UserAccess = UserAccess {
        user_id: 1,
        is_administrator: true,
        is_deleted: false,
        person_id: Some(1),
        is_person_retired: false,
        password: Login::Lasting,
        is_known_to_provider: false,
    };
    const OTHER: UserAccess = UserAccess { user_id: 2, person_id: Some(2), ..ADMIN };

    fn with(password: Login, user: UserAccess) -> UserAccess {
        UserAccess { password, ..user }
    }

    /// The ways in which the first administrator loses access.
    fn losses() -> [(&'static str, UserAccess); 6] {
        [
            ("deleted", UserAccess { is_deleted: true, ..ADMIN }),
            ("behind a retired person", UserAccess { is_person_retired: true, ..ADMIN }),
            ("behind another, retired person", UserAccess { person_id: Some(9), is_person_retired: true, ..ADMIN }),
            ("in another role", UserAccess { is_administrator: false, ..ADMIN }),
            ("with a temporary password", with(Login::Temporary, ADMIN)),
            ("without a password", with(Login::Impossible, ADMIN)),
        ]
    }

    #[test]
    fn the_last_administrator_who_can_log_in_loses_nothing() {
        for (loss, changed) in losses() {
            assert!(!keeps_an_administrator(&[ADMIN], &changed), "{loss}");
            for weak in [Login::Temporary, Login::Impossible] {
                assert!(!keeps_an_administrator(&[ADMIN, with(weak, OTHER)], &changed), "{loss} beside {weak:?}");
            }
            assert!(keeps_an_administrator(&[ADMIN, OTHER], &changed), "{loss} beside another");
        }
    }

    #[test]
    fn many_changes_are_judged_by_what_is_left_at_the_end() {
        let third = UserAccess { user_id: 3, person_id: Some(3), ..ADMIN };
        for (before, after, lost) in [
            (&[ADMIN][..], &[OTHER][..], &[][..]),
            (&[ADMIN], &[], &[1]),
            (&[ADMIN, OTHER], &[], &[1, 2]),
            (&[ADMIN, OTHER], &[third], &[]),
            (&[ADMIN, with(Login::Impossible, OTHER)], &[with(Login::Impossible, OTHER)], &[1]),
            (&[ADMIN], &[with(Login::Temporary, ADMIN), with(Login::Impossible, OTHER)], &[1]),
            (&[with(Login::Impossible, ADMIN)], &[with(Login::Impossible, OTHER)], &[]),
            (&[with(Login::Impossible, ADMIN)], &[], &[1]),
            (&[], &[], &[]),
        ] {
            assert_eq!(lost_administrators(before, after), lost, "{before:?} {after:?}");
        }
    }

    #[test]
    fn a_retired_person_ends_every_administrator_behind_it() {
        let twin = UserAccess { is_administrator: false, user_id: 3, ..ADMIN };
        let retired = UserAccess { is_person_retired: true, ..twin };
        assert!(!keeps_an_administrator(&[ADMIN], &retired));
        let both = UserAccess { person_id: Some(1), ..OTHER };
        assert!(!keeps_an_administrator(&[ADMIN, both], &UserAccess { is_person_retired: true, ..both }));
        assert!(keeps_an_administrator(&[ADMIN, OTHER], &retired));
        let without_person = UserAccess { person_id: None, ..ADMIN };
        let leaving = UserAccess { user_id: 3, is_deleted: true, is_person_retired: true, ..without_person };
        assert!(keeps_an_administrator(&[without_person], &leaving), "no person is no shared person");
    }

    #[test]
    fn only_a_change_that_can_lower_a_login_is_looked_at() {
        for (loss, changed) in losses() {
            let change = |before: UserAccess| UserAccess { password: before.password.min(changed.password), ..changed };
            assert!(can_lower(ADMIN, change), "{loss}");
        }
        let known = UserAccess { is_known_to_provider: true, ..ADMIN };
        assert!(can_lower(known, |before| UserAccess { is_known_to_provider: false, ..before }));
        assert!(!can_lower(known, |before| UserAccess { password: Login::Impossible, ..before }));
        assert!(!can_lower(ADMIN, |before| UserAccess { password: Login::Lasting, ..before }));
        let employee = UserAccess { is_administrator: false, ..ADMIN };
        assert!(!can_lower(employee, |before| UserAccess { is_deleted: true, password: Login::Impossible, ..before }));
        assert!(can_lower(employee, |before| UserAccess { is_person_retired: true, ..before }), "others share it");
    }

    #[test]
    fn where_no_administrator_can_log_in_changes_are_free() {
        let [first, second] = [ADMIN, OTHER].map(|user| with(Login::Impossible, user));
        assert!(keeps_an_administrator(&[first, second], &UserAccess { is_deleted: true, ..first }));
        assert!(!keeps_an_administrator(&[first], &UserAccess { is_deleted: true, ..first }), "but one stays active");
        assert!(keeps_an_administrator(&[first], &with(Login::Temporary, first)));
        assert!(keeps_an_administrator(&[], &with(Login::Lasting, first)));
        assert!(keeps_an_administrator(&[], &UserAccess { is_deleted: true, ..first }));
    }

    #[test]
    fn a_provider_lets_in_those_whom_it_can_name() {
        let known = UserAccess { is_known_to_provider: true, ..with(Login::Impossible, OTHER) };
        assert!(keeps_an_administrator(&[ADMIN, known], &UserAccess { is_deleted: true, ..ADMIN }));
        assert!(keeps_an_administrator(&[known], &with(Login::Temporary, known)));
        assert!(!keeps_an_administrator(&[known], &UserAccess { is_known_to_provider: false, ..known }));
        for (claim, can_be) in [(None, [false, false]), (Some("email"), [false, true]), (Some("sub"), [true, true])] {
            let names = ProviderNames::of_claim(claim);
            assert_eq!([["ada", ""], ["ada", "ada@example.com"]].map(|both| names.can_be(both)), can_be, "{claim:?}");
        }
    }
}
