//! An item of a list in which items can be selected (contract §1.2).

use poem_openapi::Object;

use super::{
    MdoListItem,
    rights::{FieldProperties, TableRight},
};
use crate::{
    api::wire::DateTime,
    users::role::{self, FunctionRight},
};

/// An item of a list in which items can be selected.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", rename = "SelectableMDOListItem")]
pub struct SelectableMdoListItem {
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
    /// Which colour to show.
    pub color_block: i32,
    /// Which icon to show.
    pub icon_hint: String,
    /// It is selected.
    pub selected: bool,
    /// Always `0001-01-01T00:00:00`: it is not kept.
    pub last_changed: DateTime,
    /// The items below it.
    pub child_items: Vec<SelectableMdoListItem>,
    /// More about it.
    pub extra_info: String,
    /// Which style to show it in.
    pub style_hint: String,
    /// It is not shown.
    pub hidden: bool,
    /// Its name with those of the items above it.
    pub full_name: String,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

impl SelectableMdoListItem {
    /// A right that a role can have, and whether it is one that the role has.
    pub fn right(right: FunctionRight, selected: bool) -> Self {
        Self { selected, ..Self::named(right.id(), right.name().to_owned()) }
    }

    fn named(id: i32, name: String) -> Self {
        Self {
            id,
            full_name: name.clone(),
            name,
            tool_tip: String::new(),
            deleted: false,
            rank: 0,
            r#type: String::new(),
            color_block: 0,
            icon_hint: String::new(),
            selected: false,
            last_changed: DateTime(None),
            child_items: Vec::new(),
            extra_info: String::new(),
            style_hint: String::new(),
            hidden: false,
            table_right: None,
            field_properties: FieldProperties::new(),
        }
    }
}

impl From<role::Model> for SelectableMdoListItem {
    fn from(role: role::Model) -> Self {
        Self { tool_tip: role.tooltip, rank: role.rank, ..Self::named(role.id, role.name) }
    }
}

impl From<role::Model> for MdoListItem {
    fn from(role: role::Model) -> Self {
        Self {
            id: role.id,
            full_name: role.name.clone(),
            name: role.name,
            tool_tip: role.tooltip,
            deleted: false,
            rank: role.rank,
            r#type: String::new(),
            child_items: Vec::new(),
            icon_hint: String::new(),
            color_block: 0,
            extra_info: String::new(),
            style_hint: String::new(),
            table_right: None,
            field_properties: FieldProperties::new(),
        }
    }
}
