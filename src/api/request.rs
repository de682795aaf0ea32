//! What operations need to know of a request besides its parameters.

use poem::{FromRequest, Request, RequestBody, Result, http::header, web::Accept};

use crate::error::Error;

/// Ties a response to the log. A UUID without hyphens, made by the server.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

impl<'a> FromRequest<'a> for RequestId {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        Ok(request.data::<Self>().cloned().unwrap_or_else(|| Self(String::new())))
    }
}

/// The client takes JSON: it says so, or says nothing. Stands behind the caller in an operation's arguments.
#[derive(Clone, Copy, Debug)]
pub struct AcceptsJson;

impl<'a> FromRequest<'a> for AcceptsJson {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> Result<Self> {
        // QUIRK: an empty Accept means anything. Seen in: contract §1.3, where the client sends empty header values.
        // Until: it stops.
        let says_nothing = request.header(header::ACCEPT).is_none_or(|accept| accept.trim().is_empty());
        let Accept(accepted) = Accept::from_request(request, body).await?;
        // Of the ranges that JSON falls into, the narrowest decides; a quality of 0 is a refusal.
        let decisive = accepted.iter().filter(|range| is_json(range)).min_by_key(|range| breadth(range));
        let is_refused = |range: &mime::Mime| range.get_param("q").is_some_and(|q| q.as_str().parse() == Ok(0.0_f32));
        let takes_json = decisive.is_some_and(|range| !is_refused(range));
        if says_nothing || takes_json { Ok(Self) } else { Err(Error::NotAcceptable.into()) }
    }
}

/// How much else a media range takes in.
fn breadth(range: &mime::Mime) -> u8 {
    u8::from(range.type_() == mime::STAR) + u8::from(range.subtype() == mime::STAR)
}

fn is_json(media: &mime::Mime) -> bool {
    matches!(
        (media.type_().as_str(), media.subtype().as_str()),
        ("application" | "text" | "*", "*") | ("application" | "text", "json")
    )
}

/// The operation takes no body. Nothing, `null` and `{}` are no body, whatever client generators make of that.
#[derive(Clone, Copy, Debug)]
pub struct NoBody;

impl<'a> FromRequest<'a> for NoBody {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> Result<Self> {
        let bytes =
            body.take()?.into_bytes().await.map_err(|_| Error::InvalidArgument("The body ends early.".into()))?;
        let content = bytes.trim_ascii();
        if content.is_empty() {
            return Ok(Self);
        }
        let media = request.content_type().and_then(|media| media.parse::<mime::Mime>().ok());
        if !media.as_ref().is_some_and(is_json) {
            return Err(Error::UnsupportedMediaType.into());
        }
        match content {
            b"null" | b"{}" => Ok(Self),
            _ => Err(Error::InvalidArgument("This operation takes no body; send none, or null.".into()).into()),
        }
    }
}

/// Where the client reached us, for absolute links: `http://127.0.0.1:8080`.
#[derive(Clone, Debug)]
pub struct BaseUrl(pub String);

impl<'a> FromRequest<'a> for BaseUrl {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        let host = request.header(header::HOST).unwrap_or("localhost");
        Ok(Self(format!("{}://{host}", request.scheme())))
    }
}
