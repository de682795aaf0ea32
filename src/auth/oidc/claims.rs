//! The members of a JWT's header and payload. Duplicate members are rejected, because JSON parsers disagree on which of
//! two values counts.

use std::{collections::BTreeMap, fmt};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use serde_json::Value;

/// The claims of a token by name.
#[derive(Clone, Debug)]
pub struct Claims(BTreeMap<String, Value>);

impl Claims {
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ClaimsVisitor)
    }
}

struct ClaimsVisitor;

impl<'de> Visitor<'de> for ClaimsVisitor {
    type Value = Claims;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut members: M) -> Result<Claims, M::Error> {
        let mut claims = BTreeMap::new();
        while let Some((name, value)) = members.next_entry::<String, Value>()? {
            if claims.insert(name, value).is_some() {
                return Err(M::Error::custom("duplicate claim"));
            }
        }
        Ok(Claims(claims))
    }
}

/// Checks that a token's header has no duplicate members.
///
/// # Errors
/// A member appears twice, or the header cannot be read.
pub fn check_header(token: &str) -> Result<(), serde_json::Error> {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap_or_default()).unwrap_or_default();
    serde_json::from_slice::<Claims>(&header).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(json: &str) -> Result<(), serde_json::Error> {
        check_header(&format!("{}.e30.x", URL_SAFE_NO_PAD.encode(json)))
    }

    #[test]
    fn a_duplicate_header_member_is_rejected() {
        assert!(header(r#"{"alg":"ES256","kid":"a","typ":"JWT"}"#).is_ok());
        for twice in ["alg", "kid", "typ", "crit", "x"] {
            let json = format!(r#"{{"alg":"ES256","kid":"a","{twice}":"1","{twice}":"1"}}"#);
            assert!(header(&json).is_err(), "{json}");
        }
        // `\u006bid` is `kid`.
        assert!(header(r#"{"kid":"a","\u006bid":"b"}"#).is_err());
    }

    #[test]
    fn a_duplicate_claim_is_rejected() {
        let read = |json: &str| serde_json::from_str::<Claims>(json);
        assert_eq!(read(r#"{"sub":"a"}"#).expect("claims").get("sub"), Some(&Value::from("a")));
        for wrong in [r#"{"sub":"a","sub":"a"}"#, r#"{"sub":"a","\u0073ub":"b"}"#, "[]", "null", "7"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
