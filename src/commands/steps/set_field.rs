//! `set_field: {field: tooltip, value: …}` sets a field of the user.

use std::borrow::Cow;

use async_trait::async_trait;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

use crate::{
    commands::{
        document::DefinitionProblem,
        inputs::{InputDefinitions, InputType, InputValue},
        step::{PrepareContext, PreparedStep, Step},
        value_or_input::ValueOrInput,
    },
    error::Error,
    users::{Effect, UserColumn, field_limits},
};

/// Sets a field of the user.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "RawSetField")]
pub struct SetField {
    field: Field,
    value: ValueOrInput<Value>,
}

/// Sets a field of the user.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawSetField {
    /// The field to set.
    field: Field,
    /// The new value: a text, a whole number, or true or false, depending on the field, or an input that gives one.
    value: ValueOrInput<Value>,
}

/// The fields that a command can set.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Field {
    Tooltip,
    NickName,
    Rank,
    IsOnTravel,
    WaitingForApproval,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "`value` must be a text, a whole number, or true or false")]
enum Value {
    Bool(bool),
    Int(i32),
    Text(String),
}

/// Maximum length of the fields with a text, in characters.
const TEXT: usize =
    if field_limits::TOOLTIP < field_limits::NICK_NAME { field_limits::TOOLTIP } else { field_limits::NICK_NAME };

impl Field {
    fn column(self) -> UserColumn {
        match self {
            Self::Tooltip => UserColumn::Tooltip,
            Self::NickName => UserColumn::NickName,
            Self::Rank => UserColumn::Rank,
            Self::IsOnTravel => UserColumn::IsOnTravel,
            Self::WaitingForApproval => UserColumn::WaitingForApproval,
        }
    }

    /// Checks that the field takes every value of an input.
    ///
    /// # Errors
    /// What the field takes.
    fn takes(self, input_type: &InputType) -> Result<(), String> {
        let (is_taken, taken) = match (self, input_type) {
            (Self::Tooltip | Self::NickName, InputType::Text(_) | InputType::Email | InputType::Choice(_)) => {
                let is_fitting = input_type.max_length().is_some_and(|longest| longest <= TEXT);
                (is_fitting, format!("a text with a `max_length` of at most {TEXT}"))
            }
            (Self::Tooltip | Self::NickName, _) => (false, "an input of the type text, email or choice".to_owned()),
            (Self::Rank, InputType::Integer { min, max }) => {
                let is_fitting = i32::try_from(*min).is_ok() && i32::try_from(*max).is_ok();
                (is_fitting, "an integer with `min` and `max` of 32 bits".to_owned())
            }
            (Self::Rank, _) => (false, "an input of the type integer".to_owned()),
            (Self::IsOnTravel | Self::WaitingForApproval, input_type) => {
                (matches!(input_type, InputType::Boolean), "an input of the type boolean".to_owned())
            }
        };
        if is_taken { Ok(()) } else { Err(taken) }
    }
}

impl TryFrom<RawSetField> for SetField {
    type Error = String;

    fn try_from(RawSetField { field, value }: RawSetField) -> Result<Self, Self::Error> {
        match (field, &value) {
            (_, ValueOrInput::Input(_))
            | (Field::Rank, ValueOrInput::Value(Value::Int(_)))
            | (Field::IsOnTravel | Field::WaitingForApproval, ValueOrInput::Value(Value::Bool(_))) => {}
            (Field::Tooltip | Field::NickName, ValueOrInput::Value(Value::Text(text))) => {
                field_limits::check("text", text, TEXT).map_err(|error| error.to_string())?;
            }
            (Field::Tooltip | Field::NickName, _) => {
                return Err("this field takes a text: quote a number, and words such as `no` and `yes`".to_owned());
            }
            (Field::Rank, _) => return Err("this field takes a whole number (32 bits)".to_owned()),
            (Field::IsOnTravel | Field::WaitingForApproval, _) => {
                return Err("this field takes true or false, without quotes".to_owned());
            }
        }
        Ok(Self { field, value })
    }
}

impl JsonSchema for SetField {
    fn schema_name() -> Cow<'static, str> {
        "SetField".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        RawSetField::json_schema(generator)
    }
}

impl From<&Value> for sea_orm::Value {
    fn from(value: &Value) -> Self {
        match value {
            Value::Bool(value) => (*value).into(),
            Value::Int(value) => (*value).into(),
            Value::Text(value) => value.as_str().into(),
        }
    }
}

#[async_trait]
impl Step for SetField {
    fn check(&self, inputs: &InputDefinitions) -> Vec<DefinitionProblem> {
        self.value.check(inputs, |input_type| self.field.takes(input_type)).into_iter().collect()
    }

    async fn prepare(&self, context: &PrepareContext<'_>) -> Result<PreparedStep, Error> {
        let value = match &self.value {
            ValueOrInput::Value(value) => value.into(),
            ValueOrInput::Input(name) => column_value(context.input(name)?)?,
        };
        Ok(PreparedStep::effect(Effect::UpdateUser(vec![(self.field.column(), value)])))
    }
}

fn column_value(value: &InputValue) -> Result<sea_orm::Value, Error> {
    let unfit = || Error::internal("the input does not fit the field");
    match value {
        InputValue::Boolean(value) => Ok((*value).into()),
        InputValue::Integer(number) => i32::try_from(*number).map(Into::into).map_err(|_| unfit()),
        other => other.text().map(Into::into).ok_or_else(unfit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_takes_only_values_of_its_type() {
        let read = |yaml: &str| serde_saphyr::from_str::<SetField>(yaml).map(drop).map_err(|error| error.to_string());
        assert_eq!(read("{field: rank, value: 3}"), Ok(()));
        assert_eq!(read("{field: tooltip, value: On leave}"), Ok(()));
        for (yaml, expected) in [
            ("{field: rank, value: high}", "a whole number"),
            ("{field: is_on_travel, value: 1}", "true or false"),
            ("{field: nick_name, value: true}", "a text"),
            ("{field: role, value: Administrator}", "role"),
        ] {
            assert!(read(yaml).expect_err(yaml).contains(expected), "{yaml}");
        }
    }
}
