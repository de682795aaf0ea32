//! What stands in the bodies of requests.

use std::{borrow::Cow, fmt, marker::PhantomData};

use poem::{Request, RequestBody};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaMediaType, MetaRequest, MetaSchemaRef, Registry},
    types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type},
};
use serde_json::{Map, Value};

use super::{
    bounded_json,
    carriers::{User, UserType},
    conform::{complete, conform},
    envelope::plain,
    media::Media,
    schemas::described,
};
use crate::error::Error;

/// The media types of a body, as the document lists them. Those of patches are read as JSON everywhere.
const LISTED: [Media; 2] = [Media::Json, Media::TextJson];

/// A body, read without regard to the case of its names. Nothing at all is read as an empty list, or as an object
/// without properties, so that what is missing can be told by its name.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<'a, T: ParseFromJSON> ApiExtractor<'a> for Body<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let content = LISTED.map(|media| MetaMediaType { content_type: media.name(), schema: T::schema_ref() });
        Some(MetaRequest { description: None, content: content.into(), required: true })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let value = match read(request, body).await? {
            Value::Null if described(&T::schema_ref()).ty == "array" => Value::Array(Vec::new()),
            Value::Null => Value::Object(Map::new()),
            value => value,
        };
        Ok(Self(parse(value)?))
    }
}

/// The JSON of a body; null when there is none.
///
/// # Errors
/// It is no JSON, says that it is something else, or exceeds a limit of [`bounded_json`].
pub async fn read(request: &Request, body: &mut RequestBody) -> Result<Value, Error> {
    let unreadable = |reason: String| Error::InvalidArgument(format!("Body: {reason}."));
    let bytes = match body.take() {
        Ok(body) => body.into_bytes().await.map_err(|_| unreadable("it ends early".to_owned()))?,
        Err(error) => return Err(Error::internal(error.to_string())),
    };
    if bounded_json::trimmed(&bytes).is_empty() {
        return Ok(Value::Null);
    }
    if !request.content_type().is_some_and(Media::is_json_body) {
        return Err(Error::UnsupportedMediaType);
    }
    bounded_json::parse(&bytes).map_err(|error| unreadable(error.to_string()))
}

/// A value of a type, from a client's JSON.
///
/// # Errors
/// It does not fit the type.
pub fn parse<T: ParseFromJSON>(value: Value) -> Result<T, Error> {
    let value = conform(&T::schema_ref(), value).map_err(|unfit| Error::InvalidArgument(format!("Body: {unfit}.")))?;
    let unfit = |message: &str| Error::InvalidArgument(format!("Body: {}.", plain(message).trim_end_matches('.')));
    T::parse_from_json(Some(value)).map_err(|error| unfit(&error.into_message()))
}

/// A carrier from JSON that may have only some of its properties: the others are empty.
///
/// # Errors
/// It does not fit the carrier.
pub fn parse_completed<T: ParseFromJSON>(value: Value) -> Result<T, Error> {
    let schema = T::schema_ref();
    let value = conform(&schema, value).map_err(|unfit| Error::InvalidArgument(format!("Body: {unfit}.")))?;
    parse(complete(&schema, value))
}

/// Some of a carrier's properties, as a client sends them; the others are left open.
#[derive(Clone)]
pub struct Partial<T> {
    properties: Map<String, Value>,
    carrier: PhantomData<fn() -> T>,
}

/// The names alone: one of the values may hold a password.
impl<T> fmt::Debug for Partial<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.properties.keys()).finish()
    }
}

impl<T> Partial<T> {
    /// The properties that are given, in the carrier's spelling.
    pub fn into_value(self) -> Value {
        Value::Object(self.into_members())
    }

    /// The same, by name.
    pub fn into_members(self) -> Map<String, Value> {
        self.properties
    }

    /// The same, when anything is given at all.
    ///
    /// # Errors
    /// Nothing is. The words are upstream's.
    pub fn entity(self) -> Result<Self, Error> {
        let missing = || Error::InvalidArgument("Entity to save is not in request body.".to_owned());
        if self.properties.is_empty() { Err(missing()) } else { Ok(self) }
    }

    /// A property as it is given.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.properties.get(name)
    }

    /// A text at a path such as `/Person/Email`.
    pub fn text(&self, path: &str) -> Option<&str> {
        let (first, rest) = path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_start_matches('/'), ""));
        let found = self.properties.get(first)?;
        if rest.is_empty() { found.as_str() } else { found.get(rest)?.as_str() }
    }

    /// A property that is a whole number; 0 when it is left open.
    pub fn number(&self, name: &str) -> i32 {
        let number = self.properties.get(name).and_then(Value::as_i64);
        number.and_then(|number| number.try_into().ok()).unwrap_or_default()
    }
}

impl Partial<User> {
    /// Nothing but the id.
    pub fn of_id(id: i32) -> Self {
        Self { properties: Map::from_iter([("AssociateId".to_owned(), id.into())]), carrier: PhantomData }
    }

    /// The same as a user of this type, with the default role of the type.
    pub fn of_type(mut self, user_type: UserType) -> Self {
        self.properties.insert("Type".to_owned(), user_type.to_json().unwrap_or_default());
        self.properties.insert("Role".to_owned(), Value::Object(Map::from_iter([("Id".to_owned(), 0.into())])));
        self
    }
}

impl<T: Type> Partial<T> {
    /// The carrier that stands in a property of this name, when there is one.
    ///
    /// # Errors
    /// What stands there does not fit the carrier, or there are two such properties.
    pub fn within(&self, name: &str) -> Result<Option<Self>, Error> {
        let mut found = self.properties.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(Error::InvalidArgument(format!("Body: {name} is given more than once."))),
            (inner, _) => inner.map(|(_, inner)| parse(inner.clone())).transpose(),
        }
    }
}

impl<T: Type> Type for Partial<T> {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl<T: Type> ParseFromJSON for Partial<T> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let Some(Value::Object(properties)) = value else {
            return Err(ParseError::expected_input());
        };
        Ok(Self { properties, carrier: PhantomData })
    }
}

impl<T: Type> ToJSON for Partial<T> {
    fn to_json(&self) -> Option<Value> {
        Some(Value::Object(self.properties.clone()))
    }
}
