//! JSON request bodies: [`JsonBody`] for whole models, [`PartialUpdate`] for some of their properties.

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
    schema_coercion::{coerce, fill_defaults, merge},
};
use crate::{
    api::{
        models::{User, UserType},
        openapi::schema_registry::resolve,
        respond::{content_negotiation::MediaType, error::redact_reason},
    },
    error::Error,
};

/// The media types of bodies in the document. The patch types are accepted as JSON, too.
pub const DOCUMENTED_TYPES: [MediaType; 2] = [MediaType::Json, MediaType::TextJson];

/// A request body. Property names are case-insensitive. An empty body is read as an empty list or object, so that the
/// error for it names the missing property.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

impl<'a, T: ParseFromJSON> ApiExtractor<'a> for JsonBody<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let schema = T::schema_ref;
        let content = DOCUMENTED_TYPES.map(|media| MetaMediaType { content_type: media.name(), schema: schema() });
        Some(MetaRequest { description: None, content: content.into(), required: true })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let value = match read(request, body).await? {
            Value::Null if resolve(&T::schema_ref()).ty == "array" => Value::Array(Vec::new()),
            Value::Null => Value::Object(Map::new()),
            value => value,
        };
        Ok(Self(parse(value)?))
    }
}

/// Reads the JSON of a body; null for an empty body.
///
/// # Errors
/// The body is not JSON, has another Content-Type, or exceeds a limit of [`bounded_json`].
pub async fn read(request: &Request, body: &mut RequestBody) -> Result<Value, Error> {
    let unreadable = |reason: String| Error::InvalidArgument(format!("Body: {reason}."));
    let bytes = match body.take() {
        Ok(body) => body.into_bytes().await.map_err(|_| unreadable("it ends early".to_owned()))?,
        Err(error) => return Err(Error::internal(error.to_string())),
    };
    if bounded_json::trimmed(&bytes).is_empty() {
        return Ok(Value::Null);
    }
    if !request.content_type().is_some_and(MediaType::is_json_body) {
        return Err(Error::UnsupportedMediaType);
    }
    bounded_json::parse(&bytes).map_err(|error| unreadable(error.to_string()))
}

/// Parses a client's JSON as a `T`.
///
/// # Errors
/// The JSON does not match the schema of `T`.
pub fn parse<T: ParseFromJSON>(value: Value) -> Result<T, Error> {
    let value = coerce(&T::schema_ref(), value).map_err(|error| Error::InvalidArgument(format!("Body: {error}.")))?;
    let invalid =
        |message: &str| Error::InvalidArgument(format!("Body: {}.", redact_reason(message).trim_end_matches('.')));
    T::parse_from_json(Some(value)).map_err(|error| invalid(&error.into_message()))
}

/// Parses JSON that may have only some of the properties of `T`. The others get empty values.
///
/// # Errors
/// The JSON does not match the schema of `T`.
pub fn parse_completed<T: ParseFromJSON>(value: Value) -> Result<T, Error> {
    let schema = T::schema_ref();
    let value = coerce(&schema, value).map_err(|error| Error::InvalidArgument(format!("Body: {error}.")))?;
    parse(fill_defaults(&schema, value))
}

/// Some of the properties of a model `T`, as a client sends them. The others are not given.
#[derive(Clone)]
pub struct PartialUpdate<T> {
    properties: Map<String, Value>,
    model: PhantomData<fn() -> T>,
}

/// Shows only the names, because a value may contain a password.
impl<T> fmt::Debug for PartialUpdate<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.properties.keys()).finish()
    }
}

impl<T> PartialUpdate<T> {
    /// The given properties as JSON, with names in the model's spelling.
    pub fn into_value(self) -> Value {
        Value::Object(self.into_members())
    }

    /// The given properties by name.
    pub fn into_members(self) -> Map<String, Value> {
        self.properties
    }

    /// Whether the property is given, and is not null.
    pub fn has(&self, name: &str) -> bool {
        self.properties.get(name).is_some_and(|value| !value.is_null())
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.properties.get(name)
    }

    /// The string at a path such as `/Person/Email`.
    pub fn text(&self, path: &str) -> Option<&str> {
        let (first, rest) = path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_start_matches('/'), ""));
        let found = self.properties.get(first)?;
        if rest.is_empty() { found.as_str() } else { found.get(rest)?.as_str() }
    }

    /// Checks that the id in the body, if given, is the one in the path. Returns the id.
    ///
    /// # Errors
    /// The ids differ, or the path has 0, which is no id.
    pub fn check_id(&self, name: &str, in_path: i32) -> Result<i32, Error> {
        match self.number(name) {
            _ if in_path == 0 => Err(Error::InvalidArgument(format!("{name}: 0 is not an id."))),
            given if given != 0 && given != in_path => {
                Err(Error::InvalidArgument(format!("Body: {name} is {given}, but the path has {in_path}.")))
            }
            _ => Ok(in_path),
        }
    }

    /// An integer property; 0 when it is not given.
    pub fn number(&self, name: &str) -> i32 {
        let number = self.properties.get(name).and_then(Value::as_i64);
        number.and_then(|number| number.try_into().ok()).unwrap_or_default()
    }
}

impl PartialUpdate<User> {
    /// Sets the type, and the default role of that type.
    pub fn of_type(mut self, user_type: UserType) -> Self {
        self.properties.insert("Type".to_owned(), user_type.to_json().unwrap_or_default());
        self.properties.insert("Role".to_owned(), Value::Object(Map::from_iter([("Id".to_owned(), 0.into())])));
        self
    }
}

impl<T: ParseFromJSON + ToJSON> PartialUpdate<T> {
    /// Returns the stored model with the given properties. Without a stored model, the other properties are empty.
    ///
    /// # Errors
    /// A given property does not match the schema of `T`.
    pub fn applied_to(self, stored: Option<T>) -> Result<T, Error> {
        let given = self.into_value();
        parse_completed(match stored {
            Some(stored) => merge(&T::schema_ref(), stored.to_json().unwrap_or_default(), given),
            None => given,
        })
    }
}

impl<T: Type> PartialUpdate<T> {
    /// Returns itself, unless none of its properties is one of the model.
    ///
    /// # Errors
    /// No property of the model is given. The message is upstream's.
    pub fn entity(self) -> Result<Self, Error> {
        let missing = || Error::InvalidArgument("Entity to save is not in request body.".to_owned());
        let schema = T::schema_ref();
        let has_known = resolve(&schema).properties.iter().any(|(name, _)| self.properties.contains_key(*name));
        if has_known { Ok(self) } else { Err(missing()) }
    }

    /// Parses the property with this name, in any case, as a model of the same type. `None` when there is no such
    /// property.
    ///
    /// # Errors
    /// The property does not match the schema of `T`, or two properties have this name.
    pub fn within(&self, name: &str) -> Result<Option<Self>, Error> {
        let mut found = self.properties.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(Error::InvalidArgument(format!("Body: {name} is given more than once."))),
            (inner, _) => inner.map(|(_, inner)| parse(inner.clone())).transpose(),
        }
    }
}

impl<T: Type> Type for PartialUpdate<T> {
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

impl<T: Type> ParseFromJSON for PartialUpdate<T> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let Some(Value::Object(properties)) = value else {
            return Err(ParseError::expected_input());
        };
        Ok(Self { properties, model: PhantomData })
    }
}

impl<T: Type> ToJSON for PartialUpdate<T> {
    fn to_json(&self) -> Option<Value> {
        Some(Value::Object(self.properties.clone()))
    }
}
