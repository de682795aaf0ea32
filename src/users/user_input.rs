//! A user to save, and its validation.

use std::{collections::HashMap, fmt};

use sea_orm::{ConnectionTrait, DbErr};

use super::{
    Fields, User, UserRow, UserType, field_limits,
    given_names::{GivenNameError, GivenNames},
    login_name, membership, person,
    role::{self, RoleType},
    user, user_group,
};

/// Maximum number of reported wrong groups.
const WRONG_GROUPS: usize = 10;

/// A user to save. The id 0 stands for a new user, the default role, the default group and the user's own
/// person; for role, group and person with a name in `names` it stands for that name.
#[derive(Clone, Debug, PartialEq)]
pub struct UserInput {
    pub user: UserRow,
    pub other_group_ids: Vec<i32>,
    pub person: person::Model,
    pub names: GivenNames,
    /// The errors in `names`; [`Self::complete`] sets them.
    pub name_errors: Vec<GivenNameError>,
}

/// An error in a property of a user. `field` is upstream's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    pub field: &'static str,
    pub reason: String,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.reason)
    }
}

fn field_error(field: &'static str, reason: impl ToString) -> FieldError {
    FieldError { field, reason: reason.to_string() }
}

/// The kind of role for a kind of user.
pub fn role_type_of(user_type: UserType) -> RoleType {
    match user_type {
        UserType::InternalAssociate | UserType::ResourceAssociate => RoleType::Employee,
        UserType::ExternalAssociate => RoleType::ExternalUser,
        UserType::AnonymousAssociate => RoleType::Anonymous,
        UserType::SystemAssociate => RoleType::System,
    }
}

/// The kind of user for a kind of role.
pub fn user_type_of(role_type: RoleType) -> UserType {
    match role_type {
        RoleType::Employee => UserType::InternalAssociate,
        RoleType::ExternalUser => UserType::ExternalAssociate,
        RoleType::Anonymous => UserType::AnonymousAssociate,
        RoleType::System => UserType::SystemAssociate,
    }
}

/// A new user of this type, with the default role and group.
pub async fn blank(
    db: &impl ConnectionTrait,
    user_type: UserType,
    person: Option<person::Model>,
) -> Result<Option<User>, DbErr> {
    let Some(role) = role::default_of(db, role_type_of(user_type)).await? else { return Ok(None) };
    let Some(group) = user_group::first(db).await? else { return Ok(None) };
    let row = UserRow {
        role_id: role.id,
        user_group_id: group.id,
        person_id: person.as_ref().map(|person| person.id),
        ..UserRow::blank(user_type)
    };
    Ok(Some(User { user: row, role, group, person }))
}

impl UserInput {
    /// An input that equals the stored user.
    pub async fn of(db: &impl ConnectionTrait, user: &User) -> Result<Self, DbErr> {
        Ok(Self {
            other_group_ids: membership::group_ids(db, user.user.id).await?,
            person: user.person.clone().unwrap_or_default(),
            user: user.user.clone(),
            names: GivenNames::default(),
            name_errors: Vec::new(),
        })
    }

    /// Resolves names and fills in defaults: role, group, and a person named after Name.
    pub async fn complete(mut self, db: &impl ConnectionTrait) -> Result<Self, DbErr> {
        let names = std::mem::take(&mut self.names);
        self.name_errors = names.resolve(db, &mut self.user, &mut self.other_group_ids).await?;
        self.name_errors.extend(names.resolve_person(db, self.user.person_id, &mut self.person).await?);
        if self.user.role_id == 0 {
            let role = role::default_of(db, role_type_of(self.user.user_type)).await?;
            self.user.role_id = role.map_or(0, |role| role.id);
        }
        if self.user.user_group_id == 0 {
            self.user.user_group_id = user_group::first(db).await?.map_or(0, |group| group.id);
        }
        if self.person.full_name().is_empty() {
            let name: String = self.user.name.chars().take(field_limits::PERSON_NAME).collect();
            let named = person::named(&name);
            self.person = person::Model { firstname: named.firstname, lastname: named.lastname, ..self.person };
        }
        self.other_group_ids.retain(|id| *id != self.user.user_group_id);
        self.other_group_ids.sort_unstable();
        self.other_group_ids.dedup();
        Ok(self)
    }

    /// All errors of the input. Stored fields of `present`, the stored user, may stay unchanged even if they exceed a
    /// limit.
    pub async fn validate(&self, db: &impl ConnectionTrait, present: Option<&User>) -> Result<Vec<FieldError>, DbErr> {
        let mut errors = self.validate_names(db).await?;
        errors.extend(self.name_errors.iter().map(|(field, reason)| field_error(field, reason)));
        errors.extend(self.validate_texts());
        errors.extend(self.validate_fields(present));
        let row = &self.user;
        if !row.nick_name.is_empty() && user::has_nick_name(db, &row.nick_name, row.id).await? {
            errors.push(field_error("NickName", format!("`{}` is another user's", row.nick_name)));
        }
        if role::find(db, row.role_id).await?.is_none() {
            errors.push(field_error("Role", format!("there is no role {}", row.role_id)));
        }
        errors.extend(self.validate_groups(db, present).await?);
        if self.person.id != 0 && person::find(db, self.person.id).await?.is_none() {
            errors.push(field_error("Person", format!("there is no person {}", self.person.id)));
        }
        Ok(errors)
    }

    async fn validate_names(&self, db: &impl ConnectionTrait) -> Result<Vec<FieldError>, DbErr> {
        let mut errors = Vec::new();
        let row = &self.user;
        for (field, name) in [("Name", &row.name), ("UserName", &row.user_name)] {
            // UserName is optional.
            if field == "Name" || !name.is_empty() {
                let reason = login_name::validate_name(db, name, row.id).await?;
                errors.extend(reason.map(|reason| field_error(field, reason)));
            }
        }
        Ok(errors)
    }

    /// A user may stay in a main group that was retired.
    async fn validate_groups(
        &self,
        db: &impl ConnectionTrait,
        present: Option<&User>,
    ) -> Result<Vec<FieldError>, DbErr> {
        let main = ("UserGroup", self.user.user_group_id);
        let present = present.map(|present| present.group.id);
        let all: Vec<_> =
            [main].into_iter().chain(self.other_group_ids.iter().map(|id| ("OtherGroups", *id))).collect();
        let found = user_group::find_some(db, all.iter().map(|(_, id)| *id).collect()).await?;
        let is_deleted: HashMap<i32, bool> = found.into_iter().map(|group| (group.id, group.deleted)).collect();
        let wrong = all.into_iter().filter_map(|(field, id)| match is_deleted.get(&id) {
            None => Some(field_error(field, format!("there is no group {id}"))),
            Some(true) if field == main.0 && Some(id) == present => None,
            Some(true) => Some(field_error(field, format!("the group {id} is deleted"))),
            Some(false) => None,
        });
        Ok(wrong.take(WRONG_GROUPS).collect())
    }

    fn validate_fields(&self, present: Option<&User>) -> Vec<FieldError> {
        let none = Fields::default();
        let row = &self.user;
        let all = [
            ("CustomFields", &row.custom_fields, present.map(|user| &user.user.custom_fields)),
            ("ExtraFields", &row.extra_fields, present.map(|user| &user.user.extra_fields)),
        ];
        let wrong = all.into_iter().filter_map(|(field, fields, stored)| {
            let reason = field_limits::check_fields(&fields.0, &stored.unwrap_or(&none).0).err()?;
            Some(field_error(field, reason))
        });
        wrong.collect()
    }

    fn validate_texts(&self) -> Vec<FieldError> {
        let own = [
            ("Tooltip", self.user.tooltip.as_str(), field_limits::TOOLTIP),
            ("NickName", &self.user.nick_name, field_limits::NICK_NAME),
        ];
        let of_person = self.person.texts().map(|(_, field, text, longest)| (field, text, longest));
        let all = own.into_iter().chain(of_person);
        let too_long = all.filter(|(_, text, longest)| text.chars().count() > *longest);
        too_long
            .map(|(field, _, longest)| field_error(field, format!("it has more than {longest} characters")))
            .collect()
    }

    /// The properties that only callers who manage other users may change: upstream's name, and whether they differ.
    pub fn restricted_differences(&self, other: &Self) -> [(&'static str, bool); 12] {
        let (one, two) = (&self.user, &other.user);
        [
            ("Name", one.name != two.name),
            ("UserName", one.user_name != two.user_name),
            ("Rank", one.rank != two.rank),
            ("Role", one.role_id != two.role_id),
            ("UserGroup", one.user_group_id != two.user_group_id),
            ("OtherGroups", self.other_group_ids != other.other_group_ids),
            ("Person.PersonId", self.person.id != other.person.id),
            ("Deleted", one.deleted != two.deleted),
            ("Type", one.user_type != two.user_type),
            ("WaitingForApproval", one.waiting_for_approval != two.waiting_for_approval),
            ("EjUserId", one.ej_user_id != two.ej_user_id),
            ("CustomFields", one.custom_fields != two.custom_fields || one.extra_fields != two.extra_fields),
        ]
    }
}
