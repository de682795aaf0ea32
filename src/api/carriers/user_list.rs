//! The list of users, as OData has it.

use std::borrow::Cow;

use poem_openapi::{
    Enum, Object,
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::{Example, ParseError, ParseFromJSON, ParseResult, ToJSON, Type},
};
use serde_json::{Map, Value, json};

use crate::{
    api::{media::Media, wire::DateTime},
    users::list::{Cell, Column, Row},
};

/// A page of a list.
#[derive(Clone, Debug, Object)]
#[oai(example)]
pub struct ODataSlimResponse {
    /// Where the columns of the list are described.
    #[oai(rename = "odata.metadata")]
    pub metadata: String,
    /// Where the next page is; null when this is the last one.
    #[oai(rename = "odata.nextLink")]
    pub next_link: Option<String>,
    /// The rows: PrimaryKey, EntityName, and the columns by their names.
    pub value: Vec<ListRow>,
}

/// The form of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "UPPERCASE")]
pub enum ListFormat {
    Json,
    Xml,
}

impl From<ListFormat> for Media {
    fn from(format: ListFormat) -> Self {
        match format {
            ListFormat::Json => Self::Json,
            ListFormat::Xml => Self::Xml,
        }
    }
}

/// A carrier whose own names are safe to write in a program, where that is asked for: without dots.
#[derive(Clone, Debug)]
pub struct SafeNames<T> {
    pub carrier: T,
    pub is_asked_for: bool,
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

    /// Names that can be others are required nowhere.
    fn register(registry: &mut Registry) {
        T::register(registry);
        if let Some(schema) = registry.schemas.get_mut(T::name().as_ref()) {
            schema.required.clear();
        }
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        self.carrier.as_raw_value()
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self::RawElementValueType> + 'a> {
        self.carrier.raw_element_iter()
    }
}

impl<T: ToJSON> ToJSON for SafeNames<T> {
    fn to_json(&self) -> Option<Value> {
        match self.carrier.to_json() {
            Some(Value::Object(members)) if self.is_asked_for => {
                Some(members.into_iter().map(|(name, value)| (name.replace('.', "_"), value)).collect())
            }
            value => value,
        }
    }
}

/// A row: PrimaryKey, EntityName, and the columns by their names.
#[derive(Clone, Debug)]
pub struct ListRow(Map<String, Value>);

impl ListRow {
    pub fn new(row: Row, columns: &[&'static Column]) -> Self {
        let mut members = Map::new();
        members.insert("PrimaryKey".to_owned(), row.id.to_string().into());
        members.insert("EntityName".to_owned(), "all".into());
        members.extend(columns.iter().zip(row.cells).map(|(column, cell)| (column.name.to_owned(), value(cell))));
        Self(members)
    }
}

fn value(cell: Cell) -> Value {
    match cell {
        Cell::Text(text) => text.into(),
        Cell::Integer(number) => number.into(),
        Cell::Bool(is_true) => is_true.into(),
        Cell::Date(date) => DateTime(date).to_json().unwrap_or_default(),
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
