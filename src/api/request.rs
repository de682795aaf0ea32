//! What operations need to know of a request besides its parameters.

use poem::{FromRequest, Request, RequestBody, Result, http::header};

use super::{bounded_json, media::Media};
use crate::error::Error;

/// Ties a response to the log. A UUID without hyphens, made by the server.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

impl<'a> FromRequest<'a> for RequestId {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        Ok(request.data::<Self>().cloned().unwrap_or_else(|| Self(String::new())))
    }
}

/// The operation takes no body. Nothing, `null` and `{}` are no body, whatever client generators make of that.
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
        if !request.content_type().is_some_and(Media::is_json_body) {
            return Err(Error::UnsupportedMediaType.into());
        }
        match content {
            b"null" | b"{}" => Ok(Self),
            _ => Err(Error::InvalidArgument("This operation takes no body; send none, or null.".into()).into()),
        }
    }
}

/// Where the client reached us, for absolute links: `http://127.0.0.1:8080`. The host is the one that the request names,
/// which has been checked, or where it names none, the address that it came to.
#[derive(Clone, Debug)]
pub struct BaseUrl(pub String);

impl<'a> FromRequest<'a> for BaseUrl {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        let named = request.header(header::HOST).filter(|host| !host.is_empty()).map(str::to_owned);
        let own = || request.local_addr().as_socket_addr().map(ToString::to_string);
        let host = named.or_else(own).unwrap_or_else(|| "localhost".to_owned());
        Ok(Self(format!("{}://{host}", request.scheme())))
    }
}
