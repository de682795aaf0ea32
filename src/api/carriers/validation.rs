//! Whether something can be, and why not (contract §2).

use poem_openapi::Object;

use super::rights::{FieldProperties, TableRight};

/// Whether something can be, and why not.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase")]
pub struct UserValidationResult {
    /// Why not; empty when it can.
    pub reason: String,
    /// Whether it can.
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
