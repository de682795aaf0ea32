//! Who reads an answer: in which media type, and how values read there. Made once for each request.

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use poem::{
    FromRequest, IntoResponse, Request, RequestBody, Response, Result,
    http::{HeaderMap, HeaderName, header},
};
use poem_openapi::{
    ApiResponse, ResponseContent,
    registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchemaRef, Registry},
    types::{ToJSON, Type},
};
use serde_json::Value;

use super::{
    large_answer,
    media::{Accepted, CARRIER, Media},
    select::Select,
    wire, xml,
};
use crate::{
    error::Error,
    localization::{Clock, Language, Locale, UnknownZone, Wishes, Zone},
};

/// What an answer depends on besides its address, for caches.
pub const VARY: &str = "Accept, Accept-Language, SO-Culture, SO-Language, SO-TimeZone";

/// Properties that identify a user or a person. They read the same in every language, whatever they look like. Other texts
/// of a user, such as tooltip and custom fields, are resolved as upstream resolves them (contract §5.1).
const IDENTITY: [&str; 19] = [
    "Firstname",
    "MiddleName",
    "Lastname",
    "FullName",
    "FormalName",
    "Email",
    "EmailAddress",
    "UserName",
    "NickName",
    "Associate",
    "AssociateName",
    // The same in the rows of the list of users:
    "firstName",
    "middleName",
    "lastName",
    "fullName",
    "assocName",
    "userName",
    "ejDisplayName",
    "personEmail",
];

const TIME_ZONE: &str = "SO-TimeZone";
const TIME_ZONE_HEADER: HeaderName = HeaderName::from_static("so-timezone");

/// The client of one request, as a reader of its answer. Stands behind the caller in an operation's arguments: whoever
/// excludes our media types, or names a time zone or a property that is none, is refused before anything is done.
#[derive(Debug)]
pub struct Reader {
    media: Media,
    reading: Reading,
    select: Option<Select>,
}

/// How values read in a request and its answer.
#[derive(Clone, Debug)]
pub struct Reading(Arc<Locale>);

/// Media type, language, culture and clock of an answer: two answers of the same content are equal where these are.
/// Headers that mean the same give equal values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wording {
    media: Media,
    locale: Arc<Locale>,
}

/// An operation's answer: a carrier, written as its reader wants it.
#[derive(Debug)]
pub struct Answer<T> {
    content: Content<T>,
    reader: Reader,
}

#[derive(Debug)]
enum Content<T> {
    Carrier(T),
    /// As this reader reads it already.
    Written(Bytes),
}

impl<'a> FromRequest<'a> for Reader {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        let media = Media::for_client(request.headers()).ok_or(Error::NotAcceptable)?;
        Ok(Self { media, reading: Reading::lent_to(request)?, select: Select::of(request)? })
    }
}

impl Reading {
    /// Makes it of a request's headers, in an installation whose own time zone is `base`.
    ///
    /// # Errors
    /// Nobody knows the time zone.
    pub fn of(headers: &HeaderMap, base: &Zone) -> Result<Self, UnknownZone> {
        let value = |name: &str| {
            let values = headers.get_all(name).iter();
            let texts = values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
            texts.reduce(|one, other| one + "," + &other)
        };
        let values = ["accept-language", "so-language", "so-culture", "so-timezone"].map(value);
        let [accept_language, so_language, so_culture, so_time_zone] =
            [0, 1, 2, 3].map(|index| values[index].as_deref());
        let wishes = Wishes { accept_language, so_language, so_culture, so_time_zone };
        Ok(Self(Arc::new(Locale::new(wishes, base)?)))
    }

    /// Lends it to a request, or the reason why there is none: whoever reads is told, and nobody else.
    pub fn lend(made: Result<Self, UnknownZone>, request: &mut Request) {
        match made {
            Ok(reading) => request.set_data(reading),
            Err(unknown) => request.set_data(unknown),
        }
    }

    fn lent_to(request: &Request) -> Result<Self, Error> {
        if let Some(unknown) = request.data::<UnknownZone>() {
            let message = format!("Header {TIME_ZONE}: {unknown}. All codes are at /api/v1/TimeZone.");
            return Err(Error::InvalidArgument(message));
        }
        let lent = request.data::<Self>().cloned();
        lent.ok_or_else(|| Error::internal("nothing was lent to the request to read by"))
    }

    /// The clock of dates.
    pub fn clock(&self) -> &Clock {
        self.0.clock()
    }
}

/// The client of a request for a list, which may come as a carrier, as lines, or as a table.
pub enum ListReader {
    Carrier(Reader),
    Lines(Reader),
    Table(Reader),
}

/// The media type of JSON Lines.
pub const LINES: &str = "application/jsonl";
/// The media type of CSV.
pub const TABLE: &str = "text/csv";

impl<'a> FromRequest<'a> for ListReader {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> Result<Self> {
        let accepted = Accepted::of(request.headers());
        let carrier = accepted.preferred().map_or(0.0, |media| accepted.quality(media.name()));
        let (lines, table) = (accepted.quality(LINES), accepted.quality(TABLE));
        if carrier >= lines.max(table) {
            return Reader::from_request(request, body).await.map(Self::Carrier);
        }
        let form = if lines >= table { Self::Lines } else { Self::Table };
        Ok(form(Reader { media: Media::Json, reading: Reading::lent_to(request)?, select: None }))
    }
}

impl ListReader {
    /// A point in time as this reader writes it.
    pub fn time(&self, text: &str) -> Option<DateTime<Utc>> {
        let (Self::Carrier(reader) | Self::Lines(reader) | Self::Table(reader)) = self;
        reader.clock().read(text)
    }

    /// The same reader, with texts in this language, if one is named. A table is for people, so that its texts are always
    /// in one language: English where the client wants none.
    pub fn in_language(self, language: Option<Language>) -> Self {
        let change = |reader: Reader, language| match language {
            Some(language) => reader.in_language(language),
            None => reader,
        };
        match self {
            Self::Carrier(reader) => Self::Carrier(change(reader, language)),
            Self::Lines(reader) => Self::Lines(change(reader, language)),
            Self::Table(reader) => {
                let own = reader.locale().language().unwrap_or(Language::US);
                Self::Table(reader.in_language(language.unwrap_or(own)))
            }
        }
    }
}

impl Reader {
    /// The clock that dates read by.
    pub fn clock(&self) -> &Clock {
        self.reading.clock()
    }

    fn locale(&self) -> &Locale {
        &self.reading.0
    }

    /// The same reader, in this form if there is one.
    pub fn in_format(self, media: Option<Media>) -> Self {
        Self { media: media.unwrap_or(self.media), ..self }
    }

    fn in_language(self, language: Language) -> Self {
        Self { reading: Reading(Arc::new(self.locale().in_language(language))), ..self }
    }

    /// Whether the answer is XML.
    pub fn is_xml(&self) -> bool {
        self.media.is_xml()
    }

    /// The answer that has this carrier as its body.
    pub fn answer<T>(self, carrier: T) -> Answer<T> {
        Answer { content: Content::Carrier(carrier), reader: self }
    }

    /// The answer whose body was written for a reader of the same wording.
    pub fn written<T>(self, body: Bytes) -> Answer<T> {
        Answer { content: Content::Written(body), reader: self }
    }

    /// How this reader reads; none who wants a part only.
    pub fn wording(&self) -> Option<Wording> {
        self.select.is_none().then(|| Wording { media: self.media, locale: Arc::clone(&self.reading.0) })
    }

    /// A carrier as this reader gets it.
    pub fn write<T: ToJSON>(&self, carrier: &T) -> String {
        self.write_content(self.content(carrier), T::schema_ref)
    }

    /// What a carrier says to this reader, with texts as they are stored.
    pub fn content(&self, carrier: &impl ToJSON) -> Value {
        let mut value = wire::by_the_clock(self.clock(), || carrier.to_json()).unwrap_or_default();
        if let Some(select) = &self.select {
            select.cut(&mut value);
        }
        value
    }

    /// The same with its texts in the reader's language.
    pub fn resolve(&self, mut content: Value) -> Value {
        if self.locale().language().is_some() {
            resolve(&mut content, self.locale());
        }
        content
    }

    fn write_content(&self, content: Value, schema: fn() -> MetaSchemaRef) -> String {
        let value = self.resolve(content);
        if self.media.is_xml() { xml::write(&schema(), &value) } else { value.to_string() }
    }

    /// Says in a response how its values read.
    pub fn mark(&self, response: &mut Response) {
        let zone = self.clock().zone().name().parse();
        response.headers_mut().extend(zone.ok().map(|zone| (TIME_ZONE_HEADER, zone)));
        let language = self.locale().language().and_then(|language| language.iso().parse().ok());
        response.headers_mut().extend(language.map(|language| (header::CONTENT_LANGUAGE, language)));
    }
}

/// Resolves every text in a value, but for what identifies a person.
fn resolve(value: &mut Value, locale: &Locale) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(resolved) = locale.resolve(text) {
                *text = resolved;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| resolve(item, locale)),
        Value::Object(members) => {
            // Only there, `Name` is what a user is called; elsewhere it is that of an item of a list.
            let is_user = members.contains_key("AssociateId");
            for (name, member) in members {
                let is_identity = IDENTITY.contains(&name.as_str()) || (is_user && name == "Name");
                if !(is_identity && member.is_string()) {
                    resolve(member, locale);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl<T: ToJSON> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let Self { content, reader } = self;
        let mut response = Response::builder().content_type(reader.media.content_type()).finish();
        reader.mark(&mut response);
        match content {
            Content::Carrier(carrier) => {
                let content = reader.content(&carrier);
                let text_bytes = large_answer::text_bytes(&content);
                let schema: fn() -> MetaSchemaRef = T::schema_ref;
                let work = move || reader.write_content(content, schema);
                large_answer::set_body(&mut response, text_bytes, work);
            }
            Content::Written(body) => response.set_body(body),
        }
        response
    }
}

impl<T: Type> ResponseContent for Answer<T> {
    fn media_types() -> Vec<MetaMediaType> {
        CARRIER.map(|media| MetaMediaType { content_type: media.name(), schema: T::schema_ref() }).into()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: ToJSON> ApiResponse for Answer<T> {
    fn meta() -> MetaResponses {
        let content = <Self as ResponseContent>::media_types();
        let ok = MetaResponse { description: "", status: Some(200), status_range: None, content, headers: vec![] };
        MetaResponses { responses: vec![ok] }
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}
