//! A serde deserializer for the tree. An error names the innermost node that is wrong, and shows the right form.

use std::{fmt::Display, ops::Range};

use serde::{
    Deserializer,
    de::{
        self, DeserializeOwned, DeserializeSeed, EnumAccess, Expected, IntoDeserializer, MapAccess, SeqAccess,
        Unexpected, VariantAccess, Visitor, value::U64Deserializer,
    },
};

use super::{
    located::{LOCATED, OR_INPUT, Position, TEMPLATE},
    tree::{Content, Node, Scalar},
};
use crate::nearest;

/// An error in a part of the tree.
#[derive(Debug)]
pub(super) struct ReadError {
    /// The node that is wrong; `None` for the root.
    pub ids: Option<Range<usize>>,
    pub at: Option<Position>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Text(String),
    /// A map lacks this entry.
    Missing(&'static str),
}

impl ReadError {
    pub fn text(&self) -> String {
        match &self.kind {
            Kind::Text(text) => text.clone(),
            Kind::Missing(field) => format!("`{field}` is missing"),
        }
    }

    fn new(text: String) -> Self {
        Self { ids: None, at: None, kind: Kind::Text(text) }
    }

    /// Assigns the error to this node, unless it already belongs to an inner node.
    fn within(self, node: &Node) -> Self {
        self.of(node.ids.clone(), node.at)
    }

    fn of(self, ids: Range<usize>, at: Position) -> Self {
        if self.ids.is_some() { self } else { Self { ids: Some(ids), at: Some(at), ..self } }
    }
}

impl Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("expected {expected}, found {}", plain(found)))
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        Self::new(unknown(word, known))
    }

    fn unknown_field(word: &str, known: &'static [&'static str]) -> Self {
        Self::new(unknown(word, known))
    }

    fn missing_field(field: &'static str) -> Self {
        Self { ids: None, at: None, kind: Kind::Missing(field) }
    }
}

fn unknown(word: &str, known: &[&str]) -> String {
    match nearest::nearest(word, known.iter().copied()) {
        Some(near) => format!("`{word}` is unknown here; did you mean `{near}`?"),
        None => format!("`{word}` is unknown here; known are {}", known.join(", ")),
    }
}

fn plain(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
        Unexpected::Bool(_) => "true or false (a word such as `no` or `yes` is a text only in quotes)".to_owned(),
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a map".to_owned(),
        other => other.to_string(),
    }
}

/// Reads a value from the tree without the hidden nodes.
pub(super) fn read<T: DeserializeOwned>(root: &Node, hidden: &[usize]) -> Result<T, ReadError> {
    T::deserialize(Reader { node: root, label: "", hidden, is_template: false }).map_err(|error| error.within(root))
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    node: &'a Node,
    /// The key of the value; empty if it has none.
    label: &'a str,
    /// Ids of the nodes to leave out.
    hidden: &'a [usize],
    /// The text may contain templates.
    is_template: bool,
}

const QUOTE_BRACE: &str = "put quotes around a text that begins with a brace: \"{{ user.name }}\"";

impl<'a> Reader<'a> {
    fn at(self, node: &'a Node) -> Self {
        Self { node, ..self }
    }

    fn is_visible(self, node: &Node) -> bool {
        !self.hidden.contains(&node.ids.start)
    }

    fn entries(self) -> Option<Vec<&'a (Node, Node)>> {
        match &self.node.content {
            Content::Map(entries) => Some(entries.iter().filter(|(_, value)| self.is_visible(value)).collect()),
            Content::Scalar { .. } | Content::List(_) => None,
        }
    }

    fn fail<T>(self, text: impl Into<String>) -> Result<T, ReadError> {
        Err(ReadError::new(text.into()).within(self.node))
    }

    /// The text of a scalar. Fails if it contains a template where none is allowed.
    fn text(self) -> Result<&'a str, ReadError> {
        let label = self.label;
        let Some(written) = self.node.written() else {
            return self
                .fail(format!("`{label}` must be a text, not a list or a map; put quotes around a text with braces"));
        };
        if self.node.is_null() {
            return self.fail(format!("`{label}` is empty; write a text after it"));
        }
        if !self.is_template && ["{{", "{%", "{#"].iter().any(|start| written.contains(start)) {
            return self.fail(format!(
                "`{label}` takes no template: `{written}` would stay as it is. Where a step takes an input, write \
                 `{{input: NAME}}`; templates are for question, message, note, and the message of set_presence"
            ));
        }
        Ok(written)
    }

    /// Fails and shows how to write a list.
    fn no_list<T>(self) -> Result<T, ReadError> {
        let label = self.label;
        match &self.node.content {
            Content::Map(entries) => {
                let first = entries.first().and_then(|(key, _)| key.written()).unwrap_or_default();
                match first.strip_prefix('-') {
                    Some(word) => self.fail(format!("put a space after the dash: `- {}: …`", word.trim())),
                    None => {
                        self.fail(format!("`{label}` is a list: begin each of its entries with a dash, `- {first}: …`"))
                    }
                }
            }
            Content::Scalar { .. } if self.node.is_null() => {
                self.fail(format!("`{label}` is empty; give it a list, or leave it out"))
            }
            _ => {
                let written = self.node.written().unwrap_or_default();
                match written.strip_prefix('-') {
                    Some(word) => self.fail(format!("put a space after the dash: `- {}`", word.trim())),
                    None => self.fail(format!("`{label}` is a list: `{label}: [{written}]`")),
                }
            }
        }
    }

    /// Fails and shows how to write a map with these fields.
    fn no_map<T>(self, fields: &[&str]) -> Result<T, ReadError> {
        let written = self.node.written().filter(|_| !self.node.is_null());
        let form = form(self.label, fields, written);
        match self.label {
            "" => self.fail("a definition is a map: write lines such as `name: hello`"),
            label => self.fail(format!("write `{label}` with its parameters: `{form}`")),
        }
    }
}

/// The right form of a map, such as `set_deleted: {value: …}`.
fn form(label: &str, fields: &[&str], value: Option<&str>) -> String {
    match (fields, value) {
        ([field], Some(value)) => format!("{label}: {{{field}: {value}}}"),
        _ => {
            let fields: Vec<_> = fields.iter().map(|field| format!("{field}: …")).collect();
            format!("{label}: {{{}}}", fields.join(", "))
        }
    }
}

impl<'a, 'de> Deserializer<'de> for Reader<'a> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.content {
            Content::Scalar { scalar, .. } => match scalar {
                Scalar::Null => visitor.visit_unit(),
                Scalar::Bool(value) => visitor.visit_bool(*value),
                Scalar::Int(value) => visitor.visit_i64(*value),
                Scalar::Float(value) => visitor.visit_f64(*value),
                Scalar::Text => visitor.visit_str(self.text()?),
            },
            Content::List(_) => self.deserialize_seq(visitor),
            Content::Map(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.content {
            Content::Scalar { scalar: Scalar::Bool(value), .. } => visitor.visit_bool(*value),
            _ => self.fail(format!("`{}` must be true or false, without quotes", self.label)),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.node.written() {
            Some(written) => visitor.visit_str(written),
            None => self.fail(QUOTE_BRACE),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match name {
            LOCATED => visitor.visit_seq(Parts { reader: self, next: 0 }),
            OR_INPUT if self.entries().is_some() => self.deserialize_map(visitor),
            TEMPLATE => visitor.visit_newtype_struct(Self { is_template: true, ..self }),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.content {
            Content::List(items) => visitor.visit_seq(Items { reader: self, items: items.iter() }),
            Content::Scalar { .. } | Content::Map(_) => self.no_list(),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.entries() {
            Some(entries) => visitor.visit_map(Entries { reader: self, entries: entries.into_iter(), value: None }),
            None => self.no_map(&[]),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        if self.entries().is_none() {
            let empty = Entries { reader: self, entries: Vec::new().into_iter(), value: None };
            // Without required fields, the right form is an empty map.
            return match visitor.visit_map(empty) {
                Ok(_) => self.no_map(&[]),
                Err(_) => self.no_map(fields),
            };
        }
        self.deserialize_map(visitor).map_err(|error| match error {
            ReadError { ids: None, kind: Kind::Missing(field), .. } if !self.label.is_empty() => {
                ReadError::new(format!("`{}` lacks `{field}`: `{}`", self.label, form(self.label, fields, None)))
            }
            other => other,
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let Some(entries) = self.entries() else {
            return match self.node.written() {
                Some(_) if self.node.is_null() => {
                    self.fail(format!("a value is missing here; known are {}", variants.join(", ")))
                }
                Some(_) => visitor.visit_enum(Choice { reader: self, word: self.node, value: None }),
                None => self.fail(format!("expected one of {}", variants.join(", "))),
            };
        };
        let is_known = |key: &Node| key.written().is_some_and(|key| variants.contains(&key));
        match entries.as_slice() {
            [] => self.fail("a value is missing here"),
            [(key, value)] => visitor.visit_enum(Choice { reader: self, word: key, value: Some(value) }),
            [(key, value), (second, other), ..] => {
                let (word, second_word) = (key.written().unwrap_or_default(), second.written().unwrap_or_default());
                let text = if is_known(key) && is_known(second) {
                    format!("`{second_word}` is a step of its own: begin it with a dash, `- {second_word}: …`")
                } else if value.is_null() {
                    format!(
                        "`{second_word}` belongs to `{word}`: indent it by two more spaces, or write \
                         `{word}: {{{second_word}: {}}}`",
                        other.written().unwrap_or("…")
                    )
                } else {
                    format!("`{word}` and `{second_word}` are in one entry; a step has one name, then its parameters")
                };
                Err(ReadError::new(text).of(self.node.ids.clone(), second.at))
            }
        }
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct ignored_any
    }
}

/// The items of a list.
struct Items<'a> {
    reader: Reader<'a>,
    items: std::slice::Iter<'a, Node>,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        let reader = self.reader;
        let Some(item) = self.items.by_ref().find(|item| reader.is_visible(item)) else { return Ok(None) };
        seed.deserialize(reader.at(item)).map(Some).map_err(|error| error.within(item))
    }
}

/// The entries of a map.
struct Entries<'a> {
    reader: Reader<'a>,
    entries: std::vec::IntoIter<&'a (Node, Node)>,
    value: Option<&'a (Node, Node)>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        let Some(entry) = self.entries.next() else { return Ok(None) };
        self.value = Some(entry);
        let (key, value) = entry;
        let word = key.written().unwrap_or_default();
        let read = match key.written() {
            Some(word) => seed.deserialize(word.into_deserializer()),
            None => Err(ReadError::new(QUOTE_BRACE.to_owned())),
        };
        read.map(Some).map_err(|error| ReadError { ids: None, ..error }.of(value.ids.clone(), key.at)).map_err(
            |mut error| {
                // Within braces, an unquoted comma starts a new entry.
                if let Kind::Text(text) = &mut error.kind
                    && value.is_null()
                    && word.contains(' ')
                {
                    text.push_str("; put quotes around a text with a comma");
                }
                error
            },
        )
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let Some((key, value)) = self.value.take() else { return Err(de::Error::custom("a value without its key")) };
        // An error in one language of a text names the language.
        let label = key.written().unwrap_or_default();
        seed.deserialize(Reader { label, ..self.reader.at(value) }).map_err(|error| error.within(value))
    }
}

/// A variant name with its optional value.
struct Choice<'a> {
    reader: Reader<'a>,
    word: &'a Node,
    value: Option<&'a Node>,
}

impl<'a, 'de> EnumAccess<'de> for Choice<'a> {
    type Error = ReadError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), ReadError> {
        let word = self.word.written().unwrap_or_default();
        let variant = seed.deserialize(word.into_deserializer()).map_err(|error: ReadError| {
            let ReadError { kind, .. } = error;
            // An unknown name makes the whole entry wrong.
            ReadError { ids: Some(self.reader.node.ids.clone()), at: Some(self.word.at), kind }
        })?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Choice<'_> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        match self.value {
            None => Ok(()),
            Some(_) => self.reader.fail("this word takes no value"),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, ReadError> {
        let label = self.word.written().unwrap_or_default();
        match self.value {
            Some(value) => {
                let read = seed.deserialize(Reader { label, ..self.reader.at(value) });
                read.map_err(|error| error.within(value))
            }
            // A name without a value is read as one with an empty value, so that the error shows the right form.
            None => {
                let (ids, at) = (self.word.ids.clone(), self.word.at);
                let content = Content::Scalar { written: String::new(), scalar: Scalar::Null };
                let empty = Node { ids, at, content };
                seed.deserialize(Reader { node: &empty, label, ..self.reader })
            }
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, ReadError> {
        self.reader.fail("a list is not expected here")
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match self.value {
            Some(value) => self.reader.at(value).deserialize_struct("", fields, visitor),
            None => self.reader.no_map(fields),
        }
    }
}

/// The parts of a [`super::Located`]: line, column and value.
struct Parts<'a> {
    reader: Reader<'a>,
    next: usize,
}

impl<'de> SeqAccess<'de> for Parts<'_> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        let (line, column) = self.reader.node.at;
        self.next += 1;
        let number = |number: u64| -> U64Deserializer<ReadError> { number.into_deserializer() };
        match self.next {
            1 => seed.deserialize(number(line)).map(Some),
            2 => seed.deserialize(number(column)).map(Some),
            3 => seed.deserialize(self.reader).map(Some),
            _ => Ok(None),
        }
    }
}
