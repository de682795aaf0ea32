//! The columns of archives, such as the user list (docs/upstream.md §7).

use std::collections::BTreeMap;

use poem_openapi::{Object, types::Example};

use crate::users::query::{Archive, ColumnType, FilterKind, ListColumn};

/// A column of an archive.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "PascalCase", example, nullable_all)]
pub struct ArchiveColumnInfo {
    /// The heading of the column, in the language of the request.
    pub display_name: String,
    /// Always empty.
    pub display_tooltip: String,
    /// The type of the values: `string`, `int`, `bool` or `datetime`.
    pub display_type: String,
    /// Whether `$orderBy` accepts the column.
    pub can_order_by: bool,
    /// The name of the column in `$select`, `$filter` and `$orderBy`.
    pub name: String,
    /// Whether `$filter` accepts the column.
    pub can_restrict_by: bool,
    /// The type that determines the operators in `$filter`: `string`, `int`, `bool`, `datetime`, `associate`,
    /// `userGroup` or `listAny`. Null when `$filter` does not accept the column.
    pub restriction_type: Option<String>,
    /// Always null: this server has no lists to choose values from.
    pub restriction_list_name: Option<String>,
    /// Whether the list has the column when `$select` is omitted.
    pub is_visible: bool,
    /// Always empty.
    pub extra_info: String,
    /// A suitable width, in characters (`8c`) or in percent (`20%`).
    pub width: String,
    /// Always empty.
    pub icon_hint: String,
    /// Always empty.
    pub heading_icon_hint: String,
}

impl From<&ListColumn> for ArchiveColumnInfo {
    fn from(column: &ListColumn) -> Self {
        let (display_type, width) = match column.shown {
            ColumnType::Text => ("string", "20%"),
            ColumnType::Integer => ("int", "8c"),
            ColumnType::Bool => ("bool", "8c"),
            ColumnType::Date => ("datetime", "20c"),
        };
        let restriction_type = restriction_type(column);
        Self {
            display_name: heading(column.name),
            display_tooltip: String::new(),
            display_type: display_type.to_owned(),
            can_order_by: column.can_order_by,
            name: column.name.to_owned(),
            can_restrict_by: restriction_type.is_some(),
            restriction_type: restriction_type.map(str::to_owned),
            restriction_list_name: None,
            is_visible: !column.is_filter_only,
            extra_info: String::new(),
            width: width.to_owned(),
            icon_hint: String::new(),
            heading_icon_hint: String::new(),
        }
    }
}

impl ArchiveColumnInfo {
    /// The columns of an archive by name.
    pub fn by_name(archive: &Archive) -> BTreeMap<String, Self> {
        archive.columns.iter().map(|column| (column.name.to_owned(), column.into())).collect()
    }
}

/// The heading of a column, as a resource. Columns of a table, such as `associate.name`, have none.
fn heading(name: &str) -> String {
    if name.contains('.') { name.to_owned() } else { format!("[SR_COLUMN_{}]", name.to_uppercase()) }
}

/// Upstream's name for the filter type of a column.
fn restriction_type(column: &ListColumn) -> Option<&'static str> {
    Some(match column.restriction {
        FilterKind::None => return None,
        FilterKind::Text(_) | FilterKind::Person { .. } => "string",
        FilterKind::Integer(_) => "int",
        FilterKind::Bool(_) => "bool",
        FilterKind::Date(_) => "datetime",
        FilterKind::Item { .. } if column.name == "usergroup" => "userGroup",
        FilterKind::Item { .. } => "listAny",
        FilterKind::Associate => "associate",
        FilterKind::OtherGroups => "userGroup",
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
