//! Roles, groups, and items of other lists (docs/upstream.md §2).

use poem_openapi::Object;

use super::rights::{FieldProperties, TableRight};
use crate::users::{role, user_group};

/// A role. It determines what a user may do.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct Role {
    /// The id of the role.
    pub id: i32,
    /// The name of the role.
    pub value: String,
    /// The tooltip of the role.
    pub tooltip: String,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// A group of users.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct UserGroup {
    /// The name of the group.
    pub value: String,
    /// The tooltip of the group.
    pub tooltip: String,
    /// The id of the group.
    pub id: i32,
    /// The sort order of the group in lists.
    pub rank: i32,
    /// True when the group is no longer in use.
    pub deleted: bool,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// An item of a list.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", rename = "MDOListItem", nullable_all)]
pub struct MdoListItem {
    /// The id of the item.
    pub id: i32,
    /// The name of the item.
    pub name: String,
    /// The tooltip of the item.
    pub tool_tip: String,
    /// True when the item is no longer in use.
    pub deleted: bool,
    /// The sort order of the item.
    pub rank: i32,
    /// The kind of the item: `associate` for a user, `usergroup` for a group of users; otherwise empty.
    pub r#type: String,
    /// The child items.
    pub child_items: Vec<MdoListItem>,
    /// The icon of the item.
    pub icon_hint: String,
    /// The color of the item.
    pub color_block: i32,
    /// Additional information.
    pub extra_info: String,
    /// The style of the item.
    pub style_hint: String,
    /// The name of the item with the names of its parents.
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
