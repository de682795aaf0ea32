//! The inputs as a caller sends them: a JSON object, or texts such as `reason=Left the company`.

use std::fmt;

use serde_json::{Map, Value};

use crate::error::{Error, quoted};

/// The inputs that a caller gave, unchecked.
#[derive(Clone, Default)]
pub struct GivenInputs(Vec<GivenInput>);

#[derive(Clone)]
pub struct GivenInput {
    pub name: String,
    pub value: Value,
    pub place: Place,
}

/// Where a caller gives an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The body of a request, or standard input.
    Body,
    /// The URL, which proxies log.
    Query,
    /// The command line, which other users of the machine see.
    CommandLine,
}

impl GivenInputs {
    pub fn from_object(members: Map<String, Value>) -> Self {
        let given = |(name, value)| GivenInput { name, value, place: Place::Body };
        Self(members.into_iter().map(given).collect())
    }

    /// Adds inputs that are written as `name=value`. The value is everything after the first `=`.
    ///
    /// # Errors
    /// A text has no `=`, or an input is given twice.
    pub fn add_texts(&mut self, texts: impl IntoIterator<Item = String>, place: Place) -> Result<(), Error> {
        for (index, text) in texts.into_iter().enumerate() {
            // The text is not shown, because it may be a secret.
            let unreadable = || Error::InvalidArgument(format!("Input {}: write it as name=value.", index + 1));
            let (name, value) = text.split_once('=').ok_or_else(unreadable)?;
            self.add(GivenInput { name: name.to_owned(), value: value.into(), place })?;
        }
        Ok(())
    }

    fn add(&mut self, given: GivenInput) -> Result<(), Error> {
        if self.0.iter().any(|known| known.name.eq_ignore_ascii_case(&given.name)) {
            return Err(Error::InvalidArgument(format!(
                "Input {}: it is given twice; send it once.",
                quoted(&given.name)
            )));
        }
        self.0.push(given);
        Ok(())
    }

    /// Whether no input has a value. Null is none.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|given| given.value.is_null())
    }

    pub fn iter(&self) -> impl Iterator<Item = &GivenInput> {
        self.0.iter()
    }

    /// A text that is the same for the same inputs in any order, in JSON and as texts.
    pub fn canonical(&self) -> String {
        let mut members: Vec<_> = self.0.iter().filter(|given| !given.value.is_null()).collect();
        members.sort_by_key(|given| given.name.to_ascii_lowercase());
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let member = |given: &GivenInput| Value::from(vec![given.name.to_ascii_lowercase(), text(&given.value)]);
        Value::Array(members.into_iter().map(member).collect()).to_string()
    }
}

/// Shows only the names, because a value may be a secret.
impl fmt::Debug for GivenInputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|given| &given.name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> GivenInputs {
        let Value::Object(members) = value else { unreachable!("it is an object") };
        GivenInputs::from_object(members)
    }

    fn texts(texts: &[&str]) -> Result<GivenInputs, String> {
        let mut given = GivenInputs::default();
        let texts = texts.iter().map(|text| (*text).to_owned());
        given.add_texts(texts, Place::Body).map(|()| given).map_err(|error| error.to_string())
    }

    #[test]
    fn the_same_inputs_have_the_same_canonical_text() {
        let given = object(json!({"reason": "a=b", "Count": 2, "sure": true, "until": null}));
        let same = texts(&["SURE=true", "count=2", "reason=a=b"]).expect("inputs");
        assert_eq!(given.canonical(), same.canonical());
        for other in [json!({}), json!({"reason": "a=b", "count": 3, "sure": true}), json!({"reason": "a", "b": ""})] {
            assert_ne!(object(other.clone()).canonical(), same.canonical(), "{other}");
        }
    }

    #[test]
    fn a_text_without_a_name_and_a_name_given_twice_are_refused() {
        assert!(texts(&["reason"]).expect_err("no `=`").contains("name=value"));
        assert!(texts(&["a=1", "A=1"]).expect_err("twice").contains("given twice"));
        assert!(texts(&["a=", "b=="]).is_ok());
    }
}
