//! References in a user to a role, groups and a person, each with an id and a name. A change may use either. A name
//! that only repeats the present one is removed, so that the remaining names are those that the client meant.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::json_patch::Operation;
use crate::{api::models::User, localization::reads_as};

/// Properties with a reference: an object with Id and Value.
const NAMED: [&str; 2] = ["Role", "UserGroup"];
const PERSON: &str = "Person";
/// The properties of a person that form its name.
const PERSON_NAMES: [&str; 4] = ["FullName", "Firstname", "MiddleName", "Lastname"];

/// How a change sets references.
pub enum Given {
    /// Id and name together: if one is missing, it is not taken from the present reference.
    Whole,
    /// Member by member, except for the properties in `whole`. A name that stays the same while the id changes belongs
    /// to the present reference.
    InParts { whole: Vec<&'static str> },
}

impl Given {
    fn is_whole(&self, property: &str) -> bool {
        match self {
            Self::Whole => true,
            Self::InParts { whole } => whole.contains(&property),
        }
    }
}

/// The reference properties that a JSON Patch sets as a whole.
pub fn set_as_a_whole(operations: &[Operation]) -> Vec<&'static str> {
    let is_set = |property: &&str| operations.iter().any(|operation| operation.sets(property));
    NAMED.into_iter().filter(is_set).collect()
}

/// Completes the references in a change: a reference with only an id gets an empty name, one with only a name gets id
/// 0. Otherwise the missing part would be taken from the present reference.
pub fn completed(mut given: Map<String, Value>, present: &User) -> Map<String, Value> {
    for property in NAMED {
        if let Some(reference) = object_mut(&mut given, property) {
            match (number(reference, "Id").is_some(), is_given(reference, "Value")) {
                (true, false) => set(reference, "Value", "".into()),
                (false, true) => set(reference, "Id", 0.into()),
                _ => {}
            }
        }
    }
    if let Some(person) = object_mut(&mut given, PERSON) {
        let same_person = [None, Some(0), Some(i64::from(present.person.person_id))];
        if !same_person.contains(&number(person, "PersonId")) {
            let missing: Vec<_> = PERSON_NAMES.into_iter().filter(|name| !is_given(person, name)).collect();
            missing.into_iter().for_each(|name| set(person, name, "".into()));
        }
    }
    given
}

/// Clears the names that the change did not give.
pub fn keep_given_names(present: &User, changed: &mut User, given: &Given) {
    let (before, after) = (&present.role, &mut changed.role);
    keep_given((before.id, &before.value), (&mut after.id, &mut after.value), given.is_whole("Role"));
    let (before, after) = (&present.user_group, &mut changed.user_group);
    keep_given((before.id, &before.value), (&mut after.id, &mut after.value), given.is_whole("UserGroup"));
    let known: HashMap<_, _> = present.other_groups.iter().map(|group| (group.id, &group.value)).collect();
    for group in &mut changed.other_groups {
        if known.get(&group.id).is_some_and(|name| is_name(name, &group.value)) {
            group.value.clear();
        }
    }
    keep_given_person(present, changed);
}

fn keep_given((id, name): (i32, &str), (new_id, new_name): (&mut i32, &mut String), is_whole: bool) {
    let (has_other_id, has_other_name) = (*new_id != id, !is_name(name, new_name));
    match (has_other_id, has_other_name) {
        (false, false) => new_name.clear(),
        // The client read the user, changed the id and sent the old name back.
        (true, false) if !is_whole || *new_id != 0 => new_name.clear(),
        (false, true) if !is_whole && !new_name.is_empty() => *new_id = 0,
        _ => {}
    }
}

/// Whether `given` is the stored name, or its translation in any language.
fn is_name(stored: &str, given: &str) -> bool {
    stored == given || reads_as(stored, given)
}

/// Clears the person's names that the change did not give. FullName is made from the other names, so for the same
/// person it counts only if none of them changed. For another person, all four names help to identify the person.
fn keep_given_person(present: &User, changed: &mut User) {
    let (before, after) = (&present.person, &mut changed.person);
    let is_same_person = [0, before.person_id].contains(&after.person_id);
    let parts = [
        (&before.firstname, &mut after.firstname),
        (&before.middle_name, &mut after.middle_name),
        (&before.lastname, &mut after.lastname),
    ];
    let mut has_other_parts = false;
    for (before, after) in parts {
        has_other_parts |= *before != *after;
        if !is_same_person && *before == *after {
            after.clear();
        }
    }
    let is_unchanged = after.full_name == before.full_name;
    if is_unchanged || is_same_person && has_other_parts {
        after.full_name.clear();
    }
}

/// The object in a property. The name is case-insensitive.
fn object_mut<'a>(given: &'a mut Map<String, Value>, name: &str) -> Option<&'a mut Map<String, Value>> {
    let (_, value) = given.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    value.as_object_mut()
}

fn get<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    members.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// A number. A merge patch may have it as a string.
fn number(members: &Map<String, Value>, name: &str) -> Option<i64> {
    let value = get(members, name)?;
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn is_given(members: &Map<String, Value>, name: &str) -> bool {
    get(members, name).and_then(Value::as_str).is_some_and(|text| !text.is_empty())
}

/// Sets a member, replacing one whose name differs only in case.
fn set(members: &mut Map<String, Value>, name: &str, value: Value) {
    match members.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        Some((_, present)) => *present = value,
        None => drop(members.insert(name.to_owned(), value)),
    }
}

#[cfg(test)]
mod tests {
    use poem_openapi::types::Example;
    use serde_json::json;

    use super::*;
    use crate::api::extract::{json_body, user_patch::UserPatch};

    /// Id and name of Anna's role after a change; 0 and "" mean not given.
    fn role(change: UserPatch) -> (i32, String) {
        let user = change.apply(&User::example()).expect("a user");
        (user.role.id, user.role.value)
    }

    fn put(role: Value) -> UserPatch {
        UserPatch::Properties(json_body::parse(json!({"role": role})).expect("properties"))
    }

    fn merge(role: Value) -> UserPatch {
        let Value::Object(members) = json!({"ROLE": role}) else { unreachable!("it is an object") };
        UserPatch::Merge(members)
    }

    fn operations(operations: Value) -> UserPatch {
        UserPatch::Operations(serde_json::from_value(operations).expect("operations"))
    }

    #[test]
    fn a_name_counts_only_if_the_change_gives_it() {
        // Anna is an Employee; the id of that role is 2.
        for (given, expected) in [
            (json!({"Id": 1}), (1, "")),
            (json!({"Value": "Administrator"}), (0, "Administrator")),
            (json!({"Value": "Employee"}), (0, "Employee")),
            (json!({"Id": 0, "Value": "Administrator"}), (0, "Administrator")),
            (json!({"Id": 0, "Value": "Employee"}), (0, "Employee")),
            (json!({"Id": 1, "Value": "Administrator"}), (1, "Administrator")),
            (json!({"Id": 1, "Value": "Employee"}), (1, "")),
            (json!({"id": "1", "value": "Employee"}), (1, "")),
            (json!({"Id": 1, "Value": "System"}), (1, "System")),
            (json!({"Id": 2, "Value": "Administrator"}), (2, "Administrator")),
            (json!({"Id": 2, "Value": "Employee"}), (2, "")),
            (json!({"Id": 1, "Value": ""}), (1, "")),
            (json!({"Id": 0, "Value": ""}), (0, "")),
            (json!({"Id": 0}), (0, "")),
            (json!({"Tooltip": "x"}), (2, "")),
            (json!({}), (2, "")),
        ] {
            let expected = (expected.0, expected.1.to_owned());
            assert_eq!(role(put(given.clone())), expected, "put {given}");
            assert_eq!(role(merge(given.clone())), expected, "merge {given}");
        }
        assert_eq!(role(merge(Value::Null)), (0, String::new()), "a removed role becomes the default role");
    }

    #[test]
    fn a_json_patch_sets_a_name_or_leaves_it() {
        let replace = |path: &str, value: Value| json!({"op": "replace", "path": path, "value": value});
        for (given, expected) in [
            (json!([replace("/Role/Id", json!(1))]), (1, "")),
            (json!([replace("/Role/Value", json!("Administrator"))]), (0, "Administrator")),
            (json!([replace("/Role/Id", json!(1)), replace("/role/value", json!("System"))]), (1, "System")),
            (json!([replace("role", json!({"Value": "Employee"}))]), (0, "Employee")),
            (json!([replace("/Role", json!({"Id": 1, "Value": "Employee"}))]), (1, "")),
            (json!([replace("/Role", json!({"Id": 1}))]), (1, "")),
            (json!([replace("/Tooltip", json!("x"))]), (2, "")),
            (json!([{"op": "remove", "path": "/Role"}]), (0, "")),
            (json!([{"op": "remove", "path": "/Role/Id"}]), (0, "")),
        ] {
            assert_eq!(role(operations(given.clone())), (expected.0, expected.1.to_owned()), "{given}");
        }
    }

    #[test]
    fn a_full_name_counts_only_without_its_parts() {
        // Anna Lindqvist is person 2.
        for (given, expected) in [
            (json!({"FullName": "Anna Lindqvist"}), ("", "Anna", "Lindqvist")),
            (json!({"FullName": "Eva Berg"}), ("Eva Berg", "Anna", "Lindqvist")),
            (json!({"FullName": "Anna Lindqvist", "Lastname": "Berg"}), ("", "Anna", "Berg")),
            (json!({"PersonId": 2, "Title": "Boss"}), ("", "Anna", "Lindqvist")),
            (json!({"PersonId": 3}), ("", "", "")),
            (json!({"personId": "3", "fullName": "Anna Lindqvist"}), ("", "", "")),
            (json!({"personId": "3", "fullName": "Eva Berg"}), ("Eva Berg", "", "")),
            (json!({"PersonId": 3, "Firstname": "Anna"}), ("", "", "")),
            (json!({"PersonId": 3, "Firstname": "Eva"}), ("", "Eva", "")),
        ] {
            let change = UserPatch::Properties(json_body::parse(json!({"Person": given})).expect("properties"));
            let person = change.apply(&User::example()).expect("a user").person;
            let names = [&person.full_name, &person.firstname, &person.lastname].map(String::as_str);
            assert_eq!(names, <[&str; 3]>::from(expected), "{given}");
        }
        let change = operations(json!([{"op": "replace", "path": "/Person/PersonId", "value": 3}]));
        let person = change.apply(&User::example()).expect("a user").person;
        assert_eq!([&person.full_name, &person.firstname, &person.lastname], ["", "", ""]);
    }

    #[test]
    fn a_translation_of_the_present_name_is_no_change() {
        let mut user = User::example();
        user.user_group.value = r#"NO:"Salg";US:"Sales""#.to_owned();
        let id = user.user_group.id;
        for (given, expected) in [
            (json!({"Id": id, "Value": "Salg"}), (id, "")),
            (json!({"Id": 9, "Value": "Sales"}), (9, "")),
            (json!({"Id": id, "Value": "Support"}), (id, "Support")),
        ] {
            let change = UserPatch::Properties(json_body::parse(json!({"UserGroup": given})).expect("properties"));
            let group = change.apply(&user).expect("a user").user_group;
            assert_eq!((group.id, group.value.as_str()), expected, "{given}");
        }
    }

    #[test]
    fn other_groups_keep_only_new_names() {
        let groups = json!([{"Id": 7, "Value": "Sales"}, {"Value": "Support"}, {"Id": 9}]);
        let change = UserPatch::Properties(json_body::parse(json!({"OtherGroups": groups})).expect("properties"));
        let mut user = User::example();
        user.other_groups = vec![user.user_group.clone()];
        user.other_groups[0].id = 7;
        user.other_groups[0].value = "Sales".to_owned();
        let groups = change.apply(&user).expect("a user").other_groups;
        let groups: Vec<_> = groups.iter().map(|group| (group.id, group.value.as_str())).collect();
        assert_eq!(groups, [(7, ""), (0, "Support"), (9, "")]);
    }
}
