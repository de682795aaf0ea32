//! `User`, with upstream's property order (docs/upstream.md §2).

use std::{collections::BTreeMap, sync::Arc};

use poem_openapi::{Object, types::Example};

use super::datetime::LocalDateTime;
use super::{
    CustomCommand,
    credential::Credential,
    enums::UserType,
    examples,
    license::LicenseOwner,
    list_items::{MdoListItem, Role, UserGroup},
    person::Person,
    rights::{FieldProperties, TableRight},
};
use crate::users::{self, Fields, GivenNames, UserDetails, UserInput, UserRow, person};

/// A user. Upstream also calls it an associate.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", example, nullable_all)]
pub struct User {
    /// The id of the user.
    pub associate_id: i32,
    /// The short name. It is unique among all Names and UserNames.
    pub name: String,
    /// The sort order of the user in lists.
    pub rank: i32,
    /// The tooltip of the user.
    pub tooltip: String,
    /// Always empty: this server has no licenses.
    pub license_owners: Vec<LicenseOwner>,
    /// The role, which determines what the user may do.
    pub role: Role,
    /// The main group.
    pub user_group: UserGroup,
    /// The groups besides the main one.
    pub other_groups: Vec<UserGroup>,
    /// The person of the user.
    pub person: Person,
    /// True when the user is retired and has no access.
    pub deleted: bool,
    /// The time when the user last got a ticket, in the time zone of SO-TimeZone, such as `2026-11-23T14:52:00`.
    /// `0001-01-01T00:00:00` means never.
    pub lastlogin: LocalDateTime,
    /// The time of the last logout. `0001-01-01T00:00:00` means never.
    pub lastlogout: LocalDateTime,
    /// The id of the user in SuperOffice Service; 0 for none.
    pub ej_user_id: i32,
    /// Always empty.
    pub request_signature: String,
    /// The type of the user.
    pub r#type: UserType,
    /// True when the person of the user is retired.
    pub is_person_retired: bool,
    /// True when the user works away from the office.
    pub is_on_travel: bool,
    /// The credentials of the user, without their secrets.
    pub credentials: Vec<Credential>,
    /// The name to log in with, often an e-mail address.
    pub user_name: String,
    /// Always empty: this server has no service tickets.
    pub ticket_categories: Vec<MdoListItem>,
    /// The name that SuperOffice Service shows.
    pub nick_name: String,
    /// True when the user may not log in to SuperOffice Service yet.
    pub waiting_for_approval: bool,
    /// The extra fields by name. CustomFields replaces them.
    pub extra_fields: BTreeMap<String, String>,
    /// The custom fields by name.
    pub custom_fields: BTreeMap<String, String>,
    /// The commands to run after saving. Always empty.
    pub post_save_commands: Vec<CustomCommand>,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// A user with links.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(example, nullable_all)]
pub struct UserWithLinks {
    #[oai(flatten)]
    pub user: User,
    /// Absolute URLs: `Self` of this user, and `Archive` of all users.
    #[oai(rename = "_Links")]
    pub links: BTreeMap<String, String>,
}

impl From<UserDetails> for User {
    fn from(UserDetails { user, other_groups, credentials }: UserDetails) -> Self {
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
            lastlogin: LocalDateTime(user.last_login),
            lastlogout: LocalDateTime(user.last_logout),
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
    /// The input for the user service. Names of references count only if they are not empty. Values that the server
    /// manages, such as the time of the last login, keep their present value, and so does an unknown type.
    pub fn into_input(self, present: UserRow, person: &person::Model) -> UserInput {
        let user_type = self.r#type.try_into().unwrap_or(present.user_type);
        let (named, by_id): (Vec<_>, Vec<_>) =
            self.other_groups.into_iter().partition(|group| !str::is_empty(&group.value));
        UserInput {
            other_group_ids: by_id.into_iter().map(|group| group.id).collect(),
            names: GivenNames {
                role: self.role.value,
                user_group: self.user_group.value,
                other_groups: named.into_iter().map(|group| (group.id, group.value)).collect(),
                person: self.person.full_name.clone(),
            },
            name_errors: Vec::new(),
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
    /// Adds links. As upstream's, they are absolute and have the entity in lower case (docs/upstream.md §1.1).
    pub fn new(user: User, base: &str) -> Self {
        let archive = format!("{base}/api/v1/user");
        let this = format!("{archive}/{}", user.associate_id);
        Self { user, links: BTreeMap::from([("Archive".to_owned(), archive), ("Self".to_owned(), this)]) }
    }
}

impl Example for User {
    fn example() -> Self {
        UserDetails::blank(examples::user()).into()
    }
}

impl Example for UserWithLinks {
    fn example() -> Self {
        Self::new(User::example(), "http://127.0.0.1:8080")
    }
}
