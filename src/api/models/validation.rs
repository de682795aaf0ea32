//! The result of a validation (docs/upstream.md §2).

use poem_openapi::Object;

use super::rights::{FieldProperties, TableRight};

/// The result of a validation.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct UserValidationResult {
    /// Why the value is invalid; empty when it is valid.
    pub reason: String,
    /// True when the value is valid.
    pub result: bool,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

impl From<Option<String>> for UserValidationResult {
    fn from(reason: Option<String>) -> Self {
        Self {
            result: reason.is_none(),
            reason: reason.unwrap_or_default(),
            table_right: None,
            field_properties: FieldProperties::new(),
        }
    }
}
