//! Reads conditions from a definition, and describes their forms in the JSON Schema.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{self, Error, IntoDeserializer, MapAccess, Visitor},
};

use super::{
    ConditionKind, FieldComparison, Predicate, Rule,
    field::{Field, FieldValue},
};
use crate::localization::MultiLanguage;

/// A test of a field: `{field: deleted, is: false}`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct FieldForm {
    /// The field of the user.
    field: Field,
    /// The field must have this value.
    is: Option<FieldValue>,
    /// The field must have another value.
    not: Option<FieldValue>,
    /// The field must have one of these values.
    r#in: Option<Vec<FieldValue>>,
    /// Why the command cannot run if the test fails: a sentence, in one or more languages. Replaces the server's own
    /// sentence.
    reason: Option<MultiLanguage>,
}

/// A rule with its own reason: `{rule: not_self, reason: …}`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct RuleForm {
    /// The rule.
    rule: Rule,
    /// Why the command cannot be run when the rule is broken: a sentence, in one or more languages. The server has one of
    /// its own.
    reason: Option<MultiLanguage>,
}

/// A key of a condition.
enum TestKey {
    Rule,
    Reason,
    Field,
    Is,
    Not,
    In,
}

impl<'de> Deserialize<'de> for TestKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const KEYS: [&str; 6] = ["field", "is", "not", "in", "rule", "reason"];
        let key = String::deserialize(deserializer)?;
        let field: Result<Field, de::value::Error> = Field::deserialize(key.as_str().into_deserializer());
        match key.as_str() {
            "rule" => Ok(Self::Rule),
            "reason" => Ok(Self::Reason),
            "field" => Ok(Self::Field),
            "is" => Ok(Self::Is),
            "not" => Ok(Self::Not),
            "in" => Ok(Self::In),
            _ if field.is_ok() => Err(D::Error::custom(format!("name the field to test: `{{field: {key}, is: …}}`"))),
            _ => Err(D::Error::unknown_field(&key, &KEYS)),
        }
    }
}

/// The entries of a condition that is written as a map.
#[derive(Default)]
struct Entries {
    rule: Option<Rule>,
    reason: Option<MultiLanguage>,
    field: Option<Field>,
    is: Option<FieldValue>,
    not: Option<FieldValue>,
    r#in: Option<Vec<FieldValue>>,
}

impl Entries {
    fn read<'de, A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut entries = Self::default();
        while let Some(key) = map.next_key()? {
            match key {
                TestKey::Rule => entries.rule = Some(map.next_value()?),
                TestKey::Reason => entries.reason = Some(map.next_value()?),
                TestKey::Field => entries.field = Some(map.next_value()?),
                TestKey::Is => entries.is = map.next_value()?,
                TestKey::Not => entries.not = map.next_value()?,
                TestKey::In => entries.r#in = map.next_value()?,
            }
        }
        Ok(entries)
    }
}

impl TryFrom<Entries> for Predicate {
    type Error = String;

    fn try_from(entries: Entries) -> Result<Self, Self::Error> {
        let Entries { rule, reason, field, is, not, r#in } = entries;
        match (rule, field) {
            (Some(rule), None) if is.is_none() && not.is_none() && r#in.is_none() => {
                Ok(RuleForm { rule, reason }.into())
            }
            (Some(_), _) => Err("a rule takes no other entries than `reason`".to_owned()),
            (None, Some(field)) => FieldForm { field, is, not, r#in, reason }.try_into(),
            (None, None) => Err("name the field to test: `{field: deleted, is: false}`".to_owned()),
        }
    }
}

impl From<RuleForm> for Predicate {
    fn from(RuleForm { rule, reason }: RuleForm) -> Self {
        Self { kind: ConditionKind::Rule(rule), reason }
    }
}

impl TryFrom<FieldForm> for Predicate {
    type Error = String;

    fn try_from(FieldForm { field, is, not, r#in, reason }: FieldForm) -> Result<Self, Self::Error> {
        let comparison = match (is, not, r#in) {
            (Some(value), None, None) => FieldComparison::Is(value),
            (None, Some(value), None) => FieldComparison::Not(value),
            (None, None, Some(values)) if !values.is_empty() => FieldComparison::In(values),
            _ => return Err("a field needs exactly one of `is: value`, `not: value` and `in: [value, …]`".to_owned()),
        };
        comparison.values().iter().try_for_each(|value| field.accepts(value))?;
        Ok(Self { kind: ConditionKind::Field { field, comparison }, reason })
    }
}

impl<'de> Deserialize<'de> for Predicate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PredicateVisitor;

        impl<'de> Visitor<'de> for PredicateVisitor {
            type Value = Predicate;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a rule such as not_self, or a test such as {field: deleted, is: false}")
            }

            fn visit_str<E: Error>(self, rule: &str) -> Result<Predicate, E> {
                let kind = ConditionKind::Rule(Rule::deserialize(rule.into_deserializer())?);
                Ok(Predicate { kind, reason: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Predicate, A::Error> {
                Entries::read(map)?.try_into().map_err(A::Error::custom)
            }
        }

        deserializer.deserialize_any(PredicateVisitor)
    }
}

impl JsonSchema for Predicate {
    fn schema_name() -> Cow<'static, str> {
        "Predicate".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (rule, with_reason) = (generator.subschema_for::<Rule>(), generator.subschema_for::<RuleForm>());
        let test = generator.subschema_for::<FieldForm>();
        json_schema!({
            "description": "A rule, or a test of a field with one of is, not and in. Both can have their own reason.",
            "anyOf": [rule, with_reason, test]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Result<Predicate, String> {
        serde_saphyr::from_str(yaml).map_err(|error| error.to_string())
    }

    #[test]
    fn all_forms_of_a_condition_are_read() {
        let tested = |field, comparison| Predicate { kind: ConditionKind::Field { field, comparison }, reason: None };
        assert_eq!(read("not_self"), Ok(Predicate { kind: ConditionKind::Rule(Rule::NotSelf), reason: None }));
        let is = FieldComparison::Is(FieldValue::Bool(false));
        assert_eq!(read("{field: deleted, is: false}"), Ok(tested(Field::Deleted, is)));
        let texts = FieldComparison::In(vec![FieldValue::Text("Employee".into())]);
        assert_eq!(read("{field: role, in: [Employee]}"), Ok(tested(Field::Role, texts)));
        let reason = Some(MultiLanguage::Plain("Ask a colleague.".to_owned()));
        let with_reason = Predicate { kind: ConditionKind::Rule(Rule::NotSelf), reason };
        assert_eq!(read("{rule: not_self, reason: Ask a colleague.}"), Ok(with_reason));
    }

    #[test]
    fn a_reason_is_a_sentence_for_the_caller() {
        for (yaml, reason) in [
            ("{field: deleted, is: false}", "Only for active users."),
            ("{field: deleted, not: false}", "Only for retired users."),
            ("{field: rank, not: 3}", "Not for users with the rank 3."),
            ("{field: role, in: [Employee, Guest]}", "Only for users with the role Employee / Guest."),
            ("{field: is_on_travel, in: [true]}", "Only for users who are travelling."),
            ("not_self", "Not for your own user."),
            ("{field: deleted, is: false, reason: {en: They left., nb: De har sluttet.}}", "They left."),
        ] {
            let found = read(yaml).map(|predicate| predicate.reason().english().to_owned());
            assert_eq!(found, Ok(reason.to_owned()), "{yaml}");
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
            ("{rule: not_self, is: true}", "takes no other entries"),
            ("{field: shoe_size, is: 1}", "shoe_size"),
        ] {
            let error = read(yaml).expect_err(yaml);
            assert!(error.contains(expected), "{yaml}: {error}");
        }
    }
}
