//! Parses JSON from clients. The limits are checked during parsing, so that large input is refused early.

use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Deserializer, Map, Value};

use crate::error::quoted;

/// The maximum nesting of objects and lists.
pub const MAX_DEPTH: usize = 32;
/// The maximum number of members in an object.
pub const MAX_MEMBERS: usize = 1_000;
/// The maximum number of items in a list.
pub const MAX_ITEMS: usize = 10_000;
/// The maximum number of operations in a JSON Patch.
pub const MAX_OPERATIONS: usize = 1_000;

/// The UTF-8 byte order mark. Some editors and .NET encoders write it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A body without its byte order mark and without leading and trailing whitespace.
pub fn trimmed(body: &[u8]) -> &[u8] {
    body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body).trim_ascii()
}

/// Parses JSON within the limits. Like .NET, it accepts a trailing comma in objects and lists.
///
/// # Errors
/// The text is not JSON, exceeds a limit, or has a name twice in one object; the error names it.
pub fn parse(body: &[u8]) -> Result<Value, serde_json::Error> {
    let text = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    match parse_strictly(text) {
        Err(error) if error.is_syntax() => match without_trailing_commas(text) {
            Some(corrected) => parse_strictly(&corrected),
            None => Err(error),
        },
        result => result,
    }
}

/// The same JSON with every trailing comma replaced by a space; `None` without trailing commas. A comma is a trailing
/// one when it comes after a value and before `]` or `}`.
fn without_trailing_commas(text: &[u8]) -> Option<Vec<u8>> {
    let mut corrected = None;
    let (mut is_in_string, mut is_escaped) = (false, false);
    // The last byte that is not whitespace, and its index if it is a comma after a value.
    let (mut last, mut comma) = (b',', None);
    for (index, &byte) in text.iter().enumerate() {
        if is_in_string {
            is_in_string = is_escaped || byte != b'"';
            is_escaped = !is_escaped && byte == b'\\';
            continue;
        }
        match (byte, comma) {
            (b' ' | b'\n' | b'\r' | b'\t', _) => continue,
            (b']' | b'}', Some(comma)) => corrected.get_or_insert_with(|| text.to_vec())[comma] = b' ',
            _ => {}
        }
        is_in_string = byte == b'"';
        comma = (byte == b',' && !b"[{,:".contains(&last)).then_some(index);
        last = byte;
    }
    corrected
}

fn parse_strictly(text: &[u8]) -> Result<Value, serde_json::Error> {
    let mut deserializer = Deserializer::from_slice(text);
    let value = BoundedValue { depth: 0 }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Reads a value that is nested in `depth` objects and lists.
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
            if members.contains_key(&name) {
                return Err(A::Error::custom(format_args!("{} is given twice in one object", quoted(&name))));
            }
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
    fn json_is_parsed_as_by_serde_json() {
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
        for text in ["", "{", "1 2", "{\"a\":1", "nul"] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_byte_order_mark_and_trailing_commas_are_accepted() {
        for (text, expected) in [
            ("\u{feff}{}", json!({})),
            ("[1,]", json!([1])),
            ("[1 ,\r\n\t]", json!([1])),
            (r#"{"a":"x,}",}"#, json!({"a": "x,}"})),
            (r#"{"a":"\"," ,}"#, json!({"a": "\","})),
            (r#"{"a\\":[{},[],],"b":{"c":true,},}"#, json!({"a\\": [{}, []], "b": {"c": true}})),
            ("\u{feff}[[null,],\"\",]", json!([[null], ""])),
        ] {
            assert_eq!(parse(text.as_bytes()).ok(), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_comma_without_a_value_is_refused() {
        for text in
            ["[,]", "{,}", "[1,,]", "[1,,2]", "1,", ",", "{\"a\":,}", "{\"a\",}", "[1,", "[1],", "\u{feff}\u{feff}1"]
        {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_duplicate_name_in_an_object_is_refused() {
        for text in [r#"{"a":1,"a":1}"#, r#"[{"b":{"a":1,"x":2,"\u0061":3}}]"#, r#"{"a":1,"a":2,}"#] {
            let error = parse(text.as_bytes()).expect_err(text).to_string();
            assert!(error.starts_with("`a` is given twice in one object at line 1"), "{error}");
        }
        for text in [r#"{"a":1,"A":1}"#, r#"{"a":{"a":{"a":1}}}"#, r#"[{"a":1},{"a":1}]"#] {
            assert!(parse(text.as_bytes()).is_ok(), "{text}");
        }
        let long = format!("{{{0}:1,{0}:1}}", format_args!("\"{}\"", "a".repeat(60_000)));
        assert!(parse(long.as_bytes()).expect_err("a name twice").to_string().len() < 200);
    }

    #[test]
    fn json_at_the_limits_is_accepted() {
        let distinct = |number: usize| format!("x{number}");
        for text in [nested(MAX_DEPTH), object(MAX_MEMBERS, distinct), list(MAX_ITEMS)] {
            assert!(parse(text.as_bytes()).is_ok());
        }
    }

    #[test]
    fn json_over_a_limit_is_refused_with_the_limit() {
        let distinct = |number: usize| format!("x{number}");
        for (text, expected) in [
            (nested(MAX_DEPTH + 1), "objects and lists are nested more than 32 deep at line 1"),
            ("[".repeat(100_000), "objects and lists are nested more than 32 deep at line 1"),
            (object(MAX_MEMBERS + 1, distinct), "an object has more than 1000 members at line 1"),
            (list(MAX_ITEMS + 1), "a list has more than 10000 items at line 1"),
            (format!("[[{}]]", list(MAX_ITEMS + 1)), "a list has more than 10000 items at line 1"),
        ] {
            let error = parse(text.as_bytes()).expect_err(expected).to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
