//! A definition's file as a tree of values with their places, from which types are read so that all faults are found.

mod reader;
mod syntax;
#[cfg(test)]
mod tests;
mod tree;

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Error as _, SeqAccess, Visitor},
};

pub use self::tree::Node;

/// Line and column, both from 1.
pub type Place = (u64, u64);

/// What is wrong, and where, as far as that is known.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    pub at: Option<Place>,
    pub text: String,
}

/// The newtype of this name is given its value's place beside the value.
const LOCATED: &str = "kommando::Located";
/// The newtype of this name may hold templates; no other text may.
pub const TEMPLATE: &str = "kommando::Template";

/// More faults of one file than this are not listed.
const MOST_FAULTS: usize = 50;

/// Parses a file.
///
/// # Errors
/// It is no YAML; then nothing else about it can be said.
pub fn parse(text: &str) -> Result<Node, Problem> {
    tree::parse(text)
}

/// Reads a value, or finds everything that is wrong with it.
///
/// Reading ends at the first fault. So it is read again without the part that was wrong, until nothing else is.
///
/// # Errors
/// Something is wrong.
pub fn read<T: DeserializeOwned>(root: &Node) -> Result<T, Vec<Problem>> {
    let (mut hidden, mut problems) = (Vec::new(), Vec::new());
    loop {
        let error = match reader::read(root, &hidden) {
            Ok(value) if hidden.is_empty() => return Ok(value),
            Ok(_) => return Err(problems),
            Err(error) => error,
        };
        let ids = error.ids.clone().unwrap_or_else(|| root.ids.clone());
        // Where a part is left out, what is wrong with the whole may come from that.
        let is_consequence = hidden.iter().any(|one| *one != ids.start && ids.contains(one));
        if !is_consequence {
            problems.push(Problem { at: error.at, text: error.text() });
        }
        if ids == root.ids || problems.len() >= MOST_FAULTS {
            return Err(problems);
        }
        hidden.push(ids.start);
    }
}

/// A value and its place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    pub value: T,
    pub at: Option<Place>,
}

/// As its value: the schema shows defaults.
impl<T: Serialize> Serialize for Located<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Located<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Parts<T> {
            type Value = Located<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Located<T>, D::Error> {
                Ok(Located { value: T::deserialize(deserializer)?, at: None })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Located<T>, A::Error> {
                let missing = || A::Error::custom("a place is missing");
                let line = parts.next_element()?.ok_or_else(missing)?;
                let column = parts.next_element()?.ok_or_else(missing)?;
                let value = parts.next_element()?.ok_or_else(missing)?;
                Ok(Located { value, at: Some((line, column)) })
            }
        }

        deserializer.deserialize_newtype_struct(LOCATED, Parts(std::marker::PhantomData))
    }
}
