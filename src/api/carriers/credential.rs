//! The ways to log in (contract §2).

use poem_openapi::{Enum, Object};

use super::rights::{FieldProperties, TableRight};
use crate::users::credential;

/// A way to prove who one is.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase")]
pub struct Credential {
    /// What kind of credential it is.
    pub r#type: CredentialType,
    /// The secret, when a new one is given; in answers always null.
    pub value: Option<String>,
    /// What to show of it.
    pub display_value: String,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// A kind of credential.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase")]
pub struct CredentialType {
    /// What to call it.
    pub display_type: String,
    /// Its name, such as `CRM5/PASSWORD`.
    pub r#type: String,
    /// What it is.
    pub description: String,
    /// How its value is entered.
    pub value_control: ValueControl,
    /// A person can be made from it.
    pub can_create_person: bool,
    /// It goes with a user name.
    pub is_user_name_supported: bool,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// How the value of a credential is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ValueControl {
    Static,
    Edit,
    Password,
    Link,
    Hidden,
}

impl CredentialType {
    /// A password.
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

impl From<credential::Model> for Credential {
    fn from(credential: credential::Model) -> Self {
        Self {
            r#type: CredentialType { r#type: credential.credential_type, ..CredentialType::password() },
            value: None,
            display_value: credential.display_value,
            table_right: None,
            field_properties: FieldProperties::new(),
        }
    }
}
