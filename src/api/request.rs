//! What operations need to know of a request besides its parameters.

use poem::{FromRequest, Request, RequestBody, Result, http::header};

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
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        if Accepted::of(request).quality("json") > 0.0 { Ok(Self) } else { Err(Error::NotAcceptable.into()) }
    }
}

/// How the client takes a list: as JSON, unless it prefers lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListFormat {
    Json,
    Lines,
}

impl<'a> FromRequest<'a> for ListFormat {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        let accepted = Accepted::of(request);
        let (json, lines) = (accepted.quality("json"), accepted.quality("jsonl"));
        match lines > json {
            true => Ok(Self::Lines),
            false if json > 0.0 => Ok(Self::Json),
            false => Err(Error::NotAcceptable.into()),
        }
    }
}

/// The media ranges that a client takes.
struct Accepted(Vec<mime::Mime>);

impl Accepted {
    fn of(request: &Request) -> Self {
        // QUIRK: an empty Accept means anything. Seen in: contract §1.3, where the client sends empty header values.
        // Until: it stops.
        let says_nothing = request.header(header::ACCEPT).is_none_or(|accept| accept.trim().is_empty());
        if says_nothing {
            return Self(vec![mime::STAR_STAR]);
        }
        let values = request.headers().get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        Self(values.flat_map(|value| value.split(',')).filter_map(|range| range.trim().parse().ok()).collect())
    }

    /// How much the client likes `application/…` of this subtype. Of the ranges it falls into, the narrowest decides.
    fn quality(&self, subtype: &str) -> f32 {
        let decisive = self.0.iter().filter(|range| includes(range, subtype)).min_by_key(|range| breadth(range));
        let quality = |range: &mime::Mime| match range.get_param("q") {
            Some(quality) => quality.as_str().parse().unwrap_or(0.0),
            None => 1.0,
        };
        decisive.map_or(0.0, quality)
    }
}

/// The range takes in the subtype, under `application`, or `text` as upstream lists it.
fn includes(range: &mime::Mime, subtype: &str) -> bool {
    let (kind, own) = (range.type_(), range.subtype());
    let is_kind = [mime::STAR, mime::APPLICATION, mime::TEXT].contains(&kind);
    is_kind && (own == mime::STAR || own.as_str() == subtype) && (kind != mime::STAR || own == mime::STAR)
}

/// How much else a media range takes in.
fn breadth(range: &mime::Mime) -> u8 {
    u8::from(range.type_() == mime::STAR) + u8::from(range.subtype() == mime::STAR)
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
        if !media.as_ref().is_some_and(|media| includes(media, "json")) {
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
