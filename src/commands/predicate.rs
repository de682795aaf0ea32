//! The conditions of a definition's `when`: tests of the user's fields, and rules between user and caller.

mod field;
mod form;

use schemars::JsonSchema;
use serde::Deserialize;

use self::field::{Field, FieldValue};
use crate::{
    localization::MultiLanguage,
    users::{Caller, User},
};

/// Whether a name in a definition is that of a role or of a group.
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

/// One condition. All of a definition's conditions must be met.
#[derive(Debug, PartialEq)]
pub struct Predicate {
    kind: ConditionKind,
    /// The reason from the definition; it replaces the server's own.
    reason: Option<MultiLanguage>,
}

#[derive(Debug, PartialEq)]
enum ConditionKind {
    /// A rule between the user and the caller. If it is broken, the command is denied.
    Rule(Rule),
    /// A comparison of a field of the user. If it is not met, the command is unavailable.
    Field { field: Field, comparison: FieldComparison },
}

/// A rule between the user and the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The user is not the caller.
    NotSelf,
    /// The user is not the last active administrator.
    NotLastAdmin,
    /// The user's role does not outrank the caller's.
    NotHigherRank,
}

impl Rule {
    fn is_met(self, user: &User, caller: &Caller, is_last_administrator: bool) -> bool {
        match self {
            Self::NotSelf => user.user.id != caller.user_id,
            Self::NotLastAdmin => !is_last_administrator,
            Self::NotHigherRank => user.role.rank <= caller.role_rank,
        }
    }

    /// Why the caller is denied.
    fn reason(self) -> MultiLanguage {
        MultiLanguage::resource(
            match self {
                Self::NotSelf => "SR_NOT_SELF",
                Self::NotLastAdmin => "SR_LAST_ADMINISTRATOR",
                Self::NotHigherRank => "SR_NOT_HIGHER_RANK",
            },
            &[],
        )
    }
}

/// How a field is compared.
#[derive(Debug, PartialEq)]
pub enum FieldComparison {
    Is(FieldValue),
    Not(FieldValue),
    In(Vec<FieldValue>),
}

impl Predicate {
    /// Whether this is a broken rule: the caller is denied.
    pub fn is_broken(&self, user: &User, caller: &Caller, is_last_administrator: bool) -> bool {
        matches!(&self.kind, ConditionKind::Rule(rule) if !rule.is_met(user, caller, is_last_administrator))
    }

    /// Whether this is a field test that is not met: the command is unavailable.
    pub fn is_unavailable(&self, user: &User) -> bool {
        matches!(&self.kind, ConditionKind::Field { field, comparison } if !comparison.is_met(&field.of(user)))
    }

    /// Whether the condition depends on who is the last administrator.
    pub fn asks_for_administrators(&self) -> bool {
        self.kind == ConditionKind::Rule(Rule::NotLastAdmin)
    }

    /// Why the command cannot be run if the condition is not met: a sentence for the caller.
    pub fn reason(&self) -> MultiLanguage {
        let default_reason = || match &self.kind {
            ConditionKind::Rule(rule) => rule.reason(),
            ConditionKind::Field { field, comparison } => comparison.reason(*field),
        };
        self.reason.clone().unwrap_or_else(default_reason)
    }

    /// The roles and groups that the condition compares with.
    pub fn names(&self) -> impl Iterator<Item = (NameKind, &str)> {
        let (kind, values): (_, &[FieldValue]) = match &self.kind {
            ConditionKind::Field { field: Field::Role, comparison } => (NameKind::Role, comparison.values()),
            ConditionKind::Field { field: Field::Group, comparison } => (NameKind::Group, comparison.values()),
            ConditionKind::Field { .. } | ConditionKind::Rule(_) => (NameKind::Role, &[]),
        };
        values.iter().filter_map(move |value| match value {
            FieldValue::Text(name) => Some((kind, name.as_str())),
            FieldValue::Bool(_) | FieldValue::Int(_) => None,
        })
    }
}

impl FieldComparison {
    fn is_met(&self, actual: &FieldValue) -> bool {
        match self {
            Self::Is(value) => value == actual,
            Self::Not(value) => value != actual,
            Self::In(values) => values.contains(actual),
        }
    }

    fn values(&self) -> &[FieldValue] {
        match self {
            Self::Is(value) | Self::Not(value) => std::slice::from_ref(value),
            Self::In(values) => values,
        }
    }

    /// A sentence that says which users the command is for.
    fn reason(&self, field: Field) -> MultiLanguage {
        let is_negated = matches!(self, Self::Not(_));
        let flag = match self {
            Self::Is(FieldValue::Bool(value)) => Some(*value),
            Self::Not(FieldValue::Bool(value)) => Some(!*value),
            Self::In(values) if !values.contains(&FieldValue::Bool(false)) => {
                values.first().and_then(FieldValue::as_bool)
            }
            Self::In(values) if !values.contains(&FieldValue::Bool(true)) => {
                values.first().and_then(FieldValue::as_bool)
            }
            _ => None,
        };
        let id = match (field, flag) {
            (Field::Deleted, Some(true)) => "SR_ONLY_RETIRED",
            (Field::Deleted, _) => "SR_ONLY_ACTIVE",
            (Field::PersonRetired, Some(true)) => "SR_ONLY_PERSON_RETIRED",
            (Field::PersonRetired, _) => "SR_ONLY_PERSON_ACTIVE",
            (Field::IsOnTravel, Some(true)) => "SR_ONLY_TRAVELLING",
            (Field::IsOnTravel, _) => "SR_NOT_TRAVELLING",
            (Field::WaitingForApproval, Some(true)) => "SR_ONLY_WAITING_FOR_APPROVAL",
            (Field::WaitingForApproval, _) => "SR_NOT_WAITING_FOR_APPROVAL",
            (Field::Rank, _) if is_negated => "SR_NOT_RANK",
            (Field::Rank, _) => "SR_ONLY_RANK",
            (Field::Name, _) if is_negated => "SR_NOT_NAME",
            (Field::Name, _) => "SR_ONLY_NAME",
            (Field::Type, _) if is_negated => "SR_NOT_TYPE",
            (Field::Type, _) => "SR_ONLY_TYPE",
            (Field::Role, _) if is_negated => "SR_NOT_ROLE",
            (Field::Role, _) => "SR_ONLY_ROLE",
            (Field::Group, _) if is_negated => "SR_NOT_GROUP",
            (Field::Group, _) => "SR_ONLY_GROUP",
            (Field::Presence, _) if is_negated => "SR_NOT_PRESENCE",
            (Field::Presence, _) => "SR_ONLY_PRESENCE",
        };
        let values: Vec<_> = self.values().iter().map(FieldValue::to_string).collect();
        MultiLanguage::resource(id, &[("value", &values.join(" / "))])
    }
}
