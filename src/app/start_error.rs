//! Errors that prevent the start of the server.

use std::net::SocketAddr;

use super::{audit_key, config_check::finding::FatalFindings, server::tls::TlsError};
use crate::{
    auth::FetchError,
    commands::DefinitionErrors,
    config::ConfigError,
    error::Error,
    store::{FileLockError, OpenError, SchemaError},
    users::{
        CreateError,
        bootstrap::RegisterError,
        password::{PasswordError, PasswordPolicyError},
    },
    webhooks::TargetsError,
};

pub const UNUSABLE_TARGETS: &str = "the file of webhook targets (KOMMANDO_TARGETS or --targets) cannot be used";

/// Why the application cannot be built or served.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Schema(#[from] SchemaError),
    #[error("the command definitions have errors; fix them, and run `kommando config check` to check them:\n{0}")]
    Commands(DefinitionErrors),
    #[error("{0}")]
    Check(FatalFindings),
    #[error("{UNUSABLE_TARGETS}")]
    Targets(#[from] TargetsError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("the HTTP client for the identity provider cannot be created")]
    Provider(#[from] FetchError),
    #[error(transparent)]
    AuditKey(#[from] audit_key::AuditKeyError),
    #[error(transparent)]
    Lock(#[from] FileLockError),
    #[error("the database does not answer")]
    Database(#[from] sea_orm::DbErr),
    #[error("failed to close the runs that an earlier process left open")]
    Recover(#[source] Error),
    #[error("cannot serve metrics on {0}; set KOMMANDO_METRICS to another address, or to port 0 for a free port")]
    Metrics(SocketAddr, #[source] std::io::Error),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("failed to create the demo users")]
    Fill(#[from] CreateError),
    #[error("failed to create the first administrator")]
    Register(#[from] RegisterError),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error("KOMMANDO_ADMIN_PASSWORD cannot be the password of the first administrator")]
    AdminPassword(#[from] PasswordPolicyError),
    #[error(
        "the database has users that are not of the demo; use another file with --database-url, or serve it without \
         --demo"
    )]
    NotADemo,
}

impl From<DefinitionErrors> for StartError {
    fn from(errors: DefinitionErrors) -> Self {
        Self::Commands(errors)
    }
}
