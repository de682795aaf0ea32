//! Who may call, as the first argument of an operation: it stands in its signature, and so in the document.

use std::{ops::Deref, sync::Arc};

use poem::{Request, RequestBody, Result};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaSecurityScheme, Registry},
};

use super::{Authenticated, Authenticator, session::SESSION_COOKIE};
use crate::{error::Error, users::Caller, watch};

const SCHEMES: [&str; 4] = ["Basic", "SoTicket", "Bearer", SESSION];
/// A cookie.
pub const SESSION: &str = "Session";
/// What a session needs beside its cookie.
pub const XSRF: &str = "XsrfToken";

/// A caller who may use the User agent: everybody on the premises; elsewhere one whose application was granted it.
#[derive(Clone, Debug)]
pub struct UserAgent(Caller);

impl Deref for UserAgent {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl UserAgent {
    pub fn into_caller(self) -> Caller {
        self.0
    }
}

async fn authenticated(request: &Request) -> Result<(Authenticated, &Authenticator), Error> {
    let authenticator = request.data::<Arc<Authenticator>>();
    let authenticator = authenticator.ok_or_else(|| Error::internal("no authenticator was lent to the request"))?;
    let authenticated = authenticator.authenticate(request).await?;
    watch::note_caller(authenticated.caller.user_id);
    Ok((authenticated, authenticator))
}

/// Makes a type the first argument of operations.
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
first_argument!(UserAgent, |authenticated, authenticator| {
    match authenticator.installation.opens_user_agent() || authenticated.has_user_agent {
        true => Ok(Self(authenticated.caller)),
        false => Err(Error::UserAgentRestricted),
    }
});

fn register_schemes(registry: &mut Registry) {
    let [basic, so_ticket, bearer, session] = SCHEMES;
    registry.create_security_scheme(
        basic,
        MetaSecurityScheme {
            ty: "http",
            scheme: Some("basic"),
            description: Some("A user's Name or UserName, and password. Not in an online installation."),
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
                "A ticket, with the name of the scheme before it: `SoTicket 7T:…`. `POST /_ext/session` answers one. It \
                 is valid for six hours after its last use. In an online installation SO-AppToken must stand beside it. \
                 Authorise with one of Basic, SoTicket and Bearer: they use the same header.",
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
                "An access token, valid for one hour: `GET /api/v1/User/currentToken` answers one. Or a JWT of the \
                 identity provider, where the server is set up with one.",
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
                "The session that `POST /_ext/session` begins; the browser sends it by itself. X-XSRF-TOKEN must stand \
                 beside it, unless there is an Authorization.",
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
            description: Some("The value of the cookie XSRF-TOKEN. Swagger UI sends it by itself."),
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
