//! A column of the list of users (contract §7).

use poem_openapi::{Object, types::Example};

use crate::users::list::{Column, Restriction, Shown};

/// A column of a list.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "PascalCase", example)]
pub struct ArchiveColumnInfo {
    /// What to call it, in the language of the request.
    pub display_name: String,
    /// Always empty.
    pub display_tooltip: String,
    /// What it shows: `string`, `int`, `bool` or `datetime`.
    pub display_type: String,
    /// Whether `$orderBy` takes it.
    pub can_order_by: bool,
    /// Its name in `$select`, `$filter` and `$orderBy`.
    pub name: String,
    /// Whether `$filter` takes it.
    pub can_restrict_by: bool,
    /// Which operators `$filter` takes for it: those of `string`, `int`, `bool`, `datetime`, `associate`, `userGroup` or
    /// `listAny`. Null when it takes none.
    pub restriction_type: Option<String>,
    /// Always null: this server has no lists to choose values from.
    pub restriction_list_name: Option<String>,
    /// Whether the list shows it when no column is selected.
    pub is_visible: bool,
    /// Always empty.
    pub extra_info: String,
    /// A width that suits it, in characters (`8c`) or in percent (`20%`).
    pub width: String,
    /// Always empty.
    pub icon_hint: String,
    /// Always empty.
    pub heading_icon_hint: String,
}

impl From<&Column> for ArchiveColumnInfo {
    fn from(column: &Column) -> Self {
        let (display_type, width) = match column.shown {
            Shown::Text => ("string", "20%"),
            Shown::Integer => ("int", "8c"),
            Shown::Bool => ("bool", "8c"),
            Shown::Date => ("datetime", "20c"),
        };
        let restriction_type = restriction_type(column);
        Self {
            display_name: format!("[SR_COLUMN_{}]", column.name.to_uppercase()),
            display_tooltip: String::new(),
            display_type: display_type.to_owned(),
            can_order_by: column.can_order_by,
            name: column.name.to_owned(),
            can_restrict_by: restriction_type.is_some(),
            restriction_type: restriction_type.map(str::to_owned),
            restriction_list_name: None,
            is_visible: !column.is_switch,
            extra_info: String::new(),
            width: width.to_owned(),
            icon_hint: String::new(),
            heading_icon_hint: String::new(),
        }
    }
}

/// Upstream's name for what a filter holds against the column.
fn restriction_type(column: &Column) -> Option<&'static str> {
    Some(match column.restriction {
        Restriction::None => return None,
        Restriction::Text(_) | Restriction::Person { .. } => "string",
        Restriction::Integer(_) => "int",
        Restriction::Bool(_) => "bool",
        Restriction::Date(_) => "datetime",
        Restriction::Item { .. } if column.name == "usergroup" => "userGroup",
        Restriction::Item { .. } => "listAny",
        Restriction::Associate => "associate",
        Restriction::OtherGroups => "userGroup",
    })
}

impl Example for ArchiveColumnInfo {
    fn example() -> Self {
        Self {
            display_name: "First name".to_owned(),
            display_tooltip: String::new(),
            display_type: "string".to_owned(),
            can_order_by: true,
            name: "firstName".to_owned(),
            can_restrict_by: true,
            restriction_type: Some("string".to_owned()),
            restriction_list_name: None,
            is_visible: true,
            extra_info: String::new(),
            width: "20%".to_owned(),
            icon_hint: String::new(),
            heading_icon_hint: String::new(),
        }
    }
}
