//! The `User` carrier, in upstream's order (contract §2).

use std::{collections::BTreeMap, sync::Arc};

use poem_openapi::{Object, types::Example};

use super::{
    CustomCommand,
    credential::Credential,
    license::LicenseOwner,
    lists::{MdoListItem, Role, UserGroup},
    names::UserType,
    person::Person,
    rights::{FieldProperties, TableRight},
    sample,
};
use crate::{
    api::wire::DateTime,
    users::{self, Account, Draft, Fields, GivenNames, UserRow, person},
};

/// A user: upstream calls it an associate.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", example)]
pub struct User {
    /// The user's id.
    pub associate_id: i32,
    /// The short name; unique among all names and user names.
    pub name: String,
    /// Where the user stands in lists.
    pub rank: i32,
    /// A hint about the user.
    pub tooltip: String,
    /// Always empty: this server has no licences.
    pub license_owners: Vec<LicenseOwner>,
    /// What the user may do.
    pub role: Role,
    /// The main group.
    pub user_group: UserGroup,
    /// The groups besides the main one.
    pub other_groups: Vec<UserGroup>,
    /// The person behind the user.
    pub person: Person,
    /// The user has no access any more.
    pub deleted: bool,
    /// When the user last got a ticket, in the time zone of SO-TimeZone: `2026-11-23T14:52:00`; `0001-01-01T00:00:00` for
    /// never.
    pub lastlogin: DateTime,
    /// When the user last logged out; `0001-01-01T00:00:00` for never.
    pub lastlogout: DateTime,
    /// The id in Service; 0 for a user who is not there.
    pub ej_user_id: i32,
    /// Always empty.
    pub request_signature: String,
    /// What kind of user this is.
    pub r#type: UserType,
    /// The person behind the user is retired.
    pub is_person_retired: bool,
    /// The user works away from the office.
    pub is_on_travel: bool,
    /// The ways to log in; never the secrets.
    pub credentials: Vec<Credential>,
    /// The name to log in with, often an e-mail address.
    pub user_name: String,
    /// Always empty: this server has no tickets of that kind.
    pub ticket_categories: Vec<MdoListItem>,
    /// The name shown in Service.
    pub nick_name: String,
    /// The user may not log in to Service yet.
    pub waiting_for_approval: bool,
    /// Extra fields by name; superseded by CustomFields.
    pub extra_fields: BTreeMap<String, String>,
    /// Custom fields by name.
    pub custom_fields: BTreeMap<String, String>,
    /// Commands to run after a save; always empty.
    pub post_save_commands: Vec<CustomCommand>,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// A user, with links.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(example)]
pub struct UserWithLinks {
    #[oai(flatten)]
    pub user: User,
    /// Absolute addresses: `Self` of this user, `Archive` of all.
    #[oai(rename = "_Links")]
    pub links: BTreeMap<String, String>,
}

impl From<Account> for User {
    fn from(Account { user, other_groups, credentials }: Account) -> Self {
        let is_person_retired = user.is_person_retired();
        let users::User { user, role, group, person } = Arc::unwrap_or_clone(user);
        Self {
            person: Person::new(person.unwrap_or_default(), user.id, &user.name),
            associate_id: user.id,
            name: user.name,
            rank: user.rank,
            tooltip: user.tooltip,
            license_owners: Vec::new(),
            role: role.into(),
            user_group: group.into(),
            other_groups: other_groups.into_iter().map(Into::into).collect(),
            deleted: user.deleted,
            lastlogin: DateTime(user.last_login),
            lastlogout: DateTime(user.last_logout),
            ej_user_id: user.ej_user_id,
            request_signature: String::new(),
            r#type: user.user_type.into(),
            is_person_retired,
            is_on_travel: user.is_on_travel,
            credentials: credentials.into_iter().map(Into::into).collect(),
            user_name: user.user_name,
            ticket_categories: Vec::new(),
            nick_name: user.nick_name,
            waiting_for_approval: user.waiting_for_approval,
            extra_fields: user.extra_fields.0,
            custom_fields: user.custom_fields.0,
            post_save_commands: Vec::new(),
            table_right: None,
            field_properties: FieldProperties::new(),
        }
    }
}

impl User {
    /// What this carrier makes of a user. A name beside an id is one that was given. What the server itself keeps, such as the time of the last log-in, stays; so
    /// does the type when it is unknown.
    pub fn draft(self, present: UserRow, person: &person::Model) -> Draft {
        let user_type = self.r#type.try_into().unwrap_or(present.user_type);
        let (named, by_id): (Vec<_>, Vec<_>) =
            self.other_groups.into_iter().partition(|group| !str::is_empty(&group.value));
        Draft {
            other_group_ids: by_id.into_iter().map(|group| group.id).collect(),
            names: GivenNames {
                role: self.role.value,
                user_group: self.user_group.value,
                other_groups: named.into_iter().map(|group| (group.id, group.value)).collect(),
                person: self.person.full_name.clone(),
            },
            name_faults: Vec::new(),
            person: self.person.model(person),
            user: UserRow {
                name: self.name,
                rank: self.rank,
                tooltip: self.tooltip,
                role_id: self.role.id,
                user_group_id: self.user_group.id,
                deleted: self.deleted,
                ej_user_id: self.ej_user_id,
                user_type,
                is_on_travel: self.is_on_travel,
                user_name: self.user_name,
                nick_name: self.nick_name,
                waiting_for_approval: self.waiting_for_approval,
                extra_fields: Fields(self.extra_fields),
                custom_fields: Fields(self.custom_fields),
                ..present
            },
        }
    }
}

impl UserWithLinks {
    /// Links are absolute, with the entity in lower case, as upstream's are (contract §1.1).
    pub fn new(user: User, base: &str) -> Self {
        let archive = format!("{base}/api/v1/user");
        let own = format!("{archive}/{}", user.associate_id);
        Self { user, links: BTreeMap::from([("Archive".to_owned(), archive), ("Self".to_owned(), own)]) }
    }
}

impl Example for User {
    fn example() -> Self {
        Account::blank(sample::user()).into()
    }
}

impl Example for UserWithLinks {
    fn example() -> Self {
        Self::new(User::example(), "http://127.0.0.1:8080")
    }
}
