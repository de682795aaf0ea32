//! The conditions of a definition's `when`: typed tests of the user's fields, and rules between user and caller.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use sea_orm::ActiveEnum;
use serde::{
    Deserialize, Deserializer,
    de::{self, Error, IntoDeserializer, MapAccess, Visitor},
};

use crate::users::{Caller, Presence, User, UserType};

/// What a name in a definition is the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    Role,
    Group,
}

impl NameKind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Group => "group",
        }
    }
}

/// One condition. All of a definition's conditions must hold.
#[derive(Debug, PartialEq)]
pub enum Predicate {
    /// Something holds between the user and the caller: a matter of permission.
    Rule(Rule),
    /// A field of the user has a certain value: a matter of availability.
    Field { field: Field, test: Test },
}

/// What must hold between the user and the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The caller is another user.
    NotSelf,
    /// Somebody else is an administrator, too.
    NotLastAdmin,
    /// The user's role does not outrank the caller's.
    NotHigherRank,
}

impl Rule {
    fn holds(self, user: &User, caller: &Caller, is_last_administrator: bool) -> bool {
        match self {
            Self::NotSelf => user.user.id != caller.user_id,
            Self::NotLastAdmin => !is_last_administrator,
            Self::NotHigherRank => user.role.rank <= caller.role_rank,
        }
    }

    /// Why a caller is refused, fit for that caller.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotSelf => "nobody may run it on their own user",
            Self::NotLastAdmin => "this is the last administrator who can log in",
            Self::NotHigherRank => "the user's role outranks yours",
        }
    }
}

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

/// What is tested.
#[derive(Debug, PartialEq)]
pub enum Test {
    Is(Value),
    Not(Value),
    In(Vec<Value>),
}

/// A value in a test.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "this is a text, a whole number, or true or false")]
pub enum Value {
    Bool(bool),
    Int(i64),
    Text(String),
}

impl Predicate {
    /// The rule, when it is one and is broken.
    pub fn broken_rule(&self, user: &User, caller: &Caller, is_last_administrator: bool) -> Option<Rule> {
        match self {
            Self::Rule(rule) => (!rule.holds(user, caller, is_last_administrator)).then_some(*rule),
            Self::Field { .. } => None,
        }
    }

    /// The user's field has another value: the command is unavailable, not forbidden.
    pub fn is_unavailable(&self, user: &User) -> bool {
        matches!(self, Self::Field { field, test } if !test.holds(&field.of(user)))
    }
}

/// Why it does not hold, fit for the caller.
impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(rule) => f.write_str(rule.reason()),
            Self::Field { field, test } => write!(f, "it is for users whose {} {test}", field.name()),
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(value) => write!(f, "is {value}"),
            Self::Not(value) => write!(f, "is not {value}"),
            Self::In(values) => {
                let values: Vec<_> = values.iter().map(Value::to_string).collect();
                write!(f, "is one of {}", values.join(", "))
            }
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Text(value) => write!(f, "`{value}`"),
        }
    }
}

impl Predicate {
    /// The roles and groups with which it compares.
    pub fn names(&self) -> impl Iterator<Item = (NameKind, &str)> {
        let (kind, values): (_, &[Value]) = match self {
            Self::Field { field: Field::Role, test } => (NameKind::Role, test.values()),
            Self::Field { field: Field::Group, test } => (NameKind::Group, test.values()),
            Self::Field { .. } | Self::Rule(_) => (NameKind::Role, &[]),
        };
        values.iter().filter_map(move |value| match value {
            Value::Text(name) => Some((kind, name.as_str())),
            Value::Bool(_) | Value::Int(_) => None,
        })
    }
}

impl Test {
    fn holds(&self, actual: &Value) -> bool {
        match self {
            Self::Is(value) => value == actual,
            Self::Not(value) => value != actual,
            Self::In(values) => values.contains(actual),
        }
    }

    fn values(&self) -> &[Value] {
        match self {
            Self::Is(value) | Self::Not(value) => std::slice::from_ref(value),
            Self::In(values) => values,
        }
    }
}

impl Field {
    /// As it is written in a definition.
    fn name(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::PersonRetired => "person_retired",
            Self::IsOnTravel => "is_on_travel",
            Self::WaitingForApproval => "waiting_for_approval",
            Self::Rank => "rank",
            Self::Name => "name",
            Self::Type => "type",
            Self::Role => "role",
            Self::Group => "group",
            Self::Presence => "presence",
        }
    }

    fn of(self, user: &User) -> Value {
        let row = &user.user;
        match self {
            Self::Deleted => Value::Bool(row.deleted),
            Self::PersonRetired => Value::Bool(user.is_person_retired()),
            Self::IsOnTravel => Value::Bool(row.is_on_travel),
            Self::WaitingForApproval => Value::Bool(row.waiting_for_approval),
            Self::Rank => Value::Int(row.rank.into()),
            Self::Name => Value::Text(row.name.clone()),
            Self::Type => Value::Text(row.user_type.to_value()),
            Self::Role => Value::Text(user.role.name.clone()),
            Self::Group => Value::Text(user.group.name.clone()),
            Self::Presence => Value::Text(row.presence_status.to_value()),
        }
    }

    /// A test that could never hold is a mistake of whoever wrote it.
    fn accepts(self, value: &Value) -> Result<(), String> {
        let ok = match (self, value) {
            (Self::Deleted | Self::PersonRetired | Self::IsOnTravel | Self::WaitingForApproval, value) => {
                matches!(value, Value::Bool(_)).then_some(()).ok_or("true or false".to_owned())
            }
            (Self::Rank, value) => matches!(value, Value::Int(_)).then_some(()).ok_or("a whole number".to_owned()),
            (Self::Name | Self::Role | Self::Group, value) => {
                let text = "a text: quote a number, and words such as `no` and `yes`";
                matches!(value, Value::Text(_)).then_some(()).ok_or(text.to_owned())
            }
            (Self::Type, value) => one_of::<UserType>(value),
            (Self::Presence, value) => one_of::<Presence>(value),
        };
        ok.map_err(|expected| format!("this field is compared with {expected}"))
    }
}

fn one_of<E: ActiveEnum<Value = String>>(value: &Value) -> Result<(), String> {
    let names = E::iter().map(|name| name.to_value()).collect::<Vec<_>>();
    match value {
        Value::Text(text) if names.contains(text) => Ok(()),
        _ => Err(format!("one of {}", names.join(", "))),
    }
}

/// How a test of a field is written: `{field: deleted, is: false}`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct FieldTest {
    /// Which field of the user.
    field: Field,
    /// It has this value.
    is: Option<Value>,
    /// It has another value.
    not: Option<Value>,
    /// It has one of these values.
    r#in: Option<Vec<Value>>,
}

/// The name of an entry of a test.
enum TestKey {
    Field,
    Is,
    Not,
    In,
}

impl<'de> Deserialize<'de> for TestKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const KEYS: [&str; 4] = ["field", "is", "not", "in"];
        let key = String::deserialize(deserializer)?;
        let field: Result<Field, de::value::Error> = Field::deserialize(key.as_str().into_deserializer());
        match key.as_str() {
            "field" => Ok(Self::Field),
            "is" => Ok(Self::Is),
            "not" => Ok(Self::Not),
            "in" => Ok(Self::In),
            _ if field.is_ok() => Err(D::Error::custom(format!("a test names its field: `{{field: {key}, is: …}}`"))),
            _ => Err(D::Error::unknown_field(&key, &KEYS)),
        }
    }
}

impl FieldTest {
    fn read<'de, A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let (mut field, mut is, mut not, mut r#in) = (None, None, None, None);
        while let Some(key) = map.next_key()? {
            match key {
                TestKey::Field => field = Some(map.next_value()?),
                TestKey::Is => is = map.next_value()?,
                TestKey::Not => not = map.next_value()?,
                TestKey::In => r#in = map.next_value()?,
            }
        }
        let field = field.ok_or_else(|| A::Error::custom("a test names its field: `{field: deleted, is: false}`"))?;
        Ok(Self { field, is, not, r#in })
    }
}

impl TryFrom<FieldTest> for Predicate {
    type Error = String;

    fn try_from(written: FieldTest) -> Result<Self, Self::Error> {
        let test = match (written.is, written.not, written.r#in) {
            (Some(value), None, None) => Test::Is(value),
            (None, Some(value), None) => Test::Not(value),
            (None, None, Some(values)) if !values.is_empty() => Test::In(values),
            _ => return Err("a field needs exactly one of `is: value`, `not: value` and `in: [value, …]`".to_owned()),
        };
        test.values().iter().try_for_each(|value| written.field.accepts(value))?;
        Ok(Self::Field { field: written.field, test })
    }
}

impl<'de> Deserialize<'de> for Predicate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Condition;

        impl<'de> Visitor<'de> for Condition {
            type Value = Predicate;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a rule such as not_self, or a test such as {field: deleted, is: false}")
            }

            fn visit_str<E: Error>(self, rule: &str) -> Result<Predicate, E> {
                Rule::deserialize(rule.into_deserializer()).map(Predicate::Rule)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Predicate, A::Error> {
                FieldTest::read(map)?.try_into().map_err(A::Error::custom)
            }
        }

        deserializer.deserialize_any(Condition)
    }
}

impl JsonSchema for Predicate {
    fn schema_name() -> Cow<'static, str> {
        "Predicate".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (rule, test) = (generator.subschema_for::<Rule>(), generator.subschema_for::<FieldTest>());
        json_schema!({"description": "A rule, or a test of a field with one of is, not and in.", "anyOf": [rule, test]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Result<Predicate, String> {
        serde_saphyr::from_str(yaml).map_err(|error| error.to_string())
    }

    #[test]
    fn the_written_forms_are_read() {
        assert_eq!(read("not_self"), Ok(Predicate::Rule(Rule::NotSelf)));
        let is = Test::Is(Value::Bool(false));
        assert_eq!(read("{field: deleted, is: false}"), Ok(Predicate::Field { field: Field::Deleted, test: is }));
        let texts = Test::In(vec![Value::Text("Employee".into())]);
        assert_eq!(read("{field: role, in: [Employee]}"), Ok(Predicate::Field { field: Field::Role, test: texts }));
    }

    #[test]
    fn what_does_not_hold_is_told_in_the_words_of_the_definition() {
        for (yaml, reason) in [
            ("{field: deleted, is: false}", "it is for users whose deleted is false"),
            ("{field: rank, not: 3}", "it is for users whose rank is not 3"),
            ("{field: role, in: [Employee, Guest]}", "it is for users whose role is one of `Employee`, `Guest`"),
            ("not_self", "nobody may run it on their own user"),
        ] {
            assert_eq!(read(yaml).map(|predicate| predicate.to_string()), Ok(reason.to_owned()));
        }
        let fields = [Field::Deleted, Field::PersonRetired, Field::IsOnTravel, Field::WaitingForApproval, Field::Rank];
        for field in fields.into_iter().chain([Field::Name, Field::Type, Field::Role, Field::Group, Field::Presence]) {
            assert_eq!(serde_saphyr::from_str::<Field>(field.name()).expect("a field"), field);
        }
    }

    #[test]
    fn a_test_that_could_never_hold_is_refused() {
        for (yaml, expected) in [
            ("{field: deleted, is: maybe}", "true or false"),
            ("{field: rank, is: high}", "a whole number"),
            ("{field: type, is: Robot}", "InternalAssociate"),
            ("{field: presence, in: [Away]}", "StatusNotAvailable"),
            ("{field: deleted}", "exactly one of"),
            ("{field: deleted, is: true, not: false}", "exactly one of"),
            ("{field: role, in: []}", "exactly one of"),
            ("not_him", "not_last_admin"),
            ("{field: shoe_size, is: 1}", "shoe_size"),
        ] {
            let fault = read(yaml).expect_err(yaml);
            assert!(fault.contains(expected), "{yaml}: {fault}");
        }
    }
}
