//! The fields of a user that a definition can test, and their values.

use std::fmt;

use schemars::JsonSchema;
use sea_orm::ActiveEnum;
use serde::Deserialize;

use crate::users::{Presence, User, UserType};

/// A field that can be tested.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    Deleted,
    PersonRetired,
    IsOnTravel,
    WaitingForApproval,
    Rank,
    Name,
    Type,
    Role,
    Group,
    Presence,
}

/// A value in a test.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a text, a whole number, or true or false")]
pub enum FieldValue {
    Bool(bool),
    Int(i64),
    Text(String),
}

impl FieldValue {
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }
}

impl fmt::Display for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Text(value) => f.write_str(value),
        }
    }
}

impl Field {
    pub fn of(self, user: &User) -> FieldValue {
        let row = &user.user;
        match self {
            Self::Deleted => FieldValue::Bool(row.deleted),
            Self::PersonRetired => FieldValue::Bool(user.is_person_retired()),
            Self::IsOnTravel => FieldValue::Bool(row.is_on_travel),
            Self::WaitingForApproval => FieldValue::Bool(row.waiting_for_approval),
            Self::Rank => FieldValue::Int(row.rank.into()),
            Self::Name => FieldValue::Text(row.name.clone()),
            Self::Type => FieldValue::Text(row.user_type.to_value()),
            Self::Role => FieldValue::Text(user.role.name.clone()),
            Self::Group => FieldValue::Text(user.group.name.clone()),
            Self::Presence => FieldValue::Text(row.presence_status.to_value()),
        }
    }

    /// Checks that the field can have this value.
    ///
    /// # Errors
    /// The values that the field can have.
    pub fn accepts(self, value: &FieldValue) -> Result<(), String> {
        let ok = match (self, value) {
            (Self::Deleted | Self::PersonRetired | Self::IsOnTravel | Self::WaitingForApproval, value) => {
                matches!(value, FieldValue::Bool(_)).then_some(()).ok_or("true or false".to_owned())
            }
            (Self::Rank, value) => matches!(value, FieldValue::Int(_)).then_some(()).ok_or("a whole number".to_owned()),
            (Self::Name | Self::Role | Self::Group, value) => {
                let text = "a text: quote a number, and words such as `no` and `yes`";
                matches!(value, FieldValue::Text(_)).then_some(()).ok_or(text.to_owned())
            }
            (Self::Type, value) => one_of::<UserType>(value),
            (Self::Presence, value) => one_of::<Presence>(value),
        };
        ok.map_err(|expected| format!("compare this field with {expected}"))
    }
}

fn one_of<E: ActiveEnum<Value = String>>(value: &FieldValue) -> Result<(), String> {
    let names = E::iter().map(|name| name.to_value()).collect::<Vec<_>>();
    match value {
        FieldValue::Text(text) if names.contains(text) => Ok(()),
        _ => Err(format!("one of {}", names.join(", "))),
    }
}
