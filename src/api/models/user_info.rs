//! `UserInfo`: the data of a user that other users need (docs/upstream.md §1.2).

use poem_openapi::Object;

use super::{
    UserType,
    rights::{FieldProperties, TableRight},
};
use crate::users::User;

/// The data of a user that other users need.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct UserInfo {
    /// True when the user is retired and has no access.
    pub deleted: bool,
    /// The user's id.
    pub user_info_id: i32,
    /// The short name.
    pub user_name: String,
    /// The person's id; 0 for none.
    pub person_id: i32,
    /// The sort order of the user in lists.
    pub rank: i32,
    /// The tooltip of the user.
    pub tooltip: String,
    /// The main group's id.
    pub user_group_id: i32,
    /// The id of the user in SuperOffice Service; 0 for none.
    pub ej_user_id: i32,
    /// The type of the user.
    pub user_type: UserType,
    /// Always empty: this server has no licenses.
    pub granted_licenses: Vec<String>,
    /// True when the user has access.
    pub can_logon: bool,
    /// The name of the role.
    pub role_name: String,
    /// The tooltip of the role.
    pub role_tooltip: String,
    /// The name of the main group.
    pub user_group_name: String,
    /// The tooltip of the main group.
    pub user_group_tooltip: String,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

impl From<User> for UserInfo {
    fn from(found: User) -> Self {
        let can_logon = !found.is_retired();
        let User { user, role, group, .. } = found;
        Self {
            deleted: user.deleted,
            user_info_id: user.id,
            user_name: user.name,
            person_id: user.person_id.unwrap_or_default(),
            rank: user.rank,
            tooltip: user.tooltip,
            user_group_id: group.id,
            ej_user_id: user.ej_user_id,
            user_type: user.user_type.into(),
            granted_licenses: Vec::new(),
            can_logon,
            role_name: role.name,
            role_tooltip: role.tooltip,
            user_group_name: group.name,
            user_group_tooltip: group.tooltip,
            table_right: None,
            field_properties: FieldProperties::new(),
        }
    }
}
