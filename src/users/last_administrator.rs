//! The rule that an installation always keeps an administrator who can log in, as pure functions.

use std::collections::HashMap;

/// How well a user can log in, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Login {
    /// No password, or an expired one.
    Impossible,
    /// A temporary password, which only allows setting a new one.
    Temporary,
    /// A permanent password, or the identity provider.
    Lasting,
}

/// The kind of user names in the identity provider's tokens.
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
    /// The kind of names in this claim; `None` means that no provider is configured.
    pub fn of_claim(claim: Option<&str>) -> Self {
        match claim {
            None => Self::None,
            Some("email") => Self::Addresses,
            Some(_) => Self::Any,
        }
    }

    /// Whether a token can name a user with these names.
    pub fn can_name(self, names: [&str; 2]) -> bool {
        match self {
            Self::None => false,
            Self::Any => true,
            Self::Addresses => names.iter().any(|name| name.contains('@')),
        }
    }
}

/// All facts that decide whether a user is an administrator who can log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserAccess {
    pub user_id: i32,
    pub is_administrator: bool,
    pub is_deleted: bool,
    pub person_id: Option<i32>,
    pub is_person_retired: bool,
    /// How well the user can log in with the password.
    pub password: Login,
    /// Whether the identity provider can name the user.
    pub is_known_to_provider: bool,
}

impl UserAccess {
    /// How well the user can log in as an administrator; `None` for other and retired users.
    pub fn administrator_login(&self) -> Option<Login> {
        let is_active = !self.is_deleted && !self.is_person_retired;
        let login = if self.is_known_to_provider { Login::Lasting } else { self.password };
        (self.is_administrator && is_active).then_some(login)
    }

    /// This user after a change of another user. Changes when both share a person.
    fn after_change_of(self, changed: &Self) -> Self {
        let shares_person = self.person_id.is_some() && self.person_id == changed.person_id;
        let is_person_retired = if shares_person { changed.is_person_retired } else { self.is_person_retired };
        Self { is_person_retired, ..self }
    }
}

/// Whether administrators can log in as well as before after this user's change. `before` has the active
/// administrators. If none of them can log in, as in a new installation, it is enough that one stays active.
pub fn keeps_an_administrator(before: &[UserAccess], changed: &UserAccess) -> bool {
    let others = before.iter().filter(|user| user.user_id != changed.user_id).map(|user| user.after_change_of(changed));
    let best = |users: &mut dyn Iterator<Item = UserAccess>| users.filter_map(|user| user.administrator_login()).max();
    best(&mut others.chain([*changed])) >= best(&mut before.iter().copied())
}

/// The administrators who lost access in a change of many users. Empty if administrators can log in as well as before.
/// Both lists have the active administrators.
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

/// Whether a change can reduce how well administrators can log in, for any password that the user may have.
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
    fn the_last_administrator_keeps_access() {
        for (loss, changed) in losses() {
            assert!(!keeps_an_administrator(&[ADMIN], &changed), "{loss}");
            for weak in [Login::Temporary, Login::Impossible] {
                assert!(!keeps_an_administrator(&[ADMIN, with(weak, OTHER)], &changed), "{loss} beside {weak:?}");
            }
            assert!(keeps_an_administrator(&[ADMIN, OTHER], &changed), "{loss} beside another");
        }
    }

    #[test]
    fn many_changes_are_checked_by_their_result() {
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
    fn a_retired_person_retires_all_its_administrators() {
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
    fn only_changes_that_can_lower_a_login_are_checked() {
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
    fn without_an_administrator_login_changes_are_free() {
        let [first, second] = [ADMIN, OTHER].map(|user| with(Login::Impossible, user));
        assert!(keeps_an_administrator(&[first, second], &UserAccess { is_deleted: true, ..first }));
        assert!(!keeps_an_administrator(&[first], &UserAccess { is_deleted: true, ..first }), "but one stays active");
        assert!(keeps_an_administrator(&[first], &with(Login::Temporary, first)));
        assert!(keeps_an_administrator(&[], &with(Login::Lasting, first)));
        assert!(keeps_an_administrator(&[], &UserAccess { is_deleted: true, ..first }));
    }

    #[test]
    fn a_provider_can_log_in_users_that_it_can_name() {
        let known = UserAccess { is_known_to_provider: true, ..with(Login::Impossible, OTHER) };
        assert!(keeps_an_administrator(&[ADMIN, known], &UserAccess { is_deleted: true, ..ADMIN }));
        assert!(keeps_an_administrator(&[known], &with(Login::Temporary, known)));
        assert!(!keeps_an_administrator(&[known], &UserAccess { is_known_to_provider: false, ..known }));
        for (claim, can_name) in [(None, [false, false]), (Some("email"), [false, true]), (Some("sub"), [true, true])] {
            let names = ProviderNames::of_claim(claim);
            assert_eq!(
                [["ada", ""], ["ada", "ada@example.com"]].map(|both| names.can_name(both)),
                can_name,
                "{claim:?}"
            );
        }
    }
}
