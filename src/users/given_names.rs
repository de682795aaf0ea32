//! Resolves names that clients send instead of ids, or together with them: of a role, of groups and of a person.

use sea_orm::{ConnectionTrait, DbErr};

use super::{
    UserRow,
    login_name::fold,
    named::{Match, match_name, shown},
    person, role, user_group,
};

/// Maximum number of reported wrong group names.
const WRONG_NAMES: usize = 10;

/// The names that a client sent with a user. Empty names were not sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenNames {
    pub role: String,
    pub user_group: String,
    /// Each with its id; 0 without an id.
    pub other_groups: Vec<(i32, String)>,
    /// The full name of the person, if none of its parts was sent.
    pub person: String,
}

/// Upstream's name of the property, and why its name is wrong.
pub type GivenNameError = (&'static str, String);

/// The kind of thing that a name refers to.
#[derive(Clone, Copy)]
struct Kind {
    property: &'static str,
    noun: &'static str,
    lister: &'static str,
}

const ROLE: Kind = Kind { property: "Role", noun: "role", lister: "GetAllRoles" };
const USER_GROUP: Kind = Kind { property: "UserGroup", noun: "group", lister: "GetAllUserGroups" };
const OTHER_GROUPS: Kind = Kind { property: "OtherGroups", ..USER_GROUP };

impl GivenNames {
    /// Sets the ids of role and groups from their names. An unknown name leaves the id unchanged.
    pub(super) async fn resolve(
        &self,
        db: &impl ConnectionTrait,
        user: &mut UserRow,
        other_group_ids: &mut Vec<i32>,
    ) -> Result<Vec<GivenNameError>, DbErr> {
        let mut errors = Vec::new();
        if !self.role.is_empty() {
            let roles: Vec<_> = role::list(db).await?.into_iter().map(|role| (role.id, role.name)).collect();
            match find(ROLE, (user.role_id, &self.role), &roles) {
                Ok(id) => user.role_id = id,
                Err(error) => errors.push(error),
            }
        }
        if self.user_group.is_empty() && self.other_groups.is_empty() {
            return Ok(errors);
        }
        let groups: Vec<_> = user_group::list(db).await?.into_iter().map(|group| (group.id, group.name)).collect();
        if !self.user_group.is_empty() {
            match find(USER_GROUP, (user.user_group_id, &self.user_group), &groups) {
                Ok(id) => user.user_group_id = id,
                Err(error) => errors.push(error),
            }
        }
        let mut wrong = 0;
        for (id, name) in &self.other_groups {
            match find(OTHER_GROUPS, (*id, name), &groups) {
                Ok(id) => other_group_ids.push(id),
                Err(error) => {
                    errors.push(error);
                    wrong += 1;
                }
            }
            if wrong == WRONG_NAMES {
                break;
            }
        }
        Ok(errors)
    }

    /// Sets the name of a new person from the full name. For an existing person of another user, compares the sent
    /// names with the stored ones.
    pub(super) async fn resolve_person(
        &self,
        db: &impl ConnectionTrait,
        own_id: Option<i32>,
        person: &mut person::Model,
    ) -> Result<Option<GivenNameError>, DbErr> {
        let is_own = person.id == 0 || Some(person.id) == own_id;
        match (is_own, own_id) {
            (true, _) if self.person.is_empty() => Ok(None),
            (true, Some(_)) => {
                let remedy = "FullName is made of Firstname, MiddleName and Lastname; send those";
                Ok(Some(("Person", remedy.to_owned())))
            }
            (true, None) => {
                let named = person::named(self.person.trim());
                (person.firstname, person.lastname) = (named.firstname, named.lastname);
                Ok(None)
            }
            (false, _) => {
                let stored = person::find(db, person.id).await?;
                Ok(stored.filter(|stored| !self.fits(person, stored)).map(|stored| {
                    let (id, name) = (stored.id, stored.full_name());
                    (
                        "Person",
                        format!("the person {id} is `{name}` and does not have these names; send PersonId alone"),
                    )
                }))
            }
        }
    }

    /// Whether all sent names match the stored person.
    fn fits(&self, given: &person::Model, stored: &person::Model) -> bool {
        let full_name = stored.full_name();
        let names = [
            (&self.person, &full_name),
            (&given.firstname, &stored.firstname),
            (&given.middle_name, &stored.middle_name),
            (&given.lastname, &stored.lastname),
        ];
        names.into_iter().all(|(given, stored)| given.is_empty() || fold(given) == fold(stored))
    }
}

/// The id for a name. An id other than 0 that was sent with the name must match.
fn find(kind: Kind, (id, name): (i32, &str), known: &[(i32, String)]) -> Result<i32, GivenNameError> {
    let Kind { property, noun, lister } = kind;
    let shown = shown(name);
    let reason = match match_name(known.iter(), |(_, known_name)| known_name, name) {
        Match::One((found, _)) if id == 0 || id == *found => return Ok(*found),
        Match::One(_) => format!("the {noun} {id} is not `{shown}`; send its Id or its Value, not both"),
        Match::None => format!("there is no {noun} `{shown}`; {lister} lists them"),
        Match::Several(_) => format!("more than one {noun} is called `{shown}`; send the Id"),
    };
    Err((property, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(id: i32, name: &str) -> Result<i32, String> {
        let known = [(1, "Sales"), (2, "Østlandet"), (3, "support"), (4, "Support")];
        let known = known.map(|(id, name)| (id, name.to_owned()));
        find(USER_GROUP, (id, name), &known).map_err(|(property, reason)| format!("{property}: {reason}"))
    }

    #[test]
    fn a_name_must_match_exactly_one_id() {
        for (id, name, expected) in [
            (0, "Sales", Ok(1)),
            (1, "Sales", Ok(1)),
            (0, " sALES ", Ok(1)),
            (0, "ØSTLANDET", Ok(2)),
            (0, "Support", Ok(4)),
            (3, "support", Ok(3)),
            (2, "Sales", Err("the group 2 is not `Sales`; send its Id or its Value, not both")),
            (99, "Sales", Err("the group 99 is not `Sales`; send its Id or its Value, not both")),
            (0, "SUPPORT", Err("more than one group is called `SUPPORT`; send the Id")),
            (0, "Sale", Err("there is no group `Sale`; GetAllUserGroups lists them")),
            (1, "Sale", Err("there is no group `Sale`; GetAllUserGroups lists them")),
        ] {
            assert_eq!(found(id, name), expected.map_err(|reason| format!("UserGroup: {reason}")), "{id} {name}");
        }
        assert!(found(0, &"x".repeat(60_000)).expect_err("no group").len() < 200);
    }

    #[test]
    fn the_sent_names_of_a_person_must_match_the_stored_ones() {
        let stored = person::Model {
            firstname: "Anna".to_owned(),
            middle_name: "Maria".to_owned(),
            lastname: "Østby".to_owned(),
            ..person::Model::default()
        };
        let fits = |full_name: &str, first: &str, last: &str| {
            let names = GivenNames { person: full_name.to_owned(), ..GivenNames::default() };
            let (firstname, lastname) = (first.to_owned(), last.to_owned());
            names.fits(&person::Model { firstname, lastname, ..person::Model::default() }, &stored)
        };
        assert!(fits("", "", "") && fits("anna maria ØSTBY", "", "") && fits("", "anna", "østby"));
        assert!(!fits("Anna Østby", "", "") && !fits("", "Anne", "") && !fits("Anna Maria Østby", "", "Berg"));
    }
}
