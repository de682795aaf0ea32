//! What the caller may do with a carrier and its fields. This version reports no rights: null, and an empty map.

use std::collections::BTreeMap;

use poem_openapi::Object;

/// The caller's rights to a whole carrier.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase")]
pub struct TableRight {
    /// The rights, joined by `, `: `FULL`, `Select, Update`, …
    pub mask: String,
    /// Why it is not more; empty when there is nothing to explain.
    pub reason: String,
}

/// The caller's rights to one field, and its kind.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase")]
pub struct FieldProperty {
    /// The rights to the field.
    pub field_right: Option<FieldRight>,
    /// The field's .NET type, such as `System.Int32`.
    pub field_type: Option<String>,
    /// The field's length.
    pub field_length: i32,
}

/// The caller's rights to one field.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase")]
pub struct FieldRight {
    /// The rights, joined by `, `: `Read`, `Update, UIHintMandatory`, …
    pub mask: String,
    /// Why it is not more; empty when there is nothing to explain.
    pub reason: String,
}

/// Rights by field name.
pub type FieldProperties = BTreeMap<String, FieldProperty>;
