//! The format of a response: media type, language, culture, time zone, and the selected properties.

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
    content_negotiation::{AcceptHeader, MediaType, RESPONSE_TYPES},
    large_response::{self, LongListPermit},
    xml,
};
use crate::{
    api::{extract::odata_select::FieldSelection, models::datetime},
    error::Error,
    localization::{Clock, Language, Locale, LocalePreferences, UnknownZone, Zone},
    users::mdo_list::ASSOCIATE_ITEM,
};

/// The request headers that change a response: the value of `Vary`.
pub const VARY: &str = "Accept, Accept-Language, SO-Culture, SO-Language, SO-TimeZone";

/// Properties that identify a user or a person. They are never translated, even if they look like a multi-language
/// string. Other texts of a user, such as tooltip and custom fields, are translated as upstream does it
/// (docs/upstream.md §5.1).
const IDENTITY: [&str; 23] = [
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
    // The same properties in the rows of the user list.
    "firstName",
    "middleName",
    "lastName",
    "fullName",
    "assocName",
    "userName",
    "ejDisplayName",
    "personEmail",
    "associate.name",
    "associate.userName",
    // With $jsonSafe.
    "associate_name",
    "associate_userName",
];

const TIME_ZONE: &str = "SO-TimeZone";
const TIME_ZONE_HEADER: HeaderName = HeaderName::from_static("so-timezone");

/// The format of the response to one request. Comes right after the caller in the arguments of an operation, so that a
/// request with an unacceptable media type, an unknown time zone or an unknown property is refused before it has
/// effects.
#[derive(Debug)]
pub struct ResponseFormat {
    media: MediaType,
    locale: RequestLocale,
    select: Option<FieldSelection>,
}

/// The language, culture and time zone of a request and its response.
#[derive(Clone, Debug)]
pub struct RequestLocale(Arc<Locale>);

/// A cache key: media type, language, culture and clock. Two responses with the same content and the same key are
/// equal. Headers that mean the same give equal keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FormatKey {
    media: MediaType,
    locale: Arc<Locale>,
}

/// A response body of an operation, with its format.
#[derive(Debug)]
pub struct Formatted<T> {
    content: Content<T>,
    format: ResponseFormat,
    /// Held until the body is written.
    permit: Option<LongListPermit>,
}

#[derive(Debug)]
enum Content<T> {
    Model(T),
    /// A body that is already in the right format.
    Serialized(Bytes),
}

impl<'a> FromRequest<'a> for ResponseFormat {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        let media = MediaType::for_client(request.headers()).ok_or(Error::NotAcceptable)?;
        Ok(Self { media, locale: RequestLocale::of_request(request)?, select: FieldSelection::of(request)? })
    }
}

impl RequestLocale {
    /// Reads the locale from the headers of a request. `base` is the time zone of the installation.
    ///
    /// # Errors
    /// SO-TimeZone names an unknown time zone.
    pub fn of(headers: &HeaderMap, base: &Zone) -> Result<Self, UnknownZone> {
        let value = |name: &str| {
            let values = headers.get_all(name).iter();
            let texts = values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
            texts.reduce(|one, other| one + "," + &other)
        };
        let values = ["accept-language", "so-language", "so-culture", "so-timezone"].map(value);
        let [accept_language, so_language, so_culture, so_time_zone] =
            [0, 1, 2, 3].map(|index| values[index].as_deref());
        let preferences = LocalePreferences { accept_language, so_language, so_culture, so_time_zone };
        Ok(Self(Arc::new(Locale::new(preferences, base)?)))
    }

    /// Attaches the locale to a request, or the error. Only operations that use the locale fail with that error.
    pub fn attach(locale: Result<Self, UnknownZone>, request: &mut Request) {
        match locale {
            Ok(locale) => request.set_data(locale),
            Err(unknown) => request.set_data(unknown),
        }
    }

    fn of_request(request: &Request) -> Result<Self, Error> {
        if let Some(unknown) = request.data::<UnknownZone>() {
            let message = format!("Header {TIME_ZONE}: {unknown}. All codes are at /api/v1/TimeZone.");
            return Err(Error::InvalidArgument(message));
        }
        let attached = request.data::<Self>().cloned();
        attached.ok_or_else(|| Error::internal("the request has no locale"))
    }

    /// The clock of dates.
    pub fn clock(&self) -> &Clock {
        self.0.clock()
    }
}

/// The format of a list that can also be exported as JSON Lines or CSV.
pub enum ListResponseFormat {
    JsonOrXml(ResponseFormat),
    JsonLines(ResponseFormat),
    Csv(ResponseFormat),
}

/// The media type of JSON Lines.
pub const JSON_LINES: &str = "application/jsonl";
/// The media type of CSV.
pub const CSV: &str = "text/csv";

impl<'a> FromRequest<'a> for ListResponseFormat {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> Result<Self> {
        let accepted = AcceptHeader::of(request.headers());
        let json_or_xml = accepted.preferred().map_or(0.0, |media| accepted.quality(media.name()));
        let (lines, table) = (accepted.quality(JSON_LINES), accepted.quality(CSV));
        if json_or_xml >= lines.max(table) {
            return ResponseFormat::from_request(request, body).await.map(Self::JsonOrXml);
        }
        let format = if lines >= table { Self::JsonLines } else { Self::Csv };
        Ok(format(ResponseFormat { media: MediaType::Json, locale: RequestLocale::of_request(request)?, select: None }))
    }
}

impl ListResponseFormat {
    /// Parses a point in time; without an offset, it is in the time zone of the request.
    pub fn time(&self, text: &str) -> Option<DateTime<Utc>> {
        let (Self::JsonOrXml(format) | Self::JsonLines(format) | Self::Csv(format)) = self;
        format.clock().read(text)
    }

    /// The same format with texts in `language`, if given. CSV texts are always in one language: English if the request
    /// names none.
    pub fn in_language(self, language: Option<Language>) -> Self {
        let change = |format: ResponseFormat, language| match language {
            Some(language) => format.in_language(language),
            None => format,
        };
        match self {
            Self::JsonOrXml(format) => Self::JsonOrXml(change(format, language)),
            Self::JsonLines(format) => Self::JsonLines(change(format, language)),
            Self::Csv(format) => {
                let default = format.locale().language().unwrap_or(Language::US);
                Self::Csv(format.in_language(language.unwrap_or(default)))
            }
        }
    }
}

impl ResponseFormat {
    /// The clock of dates.
    pub fn clock(&self) -> &Clock {
        self.locale.clock()
    }

    fn locale(&self) -> &Locale {
        &self.locale.0
    }

    /// The same format with this media type, if given.
    pub fn in_format(self, media: Option<MediaType>) -> Self {
        Self { media: media.unwrap_or(self.media), ..self }
    }

    fn in_language(self, language: Language) -> Self {
        Self { locale: RequestLocale(Arc::new(self.locale().in_language(language))), ..self }
    }

    /// The same format, with texts as they are stored.
    pub fn untranslated(self) -> Self {
        Self { locale: RequestLocale(Arc::new(self.locale().untranslated())), ..self }
    }

    pub fn is_xml(&self) -> bool {
        self.media.is_xml()
    }

    /// A response with this model as its body.
    pub fn answer<T>(self, model: T) -> Formatted<T> {
        Formatted { content: Content::Model(model), format: self, permit: None }
    }

    /// A response with a list without pages as its body, if it needs a permit.
    pub fn answer_with<T>(self, model: T, permit: Option<LongListPermit>) -> Formatted<T> {
        Formatted { permit, ..self.answer(model) }
    }

    /// A response with a body that was serialized for the same [`FormatKey`].
    pub fn serialized<T>(self, body: Bytes) -> Formatted<T> {
        Formatted { content: Content::Serialized(body), format: self, permit: None }
    }

    /// The cache key of this format; `None` with `$select`, because such responses are not cached.
    pub fn key(&self) -> Option<FormatKey> {
        self.select.is_none().then(|| FormatKey { media: self.media, locale: Arc::clone(&self.locale.0) })
    }

    /// Serializes a model.
    pub fn write<T: ToJSON>(&self, model: &T) -> String {
        self.write_content(self.content(model), T::schema_ref)
    }

    /// The model as JSON: dates by the clock, only the selected properties, texts not translated yet.
    pub fn content(&self, model: &impl ToJSON) -> Value {
        let mut value = datetime::by_the_clock(self.clock(), || model.to_json()).unwrap_or_default();
        if let Some(select) = &self.select {
            select.cut(&mut value);
        }
        value
    }

    /// Translates the texts of [`Self::content`] into the language of the request, if it names one.
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

    /// Adds the headers that name the time zone and the language of a response.
    pub fn mark(&self, response: &mut Response) {
        let zone = self.clock().zone().name().parse();
        response.headers_mut().extend(zone.ok().map(|zone| (TIME_ZONE_HEADER, zone)));
        let language = self.locale().language().and_then(|language| language.iso().parse().ok());
        response.headers_mut().extend(language.map(|language| (header::CONTENT_LANGUAGE, language)));
    }
}

/// The member of an execution and of its audit record with the values that the caller gave. In other models, it is a list.
const RECORDED_INPUTS: &str = "inputs";

/// Translates every text in a value except those that identify a user or a person, and recorded inputs.
fn resolve(value: &mut Value, locale: &Locale) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(resolved) = locale.resolve(text) {
                *text = resolved;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| resolve(item, locale)),
        Value::Object(members) => {
            // A user found by a credential: every text but its type is a name.
            if members.contains_key("CanCreatePerson") && members.contains_key("Columns") {
                return;
            }
            // Only in a user, `Name` is an identity; elsewhere it is the name of a list item, which is translated.
            let is_user = members.contains_key("AssociateId")
                || members.get("Type").is_some_and(|item_type| item_type == ASSOCIATE_ITEM);
            for (name, member) in members {
                let is_identity = IDENTITY.contains(&name.as_str()) || (is_user && name == "Name");
                // What a caller gave is shown as it was given.
                let is_recorded = name == RECORDED_INPUTS && member.is_object();
                // A column of the Archive agent is an object with the text.
                let is_text = member.is_string() || member.get("DisplayValue").is_some();
                if !(is_identity && is_text || is_recorded) {
                    resolve(member, locale);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl<T: ToJSON> IntoResponse for Formatted<T> {
    fn into_response(self) -> Response {
        let Self { content, format, permit } = self;
        let mut response = Response::builder().content_type(format.media.content_type()).finish();
        format.mark(&mut response);
        match content {
            Content::Model(model) => {
                let content = format.content(&model);
                let text_bytes = large_response::text_bytes(&content);
                let schema: fn() -> MetaSchemaRef = T::schema_ref;
                let write_body = move || {
                    let body = format.write_content(content, schema);
                    drop(permit);
                    body
                };
                large_response::set_body(&mut response, text_bytes, write_body);
            }
            Content::Serialized(body) => response.set_body(body),
        }
        response
    }
}

impl<T: Type> ResponseContent for Formatted<T> {
    fn media_types() -> Vec<MetaMediaType> {
        RESPONSE_TYPES.map(|media| MetaMediaType { content_type: media.name(), schema: T::schema_ref() }).into()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: ToJSON> ApiResponse for Formatted<T> {
    fn meta() -> MetaResponses {
        let content = <Self as ResponseContent>::media_types();
        let ok = MetaResponse { description: "", status: Some(200), status_range: None, content, headers: vec![] };
        MetaResponses { responses: vec![ok] }
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}
