//! `Associate`: a short form of a user (docs/upstream.md §2).

use std::collections::BTreeMap;

use poem_openapi::{Object, types::Example};

use super::{
    UserType, examples,
    rights::{FieldProperties, TableRight},
};
use crate::users::User;

/// A short form of a user.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", example, nullable_all)]
pub struct Associate {
    /// The user's id.
    pub associate_id: i32,
    /// The short name.
    pub name: String,
    /// The person's id; 0 for none.
    pub person_id: i32,
    /// The sort order of the user in lists.
    pub rank: i32,
    /// The tooltip of the user.
    pub tooltip: String,
    /// The type of the user.
    pub r#type: UserType,
    /// The main group's id.
    pub group_idx: i32,
    /// The first, middle and last name.
    pub full_name: String,
    /// The full name with the form of address in front, such as `Mr` or `Mrs`.
    pub formal_name: String,
    /// True when the user is retired and has no access.
    pub deleted: bool,
    /// The id of the user in SuperOffice Service; 0 for none.
    pub ej_user_id: i32,
    /// The name to log in with.
    pub user_name: String,
    /// The extra fields by name. CustomFields replaces them.
    pub extra_fields: BTreeMap<String, String>,
    /// The custom fields by name.
    pub custom_fields: BTreeMap<String, String>,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

impl From<User> for Associate {
    fn from(user: User) -> Self {
        let full_name = user.full_name();
        let mrmrs = user.person.as_ref().map(|person| person.mrmrs.as_str()).unwrap_or_default();
        Self {
            formal_name: format!("{mrmrs} {full_name}").trim_start().to_owned(),
            full_name,
            associate_id: user.user.id,
            name: user.user.name,
            person_id: user.user.person_id.unwrap_or_default(),
            rank: user.user.rank,
            tooltip: user.user.tooltip,
            r#type: user.user.user_type.into(),
            group_idx: user.group.id,
            deleted: user.user.deleted,
            ej_user_id: user.user.ej_user_id,
            user_name: user.user.user_name,
            extra_fields: user.user.extra_fields.0,
            custom_fields: user.user.custom_fields.0,
            table_right: None,
            field_properties: FieldProperties::new(),
        }
    }
}

impl Example for Associate {
    fn example() -> Self {
        examples::user().into()
    }
}
