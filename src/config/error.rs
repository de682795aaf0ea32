//! Errors in settings.

use std::{io, path::PathBuf};

/// An error in a setting.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("there is no setting {name}{suggestion}")]
    Unknown { name: String, suggestion: String },
    #[error("{0} and {0}_FILE are both set; keep one")]
    Twice(&'static str),
    #[error("the file {} of {name}_FILE cannot be read: {cause}", file.display())]
    Unreadable { name: &'static str, file: PathBuf, cause: io::Error },
    #[error("{0} is not valid UTF-8")]
    NotUtf8(&'static str),
    #[error("{0} is empty; give it a value or do not set it")]
    Empty(&'static str),
    #[error(transparent)]
    Exposed(#[from] ExposedFile),
    #[error("{set} is set without {missing}; set both for TLS, or none")]
    TlsIncomplete { set: &'static str, missing: &'static str },
    #[error(
        "an identity provider needs KOMMANDO_OIDC_ISSUER, KOMMANDO_OIDC_AUDIENCE and KOMMANDO_OIDC_JWKS_URL; also set \
         {0}, or set none of them"
    )]
    ProviderIncomplete(&'static str),
}

/// A file with a secret that other users can read or change.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the file {file} holds a secret, and others can read or change it (mode {mode:04o}): `chmod 600 {file}`, or 640 for a \
     group that may read it; where a container mounts it as a secret, set the mode of the mount to 0400 or 0440 \
     (Kubernetes: defaultMode)", file = .path.display()
)]
pub struct ExposedFile {
    pub path: PathBuf,
    pub mode: u32,
}
