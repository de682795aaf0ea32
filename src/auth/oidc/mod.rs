//! Authentication by JWTs of an identity provider.
//!
//! The provider only identifies the user. Whether the user exists and is active, and which role the user has, is
//! decided by our database.

mod algorithm;
mod claims;
mod jwks;
mod jwks_cache;
mod jwks_client;
mod log_limit;
mod ring_verifier;

use std::{fmt, sync::Arc, time::Instant};

use jsonwebtoken::{Header, Validation, decode, decode_header, errors::ErrorKind};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

pub use algorithm::Algorithm;
pub use jwks_client::{FetchError, JwksUrl};

use self::{
    claims::Claims,
    jwks_cache::{JwksCache, Unreachable},
    jwks_client::JwksClient,
    log_limit::LogLimit,
};
use super::{Authenticated, Authenticator, Proof};
use crate::{
    error::Error,
    users::{self, Caller, application},
};

/// Allowed clock difference.
const LEEWAY_SECONDS: u64 = 30;
/// Some providers let users enter any address, so `email` requires `email_verified`.
const EMAIL: &str = "email";
const EMAIL_VERIFIED: &str = "email_verified";

/// The trusted provider and the requirements on its tokens.
#[derive(Clone, Debug)]
pub struct Settings {
    pub issuer: String,
    /// A token's `aud` must contain at least one of these.
    pub audiences: Vec<String>,
    pub keys: JwksUrl,
    /// The claim with the user's Name or UserName. It must match byte for byte.
    pub claim: String,
    pub algorithms: Vec<Algorithm>,
}

/// An identity provider.
#[derive(Clone)]
pub struct Provider {
    settings: Settings,
    keys: JwksCache,
    log_limit: Arc<LogLimit>,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Provider").field(&self.settings).finish()
    }
}

/// Why a token was rejected. Only for the log.
#[derive(Debug, thiserror::Error)]
enum TokenError {
    #[error("{0}")]
    Invalid(String),
    #[error("its header has a duplicate member")]
    DuplicateMember,
    #[error("its algorithm is not allowed")]
    Algorithm,
    #[error("it requires an unknown extension (crit)")]
    Extension,
    #[error("its key is not one of the provider's")]
    UnknownKey,
    #[error("its claim {0} is missing or not a string")]
    Claim(String),
    #[error("its address is not verified (email_verified)")]
    Unverified,
}

impl From<jsonwebtoken::errors::Error> for TokenError {
    /// Leaves out all content of the token.
    fn from(error: jsonwebtoken::errors::Error) -> Self {
        Self::Invalid(match error.kind() {
            ErrorKind::InvalidToken => "it is not a JWT".to_owned(),
            ErrorKind::InvalidSignature => "its signature is invalid".to_owned(),
            ErrorKind::ExpiredSignature => "it has expired (exp)".to_owned(),
            ErrorKind::ImmatureSignature => "it is not valid yet (nbf)".to_owned(),
            ErrorKind::InvalidIssuer => "its iss is not KOMMANDO_OIDC_ISSUER".to_owned(),
            ErrorKind::InvalidAudience => "its aud contains none of KOMMANDO_OIDC_AUDIENCE".to_owned(),
            ErrorKind::MissingRequiredClaim(claim) => format!("it has no {claim}"),
            ErrorKind::Json(_) => "a part of it is not the expected JSON".to_owned(),
            ErrorKind::Base64(_) | ErrorKind::Utf8(_) => "a part of it is not base64url of UTF-8 text".to_owned(),
            kind => format!("{kind:?}"),
        })
    }
}

impl Provider {
    /// Does not fetch the keys yet; the first token does.
    ///
    /// # Errors
    /// The system's certificates cannot be read.
    pub fn new(settings: Settings) -> Result<Self, FetchError> {
        ring_verifier::install();
        let keys = JwksCache::new(JwksClient::new(settings.keys.clone())?);
        Ok(Self { settings, keys, log_limit: Arc::default() })
    }

    /// Verifies a token and returns the user's name in it.
    async fn name(&self, token: &str) -> Result<Result<String, TokenError>, Unreachable> {
        let (header, algorithm) = match self.header(token) {
            Ok(header) => header,
            Err(error) => return Ok(Err(error)),
        };
        let keys = self.keys.find(header.kid.as_deref(), algorithm).await?;
        let validation = self.validation(algorithm);
        let mut last_error = TokenError::UnknownKey;
        for key in keys {
            match decode::<Claims>(token, key.decoding_key(), &validation) {
                Ok(token) => return Ok(self.name_in(&token.claims)),
                Err(error) => last_error = error.into(),
            }
        }
        Ok(Err(last_error))
    }

    /// Checks the token's header. Members that point to keys, such as `jku`, are ignored.
    fn header(&self, token: &str) -> Result<(Header, Algorithm), TokenError> {
        let header = decode_header(token)?;
        claims::check_header(token).map_err(|_| TokenError::DuplicateMember)?;
        if header.crit.is_some() {
            return Err(TokenError::Extension);
        }
        let allowed = self.settings.algorithms.iter().find(|one| jsonwebtoken::Algorithm::from(**one) == header.alg);
        Ok((header, *allowed.ok_or(TokenError::Algorithm)?))
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm.into());
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.settings.issuer]);
        validation.set_audience(&self.settings.audiences);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation
    }

    fn name_in(&self, claims: &Claims) -> Result<String, TokenError> {
        let claim = &self.settings.claim;
        let name = claims.get(claim).and_then(Value::as_str).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| TokenError::Claim(claim.clone()))?;
        if claim == EMAIL && claims.get(EMAIL_VERIFIED) != Some(&Value::Bool(true)) {
            return Err(TokenError::Unverified);
        }
        Ok(name.to_owned())
    }
}

impl Authenticator {
    /// Authenticates by a JWT of the identity provider, if one is configured.
    pub(super) async fn by_provider(
        &self,
        presented: SecretString,
        application: Option<application::Model>,
    ) -> Result<Authenticated, Error> {
        let Some(provider) = &self.provider else {
            tracing::debug!("bearer token of unknown form, and no identity provider is configured");
            return Err(Error::Unauthenticated);
        };
        let verified =
            provider.name(presented.expose_secret()).await.map_err(|Unreachable| Error::ProviderUnreachable)?;
        let name = verified.map_err(|error| {
            if let Some(left_out) = provider.log_limit.admit(Instant::now()) {
                tracing::info!(reason = %error, left_out, "JWT rejected");
            }
            Error::Unauthenticated
        })?;
        let user = users::find_by_exact_login(self.store.reader(), &name).await?;
        let Some(caller) = user.as_ref().and_then(Caller::of) else {
            if let Some(left_out) = provider.log_limit.admit(Instant::now()) {
                let reason = match user {
                    Some(_) => "its user is retired",
                    None => "no user has its name",
                };
                tracing::info!(user_id = user.map(|user| user.user.id), reason, left_out, "JWT rejected");
            }
            return Err(Error::Unauthenticated);
        };
        Ok(Authenticated::new(caller, application, Proof::Bearer(presented)))
    }
}
