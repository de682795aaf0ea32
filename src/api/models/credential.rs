//! Credentials of users and their types (docs/upstream.md §2).

use poem_openapi::{Enum, Object};

use super::rights::{FieldProperties, TableRight};
use crate::users::credential;

/// A credential that a user can log in with.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct Credential {
    /// The type of the credential.
    pub r#type: CredentialType,
    /// The new secret, in requests. Always null in responses.
    pub value: Option<String>,
    /// A text that describes the credential without the secret.
    pub display_value: String,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// A type of credential.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct CredentialType {
    /// The display name of the type.
    pub display_type: String,
    /// The name of the type, such as `CRM5/PASSWORD`.
    pub r#type: String,
    /// The description of the type.
    pub description: String,
    /// The input control for the value.
    pub value_control: ValueControl,
    /// True when a person can be created from a credential of this type.
    pub can_create_person: bool,
    /// True when a credential of this type is used together with a user name.
    pub is_user_name_supported: bool,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// An input control for the value of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ValueControl {
    Static,
    Edit,
    Password,
    Link,
    Hidden,
}

impl CredentialType {
    pub fn password() -> Self {
        Self {
            display_type: "[SR_CREDENTIAL_PASSWORD]".to_owned(),
            r#type: credential::PASSWORD.to_owned(),
            description: "[SR_CREDENTIAL_PASSWORD_DESCRIPTION]".to_owned(),
            value_control: ValueControl::Password,
            can_create_person: false,
            is_user_name_supported: true,
            table_right: None,
            field_properties: FieldProperties::new(),
        }
    }
}

impl Credential {
    /// A credential of this type without a value.
    pub fn blank(credential_type: CredentialType) -> Self {
        Self {
            r#type: credential_type,
            value: None,
            display_value: String::new(),
            table_right: None,
            field_properties: FieldProperties::new(),
        }
    }
}

impl From<credential::Model> for Credential {
    fn from(credential: credential::Model) -> Self {
        let credential_type = CredentialType { r#type: credential.credential_type, ..CredentialType::password() };
        Self { display_value: credential.display_value, ..Self::blank(credential_type) }
    }
}
