//! Custom fields (docs/upstream.md §2).

use poem_openapi::{Enum, Object};

/// A custom field.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase")]
pub struct FieldInfoBase {
    /// The type of the field: always `LongText`.
    pub field_type: CustomFieldType,
    /// The name of the field, used as the key in CustomFields.
    pub field_name: String,
    /// The display name: the same as FieldName.
    pub display_name: String,
    /// Always empty.
    pub description: String,
    /// Always empty.
    pub short_label: String,
    /// Always false.
    pub hide_label: bool,
    /// Always false.
    pub hide_field: bool,
    /// Always false.
    pub is_indexed: bool,
    /// Always false.
    pub is_mandatory: bool,
    /// Always false.
    pub is_read_only: bool,
    /// Always false.
    pub is_external: bool,
    /// Always false.
    pub is_display_field: bool,
    /// Always 0.
    pub rank: i32,
    /// Always empty.
    pub template_variable_name: String,
}

/// A type of custom field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum CustomFieldType {
    Unknown,
    Integer,
    ShortText,
    LongText,
    Date,
    Blob,
    Checkbox,
    MdoList,
    Decimal,
    DateTime,
    Time,
    TimeSpan,
    RelationTo,
    Attachment,
    DynamicLink,
    ListText,
}

impl FieldInfoBase {
    /// A text field with this name.
    pub fn text(name: String) -> Self {
        Self {
            field_type: CustomFieldType::LongText,
            display_name: name.clone(),
            field_name: name,
            description: String::new(),
            short_label: String::new(),
            hide_label: false,
            hide_field: false,
            is_indexed: false,
            is_mandatory: false,
            is_read_only: false,
            is_external: false,
            is_display_field: false,
            rank: 0,
            template_variable_name: String::new(),
        }
    }
}
