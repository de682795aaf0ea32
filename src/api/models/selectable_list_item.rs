//! An item of a list with selectable items (docs/upstream.md §1.2).

use poem_openapi::Object;

use super::datetime::LocalDateTime;
use super::{
    MdoListItem,
    rights::{FieldProperties, TableRight},
};
use crate::users::mdo_list::ListItem;

/// An item of a list with selectable items.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", rename = "SelectableMDOListItem", nullable_all)]
pub struct SelectableMdoListItem {
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
    /// The color of the item.
    pub color_block: i32,
    /// The icon of the item.
    pub icon_hint: String,
    /// True when the item is selected.
    pub selected: bool,
    /// Always `0001-01-01T00:00:00`: this server does not store it.
    pub last_changed: LocalDateTime,
    /// The child items.
    pub child_items: Vec<SelectableMdoListItem>,
    /// Additional information.
    pub extra_info: String,
    /// The style of the item.
    pub style_hint: String,
    /// True when the item is hidden.
    pub hidden: bool,
    /// The name of the item with the names of its parents.
    pub full_name: String,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

impl From<ListItem> for SelectableMdoListItem {
    fn from(item: ListItem) -> Self {
        let ListItem { id, name, tooltip, rank, item_type, is_selected, is_deleted, children } = item;
        Self {
            id,
            full_name: name.clone(),
            name,
            tool_tip: tooltip,
            deleted: is_deleted,
            rank,
            r#type: item_type.to_owned(),
            color_block: 0,
            icon_hint: String::new(),
            selected: is_selected,
            last_changed: LocalDateTime(None),
            child_items: children.into_iter().map(Into::into).collect(),
            extra_info: String::new(),
            style_hint: String::new(),
            hidden: false,
            table_right: None,
            field_properties: FieldProperties::new(),
        }
    }
}

impl From<ListItem> for MdoListItem {
    fn from(item: ListItem) -> Self {
        let ListItem { id, name, tooltip, rank, item_type, is_selected: _, is_deleted, children } = item;
        Self {
            id,
            full_name: name.clone(),
            name,
            tool_tip: tooltip,
            deleted: is_deleted,
            rank,
            r#type: item_type.to_owned(),
            child_items: children.into_iter().map(Into::into).collect(),
            icon_hint: String::new(),
            color_block: 0,
            extra_info: String::new(),
            style_hint: String::new(),
            table_right: None,
            field_properties: FieldProperties::new(),
        }
    }
}
