//! Names that stand in place of ids, or beside them: a role, groups and a person as a client names them.

use sea_orm::{ConnectionTrait, DbErr};

use super::{
    UserRow,
    login_name::fold,
    named::{Match, match_name, shown},
    person, role, user_group,
};

/// How many wrong names of groups are told.
const WRONG_NAMES: usize = 10;

/// The names that are given with a user. An empty one gives none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenNames {
    pub role: String,
    pub user_group: String,
    /// Each with its id, or 0 for none.
    pub other_groups: Vec<(i32, String)>,
    /// The full name of the person, where no part of it is given.
    pub person: String,
}

/// What is wrong with a name, under upstream's name of the property.
pub type NameFault = (&'static str, String);

/// What a name is looked up in.
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
    /// Puts the ids of role and groups in place of their names. A name that means none leaves the id as it is.
    pub(super) async fn resolve(
        &self,
        db: &impl ConnectionTrait,
        user: &mut UserRow,
        other_group_ids: &mut Vec<i32>,
    ) -> Result<Vec<NameFault>, DbErr> {
        let mut faults = Vec::new();
        if !self.role.is_empty() {
            let roles: Vec<_> = role::list(db).await?.into_iter().map(|role| (role.id, role.name)).collect();
            match find(ROLE, (user.role_id, &self.role), &roles) {
                Ok(id) => user.role_id = id,
                Err(fault) => faults.push(fault),
            }
        }
        if self.user_group.is_empty() && self.other_groups.is_empty() {
            return Ok(faults);
        }
        let groups: Vec<_> = user_group::list(db).await?.into_iter().map(|group| (group.id, group.name)).collect();
        if !self.user_group.is_empty() {
            match find(USER_GROUP, (user.user_group_id, &self.user_group), &groups) {
                Ok(id) => user.user_group_id = id,
                Err(fault) => faults.push(fault),
            }
        }
        let mut wrong = 0;
        for (id, name) in &self.other_groups {
            match find(OTHER_GROUPS, (*id, name), &groups) {
                Ok(id) => other_group_ids.push(id),
                Err(fault) => {
                    faults.push(fault);
                    wrong += 1;
                }
            }
            if wrong == WRONG_NAMES {
                break;
            }
        }
        Ok(faults)
    }

    /// Names a new person by the full name. Compares the names of another user's person with the stored ones.
    pub(super) async fn resolve_person(
        &self,
        db: &impl ConnectionTrait,
        own_id: Option<i32>,
        person: &mut person::Model,
    ) -> Result<Option<NameFault>, DbErr> {
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
                        format!("the person {id} is `{name}`, and not the one of these names; send PersonId alone"),
                    )
                }))
            }
        }
    }

    /// Whether each name that is given is the stored person's.
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

/// The id that the name stands for. An id other than 0 beside the name must be the same.
fn find(kind: Kind, (id, name): (i32, &str), known: &[(i32, String)]) -> Result<i32, NameFault> {
    let Kind { property, noun, lister } = kind;
    let shown = shown(name);
    let reason = match match_name(known.iter(), |(_, own)| own, name) {
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
    fn a_name_means_one_id_or_is_refused() {
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
    fn the_names_of_a_person_are_those_that_are_stored() {
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
