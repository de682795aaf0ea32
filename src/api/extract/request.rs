//! Inputs besides parameters and bodies: the absence of a body, and the base URL.

use poem::{FromRequest, Request, RequestBody, Result, http::header};

use super::bounded_json;
use crate::{api::respond::content_negotiation::MediaType, auth::TenantPrefix, error::Error};

/// Marks an operation without a request body. An empty body, `null` and `{}` are accepted, because generated clients
/// may send them.
#[derive(Clone, Copy, Debug)]
pub struct NoBody;

impl<'a> FromRequest<'a> for NoBody {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> Result<Self> {
        let bytes =
            body.take()?.into_bytes().await.map_err(|_| Error::InvalidArgument("The body ends early.".into()))?;
        let content = bounded_json::trimmed(&bytes);
        if content.is_empty() {
            return Ok(Self);
        }
        if !request.content_type().is_some_and(MediaType::is_json_body) {
            return Err(Error::UnsupportedMediaType.into());
        }
        match content {
            b"null" | b"{}" => Ok(Self),
            _ => Err(Error::InvalidArgument("This operation takes no body; send none, or null.".into()).into()),
        }
    }
}

/// The base of absolute links, such as `http://127.0.0.1:8080`. The host comes from the Host header, which is checked
/// before; without that header, it is the local address of the connection.
///
/// With a tenant in the path of the request, links begin with it, too: `http://127.0.0.1:8080/Cust12345`.
#[derive(Clone, Debug)]
pub struct BaseUrl(pub String);

/// [`BaseUrl`] without a tenant.
#[derive(Clone, Debug)]
pub struct RootUrl(pub String);

impl<'a> FromRequest<'a> for BaseUrl {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        let root = RootUrl::from_request_without_body(request).await?.0;
        let prefix = request.data::<TenantPrefix>().map(|prefix| prefix.0.as_str()).unwrap_or_default();
        Ok(Self(format!("{root}{prefix}")))
    }
}

impl<'a> FromRequest<'a> for RootUrl {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        let named = request.header(header::HOST).filter(|host| !host.is_empty()).map(str::to_owned);
        let local = || request.local_addr().as_socket_addr().map(ToString::to_string);
        let host = named.or_else(local).unwrap_or_else(|| "localhost".to_owned());
        Ok(Self(format!("{}://{host}", request.scheme())))
    }
}
