//! Values with their position in the file, and problems at a position.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, SeqAccess, Visitor},
};

/// Line and column, both from 1.
pub type Position = (u64, u64);

/// A problem in a file, with its position if known.
#[derive(Debug, PartialEq, Eq)]
pub struct DefinitionProblem {
    pub at: Option<Position>,
    pub text: String,
}

/// Newtype name that makes the reader pass the position along with the value.
pub const LOCATED: &str = "kommando::Located";
/// Newtype name of parameters that may be an input instead, as `{input: NAME}`.
pub const OR_INPUT: &str = "kommando::OrInput";
/// Newtype name of texts that may contain templates. All other texts may not.
pub const TEMPLATE: &str = "kommando::Template";

/// A value with its position in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    pub value: T,
    pub at: Option<Position>,
}

/// Serializes only the value. The JSON Schema needs this for defaults.
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
                let missing = || A::Error::custom("the position is missing");
                let line = parts.next_element()?.ok_or_else(missing)?;
                let column = parts.next_element()?.ok_or_else(missing)?;
                let value = parts.next_element()?.ok_or_else(missing)?;
                Ok(Located { value, at: Some((line, column)) })
            }
        }

        deserializer.deserialize_newtype_struct(LOCATED, Parts(std::marker::PhantomData))
    }
}
