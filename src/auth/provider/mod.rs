//! JWTs of an identity provider, in the place of access tokens of our own: what they must say, and whom they name.
//!
//! The provider proves who somebody is. Whether there is such a user, with which role, and whether access has ended is
//! known here alone.

mod algorithm;
mod claims;
mod fetch;
mod key_set;
mod keys;
mod log_limit;

use std::{fmt, sync::Arc, time::Instant};

use jsonwebtoken::{Header, Validation, decode, decode_header, errors::ErrorKind};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

pub use algorithm::Algorithm;
pub use fetch::{FetchError, KeysUrl};

use self::{
    claims::Claims,
    fetch::Source,
    keys::{Keys, Unreachable},
    log_limit::LogLimit,
};
use super::{Authenticated, Authenticator, Proof};
use crate::{
    error::Error,
    users::{self, Caller, application},
};

/// How far the clocks may differ.
const LEEWAY_SECONDS: u64 = 30;
/// A provider may let everybody state any address: it counts only when the provider says that it is theirs.
const EMAIL: &str = "email";
const EMAIL_VERIFIED: &str = "email_verified";

/// Which provider is believed, and what of its tokens.
#[derive(Clone, Debug)]
pub struct Settings {
    pub issuer: String,
    /// One of them must be among those whom a token is for.
    pub audiences: Vec<String>,
    pub keys: KeysUrl,
    /// The claim that is the user's Name or UserName, byte by byte.
    pub claim: String,
    pub algorithms: Vec<Algorithm>,
}

/// An identity provider.
#[derive(Clone)]
pub struct Provider {
    settings: Settings,
    keys: Keys,
    refusals: Arc<LogLimit>,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Provider").field(&self.settings).finish()
    }
}

/// Why a token proves nothing: for the log alone.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("{0}")]
    Wrong(String),
    #[error("a member of its header is given twice")]
    Twice,
    #[error("its algorithm is not allowed")]
    Algorithm,
    #[error("it asks for an extension that is not known here")]
    Extension,
    #[error("its key is not among the provider's")]
    Key,
    #[error("it has no text as {0}")]
    Claim(String),
    #[error("its address was not verified by the provider")]
    Unverified,
}

impl From<jsonwebtoken::errors::Error> for Refusal {
    /// Without what stands in the token.
    fn from(error: jsonwebtoken::errors::Error) -> Self {
        Self::Wrong(match error.kind() {
            ErrorKind::InvalidToken => "it is no JWT".to_owned(),
            ErrorKind::InvalidSignature => "its signature is not that of the key".to_owned(),
            ErrorKind::ExpiredSignature => "it has expired (exp)".to_owned(),
            ErrorKind::ImmatureSignature => "it is not valid yet (nbf)".to_owned(),
            ErrorKind::InvalidIssuer => "its iss is not KOMMANDO_OIDC_ISSUER".to_owned(),
            ErrorKind::InvalidAudience => "its aud names none of KOMMANDO_OIDC_AUDIENCE".to_owned(),
            ErrorKind::MissingRequiredClaim(claim) => format!("it has no {claim}"),
            ErrorKind::Json(_) => "a part of it is not the JSON that it should be".to_owned(),
            ErrorKind::Base64(_) | ErrorKind::Utf8(_) => "a part of it is not base64url of a text".to_owned(),
            kind => format!("{kind:?}"),
        })
    }
}

impl Provider {
    /// Nothing is fetched before the first token.
    ///
    /// # Errors
    /// The system's certificates cannot be read.
    pub fn new(settings: Settings) -> Result<Self, FetchError> {
        let keys = Keys::new(Source::new(settings.keys.clone())?);
        Ok(Self { settings, keys, refusals: Arc::default() })
    }

    /// The name of the user to whom the provider gave this token.
    async fn name(&self, token: &str) -> Result<Result<String, Refusal>, Unreachable> {
        let (header, algorithm) = match self.header(token) {
            Ok(header) => header,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let keys = self.keys.find(header.kid.as_deref(), algorithm).await?;
        let validation = self.validation(algorithm);
        let mut refusal = Refusal::Key;
        for key in keys {
            match decode::<Claims>(token, key.verifies(), &validation) {
                Ok(token) => return Ok(self.name_in(&token.claims)),
                Err(error) => refusal = error.into(),
            }
        }
        Ok(Err(refusal))
    }

    /// What the token says of itself, as far as that is allowed. What it says of where keys are is not looked at.
    fn header(&self, token: &str) -> Result<(Header, Algorithm), Refusal> {
        let header = decode_header(token)?;
        claims::check_header(token).map_err(|_| Refusal::Twice)?;
        if header.crit.is_some() {
            return Err(Refusal::Extension);
        }
        let allowed = self.settings.algorithms.iter().find(|one| jsonwebtoken::Algorithm::from(**one) == header.alg);
        Ok((header, *allowed.ok_or(Refusal::Algorithm)?))
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

    fn name_in(&self, claims: &Claims) -> Result<String, Refusal> {
        let claim = &self.settings.claim;
        let name = claims.get(claim).and_then(Value::as_str).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| Refusal::Claim(claim.clone()))?;
        if claim == EMAIL && claims.get(EMAIL_VERIFIED) != Some(&Value::Bool(true)) {
            return Err(Refusal::Unverified);
        }
        Ok(name.to_owned())
    }
}

impl Authenticator {
    /// A token that is none of our own: the identity provider's, where there is one.
    pub(super) async fn by_provider(
        &self,
        presented: SecretString,
        application: Option<application::Model>,
    ) -> Result<Authenticated, Error> {
        let Some(provider) = &self.provider else {
            tracing::debug!("a token that is none of ours, and there is no identity provider");
            return Err(Error::Unauthenticated);
        };
        let judged =
            provider.name(presented.expose_secret()).await.map_err(|Unreachable| Error::ProviderUnreachable)?;
        let name = judged.map_err(|refusal| {
            if let Some(left_out) = provider.refusals.admit(Instant::now()) {
                tracing::info!(reason = %refusal, left_out, "JWT rejected");
            }
            Error::Unauthenticated
        })?;
        let user = users::find_by_exact_login(self.store.reader(), &name).await?;
        let Some(caller) = user.as_ref().and_then(Caller::of) else {
            if let Some(left_out) = provider.refusals.admit(Instant::now()) {
                let reason = match user {
                    Some(_) => "its user is retired",
                    None => "no user here has its name",
                };
                tracing::info!(user_id = user.map(|user| user.user.id), reason, left_out, "JWT rejected");
            }
            return Err(Error::Unauthenticated);
        };
        Ok(Authenticated::new(caller, application, Proof::Bearer(presented)))
    }
}
