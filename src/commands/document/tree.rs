//! The tree of a YAML file: untyped values with their positions.

use std::{fmt, ops::Range};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::{Spanned, budget, options};

use super::{DefinitionProblem, Position, syntax};

/// Maximum nesting of lists and maps.
const MAX_DEPTH: usize = 32;

/// A value and its position.
#[derive(Debug)]
pub struct Node {
    /// The ids of this node (the first) and of all nodes within it.
    pub(super) ids: Range<usize>,
    pub(super) at: Position,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    /// A single value: the source text, and its YAML type.
    Scalar {
        written: String,
        scalar: Scalar,
    },
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text,
}

impl Node {
    /// The source text of a scalar; `None` for lists and maps.
    pub(super) fn written(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar { written, .. } => Some(written),
            Content::List(_) | Content::Map(_) => None,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.content, Content::Scalar { scalar: Scalar::Null, .. })
    }

    /// The keys of a map with their positions.
    pub fn keys(&self) -> impl Iterator<Item = (&str, Position)> {
        let entries = match &self.content {
            Content::Map(entries) => entries.as_slice(),
            Content::Scalar { .. } | Content::List(_) => &[],
        };
        entries.iter().filter_map(|(key, _)| Some((key.written()?, key.at)))
    }
}

pub(super) fn parse(text: &str) -> Result<Node, DefinitionProblem> {
    if text.trim_start_matches('\u{feff}').trim().is_empty() {
        let text = "the file is empty; `kommando commands examples hello` prints a definition to begin with".to_owned();
        return Err(DefinitionProblem { at: None, text });
    }
    let options = options! { budget: budget! { max_depth: MAX_DEPTH, flow_nesting_limit: MAX_DEPTH } };
    let parsed: Result<Parsed, _> = serde_saphyr::from_str_with_options(text, options);
    parsed.map(|parsed| number(parsed, text, &mut 0)).map_err(|error| syntax::explain(text, &error))
}

/// A value of the parser with its span.
struct Parsed(Spanned<Value>);

enum Value {
    Scalar(Scalar),
    Text(String),
    List(Vec<Parsed>),
    Map(Vec<(Parsed, Parsed)>),
}

/// Converts parsed values to nodes and numbers them, beginning with `next`.
fn number(Parsed(parsed): Parsed, text: &str, next: &mut usize) -> Node {
    let start = *next;
    *next += 1;
    let span = parsed.defined.span();
    let content = match parsed.value {
        Value::Text(text) => Content::Scalar { written: text, scalar: Scalar::Text },
        Value::Scalar(scalar) => {
            let offset = span.byte_offset().and_then(|offset| usize::try_from(offset).ok());
            let len = span.byte_len().and_then(|len| usize::try_from(len).ok());
            let written = offset.zip(len).and_then(|(offset, len)| text.get(offset..offset + len));
            Content::Scalar { written: written.unwrap_or_default().trim().to_owned(), scalar }
        }
        Value::List(items) => Content::List(items.into_iter().map(|item| number(item, text, next)).collect()),
        Value::Map(entries) => Content::Map(
            entries.into_iter().map(|(key, value)| (number(key, text, next), number(value, text, next))).collect(),
        ),
    };
    Node { ids: start..*next, at: (parsed.referenced.line(), parsed.referenced.column()), content }
}

impl<'de> Deserialize<'de> for Parsed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Scalar(Scalar::Null))
            }

            fn visit_none<E>(self) -> Result<Value, E> {
                Ok(Value::Scalar(Scalar::Null))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(Value::Scalar(Scalar::Bool(value)))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(Value::Scalar(Scalar::Int(value)))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
                Ok(Value::Scalar(i64::try_from(value).map_or(Scalar::Float(value as f64), Scalar::Int)))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
                Ok(Value::Scalar(Scalar::Float(value)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(Value::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Value::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
                let mut map = Vec::new();
                while let Some(entry) = entries.next_entry()? {
                    map.push(entry);
                }
                Ok(Value::Map(map))
            }
        }

        deserializer.deserialize_any(Any)
    }
}
