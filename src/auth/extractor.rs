//! Makes the caller the first argument of an operation, so that the operation and the OpenAPI document require
//! credentials.

use std::{ops::Deref, sync::Arc};

use poem::{Request, RequestBody, Result};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaSecurityScheme, Registry},
};

use super::{Authenticated, Authenticator, session::SESSION_COOKIE, source_of};
use crate::{error::Error, metrics, users::Caller};

const SCHEMES: [&str; 4] = ["Basic", "SoTicket", "Bearer", SESSION];
/// The security scheme of the session cookie.
pub const SESSION: &str = "Session";
/// The security scheme of the header that must accompany the session cookie.
pub const XSRF: &str = "XsrfToken";

/// A caller who may use the User agent: every caller of an onsite installation; in an online installation, callers of
/// an application with that right.
pub struct AgentCaller(Authenticated);

impl Deref for AgentCaller {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0.caller
    }
}

impl AgentCaller {
    pub fn into_caller(self) -> Caller {
        self.0.caller
    }

    /// The caller with the credentials of the request.
    pub fn into_authenticated(self) -> Authenticated {
        self.0
    }
}

async fn authenticated(request: &Request) -> Result<(Authenticated, &Authenticator), Error> {
    let authenticator = request.data::<Arc<Authenticator>>();
    let authenticator = authenticator.ok_or_else(|| Error::internal("the request has no Authenticator"))?;
    let mut authenticated = authenticator.authenticate(request).await?;
    authenticated.caller.source = source_of(request);
    metrics::note_caller(authenticated.caller.user_id);
    Ok((authenticated, authenticator))
}

/// Implements `ApiExtractor` for a type that stands for the caller.
macro_rules! first_argument {
    ($type:ty, $take:expr) => {
        impl<'a> ApiExtractor<'a> for $type {
            const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

            type ParamType = ();
            type ParamRawType = ();

            fn register(registry: &mut Registry) {
                register_schemes(registry);
            }

            fn security_schemes() -> Vec<&'static str> {
                SCHEMES.to_vec()
            }

            async fn from_request(
                request: &'a Request,
                _: &mut RequestBody,
                _: ExtractParamOptions<()>,
            ) -> Result<Self> {
                let (authenticated, authenticator) = authenticated(request).await?;
                let take: fn(Authenticated, &Authenticator) -> Result<Self, Error> = $take;
                Ok(take(authenticated, authenticator)?)
            }
        }
    };
}

first_argument!(Authenticated, |authenticated, _| Ok(authenticated));
first_argument!(Caller, |authenticated, _| Ok(authenticated.caller));
first_argument!(AgentCaller, |authenticated, authenticator| {
    match authenticator.may_use_user_agent(&authenticated) {
        true => Ok(Self(authenticated)),
        false => Err(Error::UserAgentRestricted),
    }
});

impl Authenticator {
    /// Whether a caller may use the User agent.
    fn may_use_user_agent(&self, authenticated: &Authenticated) -> bool {
        self.installation.opens_user_agent() || authenticated.has_user_agent
    }

    /// Checks whether a caller may use an agent. Only the User agent can be restricted.
    ///
    /// # Errors
    /// [`Error::UserAgentRestricted`].
    pub fn check_agent(&self, authenticated: &Authenticated, agent: &str) -> Result<(), Error> {
        match agent.eq_ignore_ascii_case("User") && !self.may_use_user_agent(authenticated) {
            true => Err(Error::UserAgentRestricted),
            false => Ok(()),
        }
    }
}

fn register_schemes(registry: &mut Registry) {
    let [basic, so_ticket, bearer, session] = SCHEMES;
    registry.create_security_scheme(
        basic,
        MetaSecurityScheme {
            ty: "http",
            scheme: Some("basic"),
            description: Some("The user's Name or UserName, and the password. Not allowed in an online installation."),
            ..NO_SCHEME
        },
    );
    registry.create_security_scheme(
        so_ticket,
        MetaSecurityScheme {
            ty: "apiKey",
            name: Some("Authorization"),
            key_in: Some("header"),
            description: Some(
                "A ticket after the name of the scheme: `SoTicket 7T:…`. `POST /_ext/session` returns one. It is valid \
                 for six hours after its last use. In an online installation the request also needs the header \
                 SO-AppToken. Authorize with only one of Basic, SoTicket and Bearer: they use the same header.",
            ),
            ..NO_SCHEME
        },
    );
    registry.create_security_scheme(
        bearer,
        MetaSecurityScheme {
            ty: "http",
            scheme: Some("bearer"),
            bearer_format: Some("8A:… or JWT"),
            description: Some(
                "An access token, valid for one hour: `GET /api/v1/User/currentToken` returns one. Or a JWT of the \
                 identity provider, if the server has one configured.",
            ),
            ..NO_SCHEME
        },
    );
    registry.create_security_scheme(
        session,
        MetaSecurityScheme {
            ty: "apiKey",
            name: Some(SESSION_COOKIE),
            key_in: Some("cookie"),
            description: Some(
                "The session that `POST /_ext/session` starts. The browser sends the cookie automatically. Without \
                 Authorization the request also needs the header X-XSRF-TOKEN.",
            ),
            ..NO_SCHEME
        },
    );
    registry.create_security_scheme(
        XSRF,
        MetaSecurityScheme {
            ty: "apiKey",
            name: Some("X-XSRF-TOKEN"),
            key_in: Some("header"),
            description: Some("The value of the cookie XSRF-TOKEN. Swagger UI sends it automatically."),
            ..NO_SCHEME
        },
    );
}

const NO_SCHEME: MetaSecurityScheme = MetaSecurityScheme {
    ty: "",
    description: None,
    name: None,
    key_in: None,
    scheme: None,
    bearer_format: None,
    flows: None,
    openid_connect_url: None,
};
