//! A user to be saved, and what is wrong with it.

use std::{collections::HashMap, fmt};

use sea_orm::{ConnectionTrait, DbErr};

use super::{
    Fields, User, UserRow, UserType,
    given_names::{GivenNames, NameFault},
    limits, login_name, membership, person,
    role::{self, RoleType},
    user, user_group,
};

/// How many wrong groups of a user are told.
const WRONG_GROUPS: usize = 10;

/// A user to be saved. An id of 0 means: a new user, the default role, the default group, the own person; or, where a name
/// is given, what has that name.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    pub user: UserRow,
    pub other_group_ids: Vec<i32>,
    pub person: person::Model,
    pub names: GivenNames,
    /// What is wrong with the names; known once the draft is complete.
    pub name_faults: Vec<NameFault>,
}

/// What is wrong with a property of a user, under upstream's name for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub field: &'static str,
    pub reason: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.reason)
    }
}

fn fault(field: &'static str, reason: impl ToString) -> Fault {
    Fault { field, reason: reason.to_string() }
}

/// The kind of role that fits a kind of user.
pub fn role_type_of(user_type: UserType) -> RoleType {
    match user_type {
        UserType::InternalAssociate | UserType::ResourceAssociate => RoleType::Employee,
        UserType::ExternalAssociate => RoleType::ExternalUser,
        UserType::AnonymousAssociate => RoleType::Anonymous,
        UserType::SystemAssociate => RoleType::System,
    }
}

/// The kind of user that fits a kind of role.
pub fn user_type_of(role_type: RoleType) -> UserType {
    match role_type {
        RoleType::Employee => UserType::InternalAssociate,
        RoleType::ExternalUser => UserType::ExternalAssociate,
        RoleType::Anonymous => UserType::AnonymousAssociate,
        RoleType::System => UserType::SystemAssociate,
    }
}

/// A new user of this type, with the default role and group.
///
/// # Errors
/// The database does not answer.
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

impl Draft {
    /// A user as it is.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn of(db: &impl ConnectionTrait, user: &User) -> Result<Self, DbErr> {
        Ok(Self {
            other_group_ids: membership::group_ids(db, user.user.id).await?,
            person: user.person.clone().unwrap_or_default(),
            user: user.user.clone(),
            names: GivenNames::default(),
            name_faults: Vec::new(),
        })
    }

    /// Finds what is named, and fills in what is left open: the default role and group, and a person named after Name.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn complete(mut self, db: &impl ConnectionTrait) -> Result<Self, DbErr> {
        let names = std::mem::take(&mut self.names);
        self.name_faults = names.resolve(db, &mut self.user, &mut self.other_group_ids).await?;
        self.name_faults.extend(names.resolve_person(db, self.user.person_id, &mut self.person).await?);
        if self.user.role_id == 0 {
            let role = role::default_of(db, role_type_of(self.user.user_type)).await?;
            self.user.role_id = role.map_or(0, |role| role.id);
        }
        if self.user.user_group_id == 0 {
            self.user.user_group_id = user_group::first(db).await?.map_or(0, |group| group.id);
        }
        if self.person.full_name().is_empty() {
            let name: String = self.user.name.chars().take(limits::PERSON_NAME).collect();
            let named = person::named(&name);
            self.person = person::Model { firstname: named.firstname, lastname: named.lastname, ..self.person };
        }
        self.other_group_ids.retain(|id| *id != self.user.user_group_id);
        self.other_group_ids.sort_unstable();
        self.other_group_ids.dedup();
        Ok(self)
    }

    /// Everything that is wrong with it. Fields that are stored for `present`, the user as it is, may stay as they are.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn faults(&self, db: &impl ConnectionTrait, present: Option<&User>) -> Result<Vec<Fault>, DbErr> {
        let mut faults = self.faults_of_names(db).await?;
        faults.extend(self.name_faults.iter().map(|(field, reason)| fault(field, reason)));
        faults.extend(self.faults_of_texts());
        faults.extend(self.faults_of_fields(present));
        let row = &self.user;
        if !row.nick_name.is_empty() && user::has_nick_name(db, &row.nick_name, row.id).await? {
            faults.push(fault("NickName", format!("`{}` is another user's", row.nick_name)));
        }
        if role::find(db, row.role_id).await?.is_none() {
            faults.push(fault("Role", format!("there is no role {}", row.role_id)));
        }
        faults.extend(self.faults_of_groups(db).await?);
        if self.person.id != 0 && person::find(db, self.person.id).await?.is_none() {
            faults.push(fault("Person", format!("there is no person {}", self.person.id)));
        }
        Ok(faults)
    }

    async fn faults_of_names(&self, db: &impl ConnectionTrait) -> Result<Vec<Fault>, DbErr> {
        let mut faults = Vec::new();
        let row = &self.user;
        for (field, name) in [("Name", &row.name), ("UserName", &row.user_name)] {
            // Whoever has no UserName logs in with Name.
            if field == "Name" || !name.is_empty() {
                let reason = login_name::fault_of_name(db, name, row.id).await?;
                faults.extend(reason.map(|reason| fault(field, reason)));
            }
        }
        Ok(faults)
    }

    async fn faults_of_groups(&self, db: &impl ConnectionTrait) -> Result<Vec<Fault>, DbErr> {
        let main = ("UserGroup", self.user.user_group_id);
        let all: Vec<_> =
            [main].into_iter().chain(self.other_group_ids.iter().map(|id| ("OtherGroups", *id))).collect();
        let found = user_group::find_some(db, all.iter().map(|(_, id)| *id).collect()).await?;
        let is_deleted: HashMap<i32, bool> = found.into_iter().map(|group| (group.id, group.deleted)).collect();
        let wrong = all.into_iter().filter_map(|(field, id)| match is_deleted.get(&id) {
            None => Some(fault(field, format!("there is no group {id}"))),
            Some(true) => Some(fault(field, format!("the group {id} is deleted"))),
            Some(false) => None,
        });
        Ok(wrong.take(WRONG_GROUPS).collect())
    }

    fn faults_of_fields(&self, present: Option<&User>) -> Vec<Fault> {
        let none = Fields::default();
        let row = &self.user;
        let all = [
            ("CustomFields", &row.custom_fields, present.map(|user| &user.user.custom_fields)),
            ("ExtraFields", &row.extra_fields, present.map(|user| &user.user.extra_fields)),
        ];
        let wrong = all.into_iter().filter_map(|(field, fields, stored)| {
            let reason = limits::check_fields(&fields.0, &stored.unwrap_or(&none).0).err()?;
            Some(fault(field, reason))
        });
        wrong.collect()
    }

    fn faults_of_texts(&self) -> Vec<Fault> {
        let own = [
            ("Tooltip", self.user.tooltip.as_str(), limits::TOOLTIP),
            ("NickName", &self.user.nick_name, limits::NICK_NAME),
        ];
        let of_person = self.person.texts().map(|(_, field, text, longest)| (field, text, longest));
        let all = own.into_iter().chain(of_person);
        let too_long = all.filter(|(_, text, longest)| text.chars().count() > *longest);
        too_long.map(|(field, _, longest)| fault(field, format!("it has more than {longest} characters"))).collect()
    }

    /// What only those change who manage others: under upstream's name, and whether the two differ in it.
    pub fn differences_of_standing(&self, other: &Self) -> [(&'static str, bool); 12] {
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
