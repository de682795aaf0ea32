//! Generates users and definitions in all states that conditions distinguish.

use kommando::users::{Presence, UserType};
use proptest::{
    bool::weighted,
    collection::vec,
    prelude::*,
    sample::{select, subsequence},
};
use serde_json::{Value, json};

const ROLES: [&str; 3] = ["Administrator", "Employee", "ExternalUser"];
const GROUPS: [&str; 2] = ["Head office", "Field sales"];
const NAMES: [&str; 5] = ["admin", "anna", "bjorn", "chris", "dora"];
const TYPES: [UserType; 3] = [UserType::InternalAssociate, UserType::ExternalAssociate, UserType::SystemAssociate];
const PRESENCES: [Presence; 3] = [Presence::StatusNormal, Presence::StatusNotAvailable, Presence::StatusDeleted];
const RANKS: std::ops::Range<i32> = 0..3;

/// The generated state of a user.
#[derive(Clone, Debug)]
pub struct State {
    pub deleted: bool,
    pub person_retired: bool,
    pub is_on_travel: bool,
    pub waiting_for_approval: bool,
    pub rank: i32,
    pub user_type: UserType,
    pub presence: Presence,
    pub role_id: i32,
    pub group_id: i32,
}

prop_compose! {
    fn state()(
        deleted in weighted(0.2),
        person_retired in weighted(0.2),
        is_on_travel in any::<bool>(),
        waiting_for_approval in any::<bool>(),
        rank in RANKS,
        user_type in select(&TYPES[..]),
        presence in select(&PRESENCES[..]),
        role_id in 1..=3,
        group_id in 1..=2,
    ) -> State {
        State { deleted, person_retired, is_on_travel, waiting_for_approval, rank, user_type, presence, role_id, group_id }
    }
}

/// A state for each demo user.
pub fn states() -> impl Strategy<Value = Vec<State>> {
    vec(state(), NAMES.len())
}

/// Definitions as JSON, without their names.
pub fn definitions() -> impl Strategy<Value = Vec<Value>> {
    vec(definition(), 1..8)
}

fn definition() -> impl Strategy<Value = Value> {
    let allowed = prop_oneof![4 => Just(ROLES.to_vec()), 2 => subsequence(ROLES.to_vec(), 0..=3)];
    let denied = prop_oneof![3 => Just(Vec::new()), 1 => subsequence(ROLES.to_vec(), 0..=2)];
    // The first step changes nothing. The second changes a field that no condition reads, so the command is checked
    // again in its transaction.
    let step =
        select(vec![json!({"message": {"text": "Hi"}}), json!({"set_field": {"field": "tooltip", "value": "x"}})]);
    let confirmation = select(vec![None, Some("ok"), Some("ok_cancel"), Some("yes_no")]);
    (vec(condition(), 0..3), allowed, denied, step, confirmation).prop_map(|(when, allowed, denied, step, confirm)| {
        let mut definition = json!({
            "display_name": "X", "when": when, "allow_roles": allowed, "deny_roles": denied, "steps": [step],
        });
        if let Some(confirm) = confirm {
            definition["confirm"] = json!(confirm);
            definition["question"] = json!("Sure about {{ user.name }}?");
        }
        definition
    })
}

fn condition() -> impl Strategy<Value = Value> {
    let rule = select(vec!["not_self", "not_last_admin", "not_higher_rank"]).prop_map(Value::from);
    prop_oneof![rule, field_test()]
}

fn field_test() -> impl Strategy<Value = Value> {
    let flags = ["deleted", "person_retired", "is_on_travel", "waiting_for_approval"];
    let mut fields = flags.map(|flag| (flag, vec![json!(true), json!(false)])).to_vec();
    fields.extend([
        ("rank", RANKS.map(Value::from).collect()),
        ("name", NAMES.map(Value::from).to_vec()),
        ("role", ROLES.map(Value::from).to_vec()),
        ("group", GROUPS.map(Value::from).to_vec()),
        ("type", TYPES.map(|one| json!(one)).to_vec()),
        ("presence", PRESENCES.map(|one| json!(one)).to_vec()),
    ]);
    let field = select(fields).prop_flat_map(|(field, values)| (Just(field), vec(select(values), 1..3)));
    (field, select(vec!["is", "not", "in"])).prop_map(|((field, values), test)| {
        let compared = if test == "in" { json!(values) } else { values[0].clone() };
        json!({"field": field, test: compared})
    })
}
