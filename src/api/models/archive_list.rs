//! Archives as the Archive agent takes and returns them (docs/upstream.md §7.3).

use std::collections::BTreeMap;

use poem_openapi::{Enum, Object, types::Example};

use super::rights::{FieldProperties, TableRight};
use crate::{
    localization::Clock,
    users::query::{Archive, Cell, ListColumn, Row},
};

/// A row of an archive.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct ArchiveListItem {
    /// The kind of the row.
    pub entity_name: String,
    /// The id of the row, such as that of the user.
    pub primary_key: i32,
    /// The columns by name.
    pub column_data: BTreeMap<String, ArchiveColumnData>,
    /// Always empty.
    pub link_hint: String,
    /// Always empty.
    pub style_hint: String,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// The value of a column.
#[derive(Clone, Debug, Default, PartialEq, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct ArchiveColumnData {
    /// The value. Without a language in the request, numbers and dates are encoded: `[I:4]`, `[DT:11/23/2026 14:52:00.0000000]`.
    /// A boolean is a number, 1 or 0.
    pub display_value: String,
    /// Always empty.
    pub tooltip_hint: String,
    /// Always empty.
    pub link_hint: String,
}

/// A column to sort by.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", example)]
pub struct ArchiveOrderByInfo {
    /// The name of the column.
    pub name: String,
    /// The direction; ascending when omitted.
    #[oai(nullable)]
    pub direction: Option<OrderBySortType>,
}

/// The direction of a sort order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OrderBySortType {
    #[oai(rename = "ASC")]
    Ascending,
    #[oai(rename = "DESC")]
    Descending,
}

/// How a comparison is joined with the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum InterRestrictionOperator {
    None,
    And,
    Or,
}

impl ArchiveListItem {
    pub fn new(archive: &Archive, row: Row, columns: &[&'static ListColumn], clock: &Clock) -> Self {
        let data = |cell| ArchiveColumnData { display_value: text(cell, clock), ..ArchiveColumnData::default() };
        let cells = columns.iter().zip(row.cells).map(|(column, cell)| (column.name.to_owned(), data(cell)));
        Self {
            entity_name: archive.entity.to_owned(),
            primary_key: row.id,
            column_data: cells.collect(),
            link_hint: String::new(),
            style_hint: String::new(),
            table_right: None,
            field_properties: FieldProperties::new(),
        }
    }
}

/// A value in upstream's encoding, which does not depend on a culture (docs/upstream.md §5.4).
fn text(cell: Cell, clock: &Clock) -> String {
    match cell {
        Cell::Text(text) => text,
        Cell::Integer(number) => format!("[I:{number}]"),
        Cell::Bool(is_true) => format!("[I:{}]", u8::from(is_true)),
        Cell::Date(Some(date)) => clock.encode(date),
        Cell::Date(None) => String::new(),
    }
}

impl Example for ArchiveOrderByInfo {
    fn example() -> Self {
        Self { name: "associateDbId".to_owned(), direction: Some(OrderBySortType::Ascending) }
    }
}
