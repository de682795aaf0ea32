//! `set_field: {field: tooltip, value: …}` sets a field of the user.

use std::borrow::Cow;

use async_trait::async_trait;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

use crate::{
    commands::step::{PrepareContext, PreparedStep, Step},
    error::Error,
    users::{Effect, UserColumn, field_limits},
};

/// Sets a field of the user.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "RawSetField")]
pub struct SetField {
    column: UserColumn,
    value: Value,
}

/// Sets a field of the user.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawSetField {
    /// The field to set.
    field: Field,
    /// The new value: a text, a whole number, or true or false, depending on the field.
    value: Value,
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

impl TryFrom<RawSetField> for SetField {
    type Error = String;

    fn try_from(RawSetField { field, value }: RawSetField) -> Result<Self, Self::Error> {
        let column = match (field, &value) {
            (Field::Tooltip, Value::Text(_)) => UserColumn::Tooltip,
            (Field::NickName, Value::Text(_)) => UserColumn::NickName,
            (Field::Rank, Value::Int(_)) => UserColumn::Rank,
            (Field::IsOnTravel, Value::Bool(_)) => UserColumn::IsOnTravel,
            (Field::WaitingForApproval, Value::Bool(_)) => UserColumn::WaitingForApproval,
            (Field::Tooltip | Field::NickName, _) => {
                return Err("this field takes a text: quote a number, and words such as `no` and `yes`".to_owned());
            }
            (Field::Rank, _) => return Err("this field takes a whole number (32 bits)".to_owned()),
            (Field::IsOnTravel | Field::WaitingForApproval, _) => {
                return Err("this field takes true or false, without quotes".to_owned());
            }
        };
        if let Value::Text(text) = &value {
            field_limits::check("text", text, field_limits::TOOLTIP.min(field_limits::NICK_NAME))
                .map_err(|error| error.to_string())?;
        }
        Ok(Self { column, value })
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
    async fn prepare(&self, _: &PrepareContext<'_>) -> Result<PreparedStep, Error> {
        Ok(PreparedStep::effect(Effect::UpdateUser(vec![(self.column, (&self.value).into())])))
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
