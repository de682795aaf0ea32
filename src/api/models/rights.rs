//! The caller's rights to a model and its fields. This version does not report rights: `TableRight` is always null, and
//! `FieldProperties` is empty, except for the inputs of commands.

use std::collections::BTreeMap;

use poem_openapi::Object;

/// The caller's rights to a whole object.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct TableRight {
    /// The rights, joined by `, `: `FULL`, `Select, Update`, …
    pub mask: String,
    /// The reason for missing rights; empty if there is none.
    pub reason: String,
}

/// The caller's rights to one field, and its type.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct FieldProperty {
    /// The rights to the field.
    pub field_right: Option<FieldRight>,
    /// The .NET type of the field, such as `System.Int32`.
    pub field_type: Option<String>,
    /// The length of the field.
    pub field_length: i32,
}

/// The caller's rights to one field.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct FieldRight {
    /// The rights, joined by `, `: `Read`, `Update, UIHintMandatory`, …
    pub mask: String,
    /// The reason for missing rights; empty if there is none.
    pub reason: String,
}

/// Rights by field name.
pub type FieldProperties = BTreeMap<String, FieldProperty>;
