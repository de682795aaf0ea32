//! Reads types from a tree. An error knows the innermost part that is wrong, and shows the right form.

use std::{fmt::Display, ops::Range};

use serde::{
    Deserializer,
    de::{
        self, DeserializeOwned, DeserializeSeed, EnumAccess, Expected, IntoDeserializer, MapAccess, SeqAccess,
        Unexpected, VariantAccess, Visitor, value::U64Deserializer,
    },
};

use super::{
    LOCATED, Place, TEMPLATE,
    tree::{Content, Node, Scalar},
};
use crate::nearest;

/// What is wrong with a part of the tree.
#[derive(Debug)]
pub(super) struct Fault {
    /// The part that is wrong; without one, the whole is.
    pub ids: Option<Range<usize>>,
    pub at: Option<Place>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Text(String),
    /// A map has no entry of this name.
    Missing(&'static str),
}

impl Fault {
    pub fn text(&self) -> String {
        match &self.kind {
            Kind::Text(text) => text.clone(),
            Kind::Missing(field) => format!("`{field}` is missing"),
        }
    }

    fn new(text: String) -> Self {
        Self { ids: None, at: None, kind: Kind::Text(text) }
    }

    /// The same as a fault of this node, unless it is one of a node within it.
    fn within(self, node: &Node) -> Self {
        self.of(node.ids.clone(), node.at)
    }

    fn of(self, ids: Range<usize>, at: Place) -> Self {
        if self.ids.is_some() { self } else { Self { ids: Some(ids), at: Some(at), ..self } }
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("this is {expected}, and not {}", plain(found)))
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

/// Reads a value from the tree without the parts that are hidden.
pub(super) fn read<T: DeserializeOwned>(root: &Node, hidden: &[usize]) -> Result<T, Fault> {
    T::deserialize(Reader { node: root, label: "", hidden, is_template: false }).map_err(|fault| fault.within(root))
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    node: &'a Node,
    /// The key before the value; empty where there is none.
    label: &'a str,
    hidden: &'a [usize],
    /// The text may hold templates.
    is_template: bool,
}

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

    fn fault<T>(self, text: impl Into<String>) -> Result<T, Fault> {
        Err(Fault::new(text.into()).within(self.node))
    }

    /// A text, which holds no template unless it may.
    fn text(self) -> Result<&'a str, Fault> {
        let label = self.label;
        let Some(written) = self.node.written() else {
            return self
                .fault(format!("`{label}` is one text, not a list or a map; quote a text that has braces in it"));
        };
        if self.node.is_null() {
            return self.fault(format!("`{label}` is empty; write a text behind it"));
        }
        if !self.is_template && ["{{", "{%", "{#"].iter().any(|start| written.contains(start)) {
            return self.fault(format!(
                "`{label}` takes no template: `{written}` would be kept as it is written. Templates stand in question, message, \
                 note, and the message of set_presence"
            ));
        }
        Ok(written)
    }

    /// What a list looks like.
    fn no_list<T>(self) -> Result<T, Fault> {
        let label = self.label;
        match &self.node.content {
            Content::Map(entries) => {
                let first = entries.first().and_then(|(key, _)| key.written()).unwrap_or_default();
                match first.strip_prefix('-') {
                    Some(word) => self.fault(format!("a blank stands behind the dash: `- {}: …`", word.trim())),
                    None => self
                        .fault(format!("`{label}` is a list: begin each of its entries with a dash, `- {first}: …`")),
                }
            }
            Content::Scalar { .. } if self.node.is_null() => {
                self.fault(format!("`{label}` is empty; give it a list, or leave it out"))
            }
            _ => {
                let written = self.node.written().unwrap_or_default();
                match written.strip_prefix('-') {
                    Some(word) => self.fault(format!("a blank stands behind the dash: `- {}`", word.trim())),
                    None => self.fault(format!("`{label}` is a list: `{label}: [{written}]`")),
                }
            }
        }
    }

    /// What a map with these fields looks like.
    fn no_map<T>(self, fields: &[&str]) -> Result<T, Fault> {
        let written = self.node.written().filter(|_| !self.node.is_null());
        let form = form(self.label, fields, written);
        match self.label {
            "" => self.fault("a definition is a map: lines such as `name: hello`"),
            label => self.fault(format!("`{label}` is written with its parameters: `{form}`")),
        }
    }
}

/// The right form of a step and the like.
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
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
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

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.content {
            Content::Scalar { scalar: Scalar::Bool(value), .. } => visitor.visit_bool(*value),
            _ => self.fault(format!("`{}` is true or false, without quotes", self.label)),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.node.written() {
            Some(written) => visitor.visit_str(written),
            None => self.fault("a text that begins with a brace is quoted: \"{{ user.name }}\""),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Fault> {
        match name {
            LOCATED => visitor.visit_seq(Parts { reader: self, next: 0 }),
            TEMPLATE => visitor.visit_newtype_struct(Self { is_template: true, ..self }),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.content {
            Content::List(items) => visitor.visit_seq(Items { reader: self, items: items.iter() }),
            Content::Scalar { .. } | Content::Map(_) => self.no_list(),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
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
    ) -> Result<V::Value, Fault> {
        if self.entries().is_none() {
            return self.no_map(fields);
        }
        self.deserialize_map(visitor).map_err(|fault| match fault {
            Fault { ids: None, kind: Kind::Missing(field), .. } if !self.label.is_empty() => {
                Fault::new(format!("`{}` lacks `{field}`: `{}`", self.label, form(self.label, fields, None)))
            }
            other => other,
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let Some(entries) = self.entries() else {
            return match self.node.written() {
                Some(_) if self.node.is_null() => {
                    self.fault(format!("a word is missing here; known are {}", variants.join(", ")))
                }
                Some(_) => visitor.visit_enum(Choice { reader: self, word: self.node, value: None }),
                None => self.fault(format!("this is one of {}", variants.join(", "))),
            };
        };
        let is_known = |key: &Node| key.written().is_some_and(|key| variants.contains(&key));
        match entries.as_slice() {
            [] => self.fault("a word is missing here"),
            [(key, value)] => visitor.visit_enum(Choice { reader: self, word: key, value: Some(value) }),
            [(key, value), (second, other), ..] => {
                let (word, second_word) = (key.written().unwrap_or_default(), second.written().unwrap_or_default());
                let text = if is_known(key) && is_known(second) {
                    format!("`{second_word}` is a step of its own: begin it with a dash, `- {second_word}: …`")
                } else if value.is_null() {
                    format!(
                        "`{second_word}` belongs to `{word}`: indent it two blanks further, or write `{word}: {{{second_word}: {}}}`",
                        other.written().unwrap_or("…")
                    )
                } else {
                    format!("`{second_word}` stands beside `{word}`; a step is one word with its parameters behind it")
                };
                Err(Fault::new(text).of(self.node.ids.clone(), second.at))
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
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let reader = self.reader;
        let Some(item) = self.items.by_ref().find(|item| reader.is_visible(item)) else { return Ok(None) };
        seed.deserialize(reader.at(item)).map(Some).map_err(|fault| fault.within(item))
    }
}

/// The entries of a map.
struct Entries<'a> {
    reader: Reader<'a>,
    entries: std::vec::IntoIter<&'a (Node, Node)>,
    value: Option<&'a (Node, Node)>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some(entry) = self.entries.next() else { return Ok(None) };
        self.value = Some(entry);
        let (key, value) = entry;
        let word = key.written().unwrap_or_default();
        let read = match key.written() {
            Some(word) => seed.deserialize(word.into_deserializer()),
            None => Err(Fault::new("a text that begins with a brace is quoted: \"{{ user.name }}\"".to_owned())),
        };
        read.map(Some).map_err(|fault| Fault { ids: None, ..fault }.of(value.ids.clone(), key.at)).map_err(
            |mut fault| {
                // In braces, a comma begins another entry.
                if let Kind::Text(text) = &mut fault.kind
                    && value.is_null()
                    && word.contains(' ')
                {
                    text.push_str("; a text with a comma in it is quoted");
                }
                fault
            },
        )
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some((key, value)) = self.value.take() else { return Err(de::Error::custom("a value without its key")) };
        // The languages of a text stand for the text.
        let label = key.written().unwrap_or_default();
        seed.deserialize(Reader { label, ..self.reader.at(value) }).map_err(|fault| fault.within(value))
    }
}

/// One word of several, with what stands behind it.
struct Choice<'a> {
    reader: Reader<'a>,
    word: &'a Node,
    value: Option<&'a Node>,
}

impl<'a, 'de> EnumAccess<'de> for Choice<'a> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let word = self.word.written().unwrap_or_default();
        let variant = seed.deserialize(word.into_deserializer()).map_err(|fault: Fault| {
            let Fault { kind, .. } = fault;
            // As a fault of the whole entry, of which nothing is left without its word.
            Fault { ids: Some(self.reader.node.ids.clone()), at: Some(self.word.at), kind }
        })?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Choice<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.value {
            None => Ok(()),
            Some(_) => self.reader.fault("nothing stands behind this word"),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        let label = self.word.written().unwrap_or_default();
        match self.value {
            Some(value) => {
                let read = seed.deserialize(Reader { label, ..self.reader.at(value) });
                read.map_err(|fault| fault.within(value))
            }
            // A word alone: what it lacks is told as for an empty value.
            None => {
                let (ids, at) = (self.word.ids.clone(), self.word.at);
                let content = Content::Scalar { written: String::new(), scalar: Scalar::Null };
                let empty = Node { ids, at, content };
                seed.deserialize(Reader { node: &empty, label, ..self.reader })
            }
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Fault> {
        self.reader.fault("a list is not expected here")
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Some(value) => self.reader.at(value).deserialize_struct("", fields, visitor),
            None => self.reader.no_map(fields),
        }
    }
}

/// Line, column and value.
struct Parts<'a> {
    reader: Reader<'a>,
    next: usize,
}

impl<'de> SeqAccess<'de> for Parts<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let (line, column) = self.reader.node.at;
        self.next += 1;
        let number = |number: u64| -> U64Deserializer<Fault> { number.into_deserializer() };
        match self.next {
            1 => seed.deserialize(number(line)).map(Some),
            2 => seed.deserialize(number(column)).map(Some),
            3 => seed.deserialize(self.reader).map(Some),
            _ => Ok(None),
        }
    }
}
