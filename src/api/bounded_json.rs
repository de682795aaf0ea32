//! The JSON of clients, and its limits. They are checked while the text is read, before anything else is done with it.

use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Deserializer, Map, Value};

/// How deep objects and lists may be nested.
pub const MAX_DEPTH: usize = 32;
/// How many members an object may have.
pub const MAX_MEMBERS: usize = 1_000;
/// How many items a list may have.
pub const MAX_ITEMS: usize = 10_000;
/// How many operations a JSON Patch may have.
pub const MAX_OPERATIONS: usize = 1_000;

/// Reads JSON within the limits.
///
/// # Errors
/// It is not JSON, or exceeds a limit, which the error names.
pub fn parse(text: &[u8]) -> Result<Value, serde_json::Error> {
    let mut deserializer = Deserializer::from_slice(text);
    let value = BoundedValue { depth: 0 }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Reads a value that stands within so many objects and lists.
#[derive(Clone, Copy)]
struct BoundedValue {
    depth: usize,
}

impl BoundedValue {
    fn nested<E: Error>(self) -> Result<Self, E> {
        match self.depth {
            MAX_DEPTH => Err(E::custom(format_args!("objects and lists are nested more than {MAX_DEPTH} deep"))),
            depth => Ok(Self { depth: depth + 1 }),
        }
    }
}

impl<'de> DeserializeSeed<'de> for BoundedValue {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for BoundedValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let item = self.nested()?;
        let mut items = Vec::new();
        while let Some(value) = list.next_element_seed(item)? {
            if items.len() == MAX_ITEMS {
                return Err(A::Error::custom(format_args!("a list has more than {MAX_ITEMS} items")));
            }
            items.push(value);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let member = self.nested()?;
        let (mut members, mut count) = (Map::new(), 0);
        while let Some(name) = object.next_key::<String>()? {
            if count == MAX_MEMBERS {
                return Err(A::Error::custom(format_args!("an object has more than {MAX_MEMBERS} members")));
            }
            count += 1;
            members.insert(name, object.next_value_seed(member)?);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn list(count: usize) -> String {
        format!("[{}]", vec!["7"; count].join(","))
    }

    fn object(count: usize, name: impl Fn(usize) -> String) -> String {
        let members: Vec<_> = (0..count).map(|number| format!("\"{}\":1", name(number))).collect();
        format!("{{{}}}", members.join(","))
    }

    fn nested(depth: usize) -> String {
        let (open, close): (Vec<_>, Vec<_>) =
            (0..depth).map(|level| if level % 2 == 0 { ("[", "]") } else { ("{\"a\":", "}") }).unzip();
        let close: String = close.into_iter().rev().collect();
        format!("{}null{close}", open.concat())
    }

    #[test]
    fn json_is_read_as_serde_json_reads_it() {
        for text in [
            "null",
            "true",
            "-7",
            "18446744073709551615",
            "1.5e3",
            r#""a\u00e9\n""#,
            r#"{"b":[1,{"a":null}],"a":"x","b2":{}}"#,
            "[]",
        ] {
            assert_eq!(parse(text.as_bytes()).ok(), serde_json::from_str(text).ok(), "{text}");
        }
        assert_eq!(parse(br#"{"b":1,"a":2}"#).expect("JSON").to_string(), json!({"b": 1, "a": 2}).to_string());
        for text in ["", "{", "[1,]", "1 2", "{\"a\":1", "\u{feff}{}", "nul"] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn the_largest_json_within_the_limits_is_read() {
        let distinct = |number: usize| format!("x{number}");
        for text in [nested(MAX_DEPTH), object(MAX_MEMBERS, distinct), list(MAX_ITEMS)] {
            assert!(parse(text.as_bytes()).is_ok());
        }
    }

    #[test]
    fn json_over_a_limit_is_refused_with_the_limit() {
        let (distinct, same) = (|number: usize| format!("x{number}"), |_| "x".to_owned());
        for (text, told) in [
            (nested(MAX_DEPTH + 1), "objects and lists are nested more than 32 deep at line 1"),
            ("[".repeat(100_000), "objects and lists are nested more than 32 deep at line 1"),
            (object(MAX_MEMBERS + 1, distinct), "an object has more than 1000 members at line 1"),
            (object(MAX_MEMBERS + 1, same), "an object has more than 1000 members at line 1"),
            (list(MAX_ITEMS + 1), "a list has more than 10000 items at line 1"),
            (format!("[[{}]]", list(MAX_ITEMS + 1)), "a list has more than 10000 items at line 1"),
        ] {
            let error = parse(text.as_bytes()).expect_err(told).to_string();
            assert!(error.starts_with(told), "{error}");
        }
    }
}
