//! Secrets that users keep on the server for other systems (docs/upstream.md §1.8). None of these models can be printed
//! for debugging, because they contain the secrets.

use poem_openapi::Object;
use secrecy::ExposeSecret;

use super::{
    datetime::LocalDateTime,
    rights::{FieldProperties, TableRight},
};
use crate::users::secrets::{
    external_tokens::ExternalTokens,
    service_auth::StoredServiceAuth,
    untrusted_credentials::{self, StoredCredentials},
};

/// How the installation logs in to another service, such as a mail server.
#[derive(Clone, PartialEq, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct ServiceAuth {
    /// The id; 0 for a new one.
    pub service_auth_id: i32,
    /// The address of the service; up to 254 characters.
    pub server: String,
    /// The port of the service, from 0 to 65535.
    pub port: i32,
    /// The type of authentication, such as plain text or OAuth; up to 254 characters.
    pub auth_type: String,
    /// The name to log in with; up to 254 characters.
    pub username: String,
    /// The password or token; up to 4096 characters. When it is omitted or empty, the stored one stays.
    pub password: String,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// Credentials of a user for another system.
#[derive(Clone, PartialEq, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct UntrustedCredentials {
    /// Credentials are valid from this date.
    pub valid_from: LocalDateTime,
    /// Credentials are valid to this date.
    pub valid_to: LocalDateTime,
    /// A description; up to 255 characters.
    pub comment: String,
    /// The secret, such as a password; up to 70 characters. When it is omitted or empty, the stored one stays.
    /// Empty in answers to other callers than the user and system users.
    pub secret_value: String,
    /// A text without secrets that distinguishes the credentials of one type, such as a server and a user name; up to 238
    /// characters.
    pub public_value: String,
    /// Whether the credentials are in use. The server stores it.
    pub is_active: bool,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// Tokens of another system.
#[derive(Clone, PartialEq, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct TokenManagementInfo {
    /// The system that the tokens belong to; up to 254 characters.
    pub provider: String,
    /// The access token; up to 16384 characters.
    pub access_token: String,
    /// The refresh token; up to 16384 characters.
    pub refresh_token: String,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

impl ServiceAuth {
    /// A new, empty one.
    pub fn blank() -> Self {
        Self {
            service_auth_id: 0,
            server: String::new(),
            port: 0,
            auth_type: String::new(),
            username: String::new(),
            password: String::new(),
            table_right: None,
            field_properties: FieldProperties::new(),
        }
    }
}

impl From<StoredServiceAuth> for ServiceAuth {
    fn from(StoredServiceAuth { id, auth, password }: StoredServiceAuth) -> Self {
        Self {
            service_auth_id: id,
            server: auth.server,
            port: auth.port,
            auth_type: auth.auth_type,
            username: auth.user_name,
            password: password.expose_secret().to_owned(),
            ..Self::blank()
        }
    }
}

impl UntrustedCredentials {
    /// New, empty and active credentials.
    pub fn blank() -> Self {
        StoredCredentials { credentials: untrusted_credentials::UntrustedCredentials::blank(), secret: None }.into()
    }
}

impl From<StoredCredentials> for UntrustedCredentials {
    fn from(StoredCredentials { credentials, secret }: StoredCredentials) -> Self {
        Self {
            valid_from: LocalDateTime(credentials.valid_from),
            valid_to: LocalDateTime(credentials.valid_to),
            comment: credentials.comment,
            secret_value: secret.map(|secret| secret.expose_secret().to_owned()).unwrap_or_default(),
            public_value: credentials.public_value,
            is_active: credentials.is_active,
            table_right: None,
            field_properties: FieldProperties::new(),
        }
    }
}

impl From<ExternalTokens> for TokenManagementInfo {
    fn from(ExternalTokens { provider, access_token, refresh_token }: ExternalTokens) -> Self {
        Self {
            provider,
            access_token: access_token.expose_secret().to_owned(),
            refresh_token: refresh_token.expose_secret().to_owned(),
            table_right: None,
            field_properties: FieldProperties::new(),
        }
    }
}

impl From<TokenManagementInfo> for ExternalTokens {
    fn from(TokenManagementInfo { provider, access_token, refresh_token, .. }: TokenManagementInfo) -> Self {
        Self { provider, access_token: access_token.into(), refresh_token: refresh_token.into() }
    }
}
