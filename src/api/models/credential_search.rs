//! Users found by their credentials, and users found or created (docs/upstream.md §1.2).

use poem_openapi::Object;

use super::{
    User,
    rights::{FieldProperties, TableRight},
};
use crate::users::credential_owners::CredentialOwner;

/// A group with users that have a credential.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct CredentialsGroup {
    /// The name by which `GetCredentialUsersInGroup` finds the users.
    pub name: String,
    /// The name to show.
    pub display_name: String,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// Users that have a credential, as a table.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct CredentialsGroupUsers {
    /// The headings of the columns.
    pub headings: Vec<String>,
    /// The users.
    pub users: Vec<CredentialUser>,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// A user that has a credential.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct CredentialUser {
    /// The Name of the user.
    pub value: String,
    /// The full name of the user.
    pub display_value: String,
    /// The values of the columns: Name, full name and main group.
    pub columns: Vec<String>,
    /// Always false: the person exists.
    pub can_create_person: bool,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// A user that was found or created.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct ResolvedUser {
    /// The user.
    pub user: User,
    /// True when the person of the user was created.
    pub person_created: bool,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

impl CredentialsGroup {
    pub fn named(name: String) -> Self {
        Self { display_name: name.clone(), name, table_right: None, field_properties: FieldProperties::new() }
    }
}

impl CredentialsGroupUsers {
    pub fn of(users: Vec<CredentialUser>) -> Self {
        let headings = ["ASSOCNAME", "FULLNAME", "USERGROUP"].map(|column| format!("[SR_COLUMN_{column}]"));
        Self { headings: headings.into(), users, table_right: None, field_properties: FieldProperties::new() }
    }
}

impl From<CredentialOwner> for CredentialUser {
    fn from(CredentialOwner { name, full_name, group }: CredentialOwner) -> Self {
        Self {
            columns: vec![name.clone(), full_name.clone(), group],
            value: name,
            display_value: full_name,
            can_create_person: false,
            table_right: None,
            field_properties: FieldProperties::new(),
        }
    }
}

impl ResolvedUser {
    pub fn new(user: User, person_created: bool) -> Self {
        Self { user, person_created, table_right: None, field_properties: FieldProperties::new() }
    }
}
