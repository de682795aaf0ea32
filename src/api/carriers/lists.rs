//! What users are sorted by: roles, groups, and items of other lists (contract §2).

use poem_openapi::Object;

use super::rights::{FieldProperties, TableRight};
use crate::users::{role, user_group};

/// What a user may do.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase")]
pub struct Role {
    /// The role's id.
    pub id: i32,
    /// Its name.
    pub value: String,
    /// A hint about it.
    pub tooltip: String,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// A group of users.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase")]
pub struct UserGroup {
    /// Its name.
    pub value: String,
    /// A hint about it.
    pub tooltip: String,
    /// The group's id.
    pub id: i32,
    /// Where it stands in lists.
    pub rank: i32,
    /// It is no longer used.
    pub deleted: bool,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// An item of a list.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", rename = "MDOListItem")]
pub struct MdoListItem {
    /// Its id.
    pub id: i32,
    /// Its name.
    pub name: String,
    /// A hint about it.
    pub tool_tip: String,
    /// It is no longer used.
    pub deleted: bool,
    /// Where it stands.
    pub rank: i32,
    /// What kind of item it is.
    pub r#type: String,
    /// The items below it.
    pub child_items: Vec<MdoListItem>,
    /// Which icon to show.
    pub icon_hint: String,
    /// Which colour to show.
    pub color_block: i32,
    /// More about it.
    pub extra_info: String,
    /// Which style to show it in.
    pub style_hint: String,
    /// Its name with those of the items above it.
    pub full_name: String,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

impl From<role::Model> for Role {
    fn from(role: role::Model) -> Self {
        Self {
            id: role.id,
            value: role.name,
            tooltip: role.tooltip,
            table_right: None,
            field_properties: FieldProperties::new(),
        }
    }
}

impl From<user_group::Model> for UserGroup {
    fn from(group: user_group::Model) -> Self {
        Self {
            value: group.name,
            tooltip: group.tooltip,
            id: group.id,
            rank: group.rank,
            deleted: group.deleted,
            table_right: None,
            field_properties: FieldProperties::new(),
        }
    }
}

impl From<UserGroup> for user_group::Model {
    fn from(group: UserGroup) -> Self {
        Self { id: group.id, name: group.value, tooltip: group.tooltip, rank: group.rank, deleted: group.deleted }
    }
}
