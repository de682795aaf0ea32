//! Archives, such as the user list, in OData form.

use std::borrow::Cow;

use poem_openapi::{
    Enum, Object,
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::{Example, ParseError, ParseFromJSON, ParseResult, ToJSON, Type},
};
use serde_json::{Map, Value, json};

use super::datetime::LocalDateTime;
use crate::{
    api::respond::content_negotiation::MediaType,
    users::query::{Archive, Cell, ListColumn, Row},
};

/// A page of an archive.
#[derive(Clone, Debug, Object)]
#[oai(example, nullable_all)]
pub struct ODataSlimResponse {
    /// The URL of the description of the columns.
    #[oai(rename = "odata.metadata")]
    pub metadata: String,
    /// The URL of the next page; null on the last page.
    #[oai(rename = "odata.nextLink")]
    pub next_link: Option<String>,
    /// The rows. Each has PrimaryKey, EntityName, and the selected columns by name.
    pub value: Vec<ListRow>,
}

/// The format of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "UPPERCASE")]
pub enum ListFormat {
    Json,
    Xml,
}

impl From<ListFormat> for MediaType {
    fn from(format: ListFormat) -> Self {
        match format {
            ListFormat::Json => Self::Json,
            ListFormat::Xml => Self::Xml,
        }
    }
}

/// A model whose names are written without dots on request (`$jsonSafe`), so that programs can use them as identifiers.
#[derive(Clone, Debug)]
pub struct SafeNames<T> {
    pub model: T,
    pub is_requested: bool,
}

impl<T: Type> Type for SafeNames<T> {
    const IS_REQUIRED: bool = T::IS_REQUIRED;

    type RawValueType = T::RawValueType;
    type RawElementValueType = T::RawElementValueType;

    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    /// Clears `required`, because the names differ with `$jsonSafe`.
    fn register(registry: &mut Registry) {
        T::register(registry);
        if let Some(schema) = registry.schemas.get_mut(T::name().as_ref()) {
            schema.required.clear();
        }
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        self.model.as_raw_value()
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self::RawElementValueType> + 'a> {
        self.model.raw_element_iter()
    }
}

impl<T: ToJSON> ToJSON for SafeNames<T> {
    fn to_json(&self) -> Option<Value> {
        match self.model.to_json() {
            Some(value) if self.is_requested => Some(without_dots(value)),
            value => value,
        }
    }
}

/// The same value with underscores for the dots in names.
fn without_dots(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let member = |(name, value): (String, Value)| (name.replace('.', "_"), without_dots(value));
            Value::Object(members.into_iter().map(member).collect())
        }
        Value::Array(items) => items.into_iter().map(without_dots).collect(),
        value => value,
    }
}

/// A row: PrimaryKey, EntityName, and the selected columns by name.
#[derive(Clone, Debug)]
pub struct ListRow(Map<String, Value>);

impl ListRow {
    pub fn new(archive: &Archive, row: Row, columns: &[&'static ListColumn]) -> Self {
        let mut members = Map::new();
        members.insert("PrimaryKey".to_owned(), row.id.to_string().into());
        members.insert("EntityName".to_owned(), archive.entity.into());
        members.extend(columns.iter().zip(row.cells).map(|(column, cell)| (column.name.to_owned(), value(cell))));
        Self(members)
    }
}

fn value(cell: Cell) -> Value {
    match cell {
        Cell::Text(text) => text.into(),
        Cell::Integer(number) => number.into(),
        Cell::Bool(is_true) => is_true.into(),
        Cell::Date(date) => LocalDateTime(date).to_json().unwrap_or_default(),
    }
}

impl Type for ListRow {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "ListRow".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        let anything = MetaSchemaRef::Inline(Box::new(MetaSchema::ANY));
        let map = MetaSchema { additional_properties: Some(Box::new(anything)), ..MetaSchema::new("object") };
        MetaSchemaRef::Inline(Box::new(map))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ToJSON for ListRow {
    fn to_json(&self) -> Option<Value> {
        Some(Value::Object(self.0.clone()))
    }
}

impl ParseFromJSON for ListRow {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        match value {
            Some(Value::Object(members)) => Ok(Self(members)),
            other => Err(ParseError::expected_type(other.unwrap_or_default())),
        }
    }
}

impl Example for ODataSlimResponse {
    fn example() -> Self {
        let row = json!({"PrimaryKey": "2", "EntityName": "all", "assocName": "anna", "fullName": "Anna Lindqvist"});
        let rows = row.as_object().cloned().into_iter().map(ListRow).collect();
        Self {
            metadata: "http://127.0.0.1:8080/api/v1/User/$metadata".to_owned(),
            next_link: Some("http://127.0.0.1:8080/api/v1/User?$select=assocName,fullName&$top=1&$skip=1".to_owned()),
            value: rows,
        }
    }
}
