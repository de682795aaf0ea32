//! Parameters of steps that are a value of the definition, or the value of an input.

use std::{borrow::Cow, fmt, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};

use super::{
    document::{DefinitionProblem, Located, OR_INPUT},
    inputs::{InputDefinitions, InputType},
};
use crate::nearest;

/// A value, or the input that gives it: `{input: NAME}`.
#[derive(Clone, Debug)]
pub enum ValueOrInput<T> {
    Value(T),
    Input(Located<String>),
}

impl<T> ValueOrInput<T> {
    /// The value, unless an input gives it.
    pub fn value(&self) -> Option<&T> {
        if let Self::Value(value) = self { Some(value) } else { None }
    }

    /// Checks that the input exists and has a type that the parameter takes. `takes` returns what it takes otherwise.
    pub fn check(
        &self,
        inputs: &InputDefinitions,
        takes: impl FnOnce(&InputType) -> Result<(), String>,
    ) -> Option<DefinitionProblem> {
        if let Self::Input(name) = self { check_input(name, inputs, takes) } else { None }
    }
}

/// As [`ValueOrInput::check`], for the name of an input.
pub fn check_input(
    name: &Located<String>,
    inputs: &InputDefinitions,
    takes: impl FnOnce(&InputType) -> Result<(), String>,
) -> Option<DefinitionProblem> {
    let Located { value: name, at } = name;
    let problem = |text| Some(DefinitionProblem { at: *at, text });
    let Some(input) = inputs.find(name) else { return problem(unknown_input(name, inputs)) };
    let type_name = input.input_type.name();
    match takes(&input.input_type) {
        Ok(()) if input.is_required || input.default.is_some() => None,
        Ok(()) => {
            problem(format!("the input `{name}` may be missing, but the step needs it: remove `required: false`"))
        }
        Err(taken) => problem(format!("the step takes {taken}; the input `{name}` has the type {type_name}")),
    }
}

/// The problem of a name that no input has.
pub fn unknown_input(name: &str, inputs: &InputDefinitions) -> String {
    let names: Vec<_> = inputs.iter().map(|input| input.name.as_str()).collect();
    let near = nearest::suggestion(name, names.iter().copied());
    let known = if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", names.join(", ")) };
    format!("the command has no input `{name}`{near}; {known}")
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ValueOrInput<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = ValueOrInput<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value, or `{input: NAME}`")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
                T::deserialize(deserializer).map(ValueOrInput::Value)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                const KEYS: [&str; 1] = ["input"];
                let mut input = None;
                while let Some(key) = map.next_key::<String>()? {
                    if key != KEYS[0] {
                        return Err(A::Error::unknown_field(&key, &KEYS));
                    }
                    input = Some(map.next_value()?);
                }
                input.map(ValueOrInput::Input).ok_or_else(|| A::Error::custom("name the input: `{input: NAME}`"))
            }
        }

        deserializer.deserialize_newtype_struct(OR_INPUT, Either(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for ValueOrInput<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{}OrInput", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        json_schema!({
            "anyOf": [
                value,
                {
                    "type": "object",
                    "description": "The value of an input.",
                    "properties": {"input": {"type": "string", "description": "The name of the input."}},
                    "required": ["input"],
                    "additionalProperties": false
                }
            ]
        })
    }
}
