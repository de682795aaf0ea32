//! `Caller` as the first argument of an operation: who may call stands in its signature, and so in the document.

use std::sync::Arc;

use poem::{Request, RequestBody, Result, http::header};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaSecurityScheme, Registry},
};

use super::Authenticator;
use crate::{error::Error, users::Caller};

const BASIC: &str = "Basic";
const SO_TICKET: &str = "SoTicket";

impl<'a> ApiExtractor<'a> for Caller {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        registry.create_security_scheme(
            BASIC,
            MetaSecurityScheme {
                ty: "http",
                scheme: Some("basic"),
                description: Some("A user's Name or UserName, and password."),
                ..NO_SCHEME
            },
        );
        registry.create_security_scheme(
            SO_TICKET,
            MetaSecurityScheme {
                ty: "apiKey",
                name: Some("Authorization"),
                key_in: Some("header"),
                description: Some(
                    "A ticket, with the name of the scheme before it: `SoTicket 7T:…`. `kommando ticket issue` makes \
                     one. It is valid for six hours after its last use. Authorise with this or with Basic, not with \
                     both: they use the same header.",
                ),
                ..NO_SCHEME
            },
        );
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![BASIC, SO_TICKET]
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> Result<Self> {
        let Some(authenticator) = request.data::<Arc<Authenticator>>() else {
            return Err(Error::internal("no authenticator is attached to the endpoint").into());
        };
        let authorization = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        Ok(authenticator.authenticate(authorization.ok_or(Error::Unauthenticated)?).await?)
    }
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
