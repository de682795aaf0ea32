//! What the audit chain records of users, roles, groups and applications: an allow-list of fields, without secrets.

use sea_orm::ActiveEnum;
use serde_json::{Value, json};

use super::{Effect, User, UserColumn, UserDetails, UserRow, application, role, user::Fields, user_group};
use crate::executions::audit::{Action, Change, ChangedFields, Subject, SubjectType};

/// The field that says whether the user's person is retired.
const PERSON_RETIRED: &str = "Person.Retired";

/// The user as the subject of a change.
pub fn user_subject(user: &User) -> Subject {
    Subject::new(SubjectType::User, user.user.id, &user.user.name)
}

pub(super) fn role_subject(role: &role::Model) -> Subject {
    Subject::new(SubjectType::Role, role.id, &role.name)
}

pub(super) fn group_subject(group: &user_group::Model) -> Subject {
    Subject::new(SubjectType::Group, group.id, &group.name)
}

/// The fields of a user, without other groups.
pub fn user_fields(User { user, role, group, person }: &User) -> ChangedFields {
    let mut fields = ChangedFields::from([
        ("name", json!(user.name)),
        ("userName", json!(user.user_name)),
        ("nickName", json!(user.nick_name)),
        ("tooltip", json!(user.tooltip)),
        ("rank", json!(user.rank)),
        ("type", json!(user.user_type.to_value())),
        ("isActive", json!(!user.deleted)),
        ("isOnTravel", json!(user.is_on_travel)),
        ("waitingForApproval", json!(user.waiting_for_approval)),
        ("ejUserId", json!(user.ej_user_id)),
        ("presence", json!(user.presence_status.to_value())),
        ("presenceMessage", json!(user.presence_message)),
        ("role", json!(role.name)),
        ("group", json!(group.name)),
        ("personId", json!(user.person_id)),
    ]);
    if let Some(person) = person {
        let texts = person.texts().into_iter().map(|(_, name, text, _)| (name.to_owned(), json!(text)));
        fields.0.extend(texts);
        fields.0.insert(PERSON_RETIRED.to_owned(), json!(person.retired));
    }
    fields
}

/// The fields of a user that an effect can change.
pub(super) fn effect_fields(effect: &Effect, User { user, role, group, person }: &User) -> ChangedFields {
    match effect {
        Effect::UpdateUser(values) => {
            let fields = values.iter().filter_map(|(column, _)| column_field(*column, user));
            ChangedFields(fields.map(|(name, value)| (name.to_owned(), value)).collect())
        }
        Effect::SetPresence { .. } => {
            [("presence", json!(user.presence_status.to_value())), ("presenceMessage", json!(user.presence_message))]
                .into()
        }
        Effect::SetRole(_) => [("role", json!(role.name))].into(),
        Effect::SetGroup(_) => [("group", json!(group.name))].into(),
        Effect::SetRetired(_) => {
            let person = person.as_ref().map(|person| (PERSON_RETIRED.to_owned(), json!(person.retired)));
            ChangedFields([("isActive".to_owned(), json!(!user.deleted))].into_iter().chain(person).collect())
        }
        Effect::SetTemporaryPassword { .. } | Effect::RevokeTickets => ChangedFields::default(),
    }
}

/// The field of a column that commands can set.
fn column_field(column: UserColumn, user: &UserRow) -> Option<(&'static str, Value)> {
    Some(match column {
        UserColumn::NickName => ("nickName", json!(user.nick_name)),
        UserColumn::Tooltip => ("tooltip", json!(user.tooltip)),
        UserColumn::Rank => ("rank", json!(user.rank)),
        UserColumn::IsOnTravel => ("isOnTravel", json!(user.is_on_travel)),
        UserColumn::WaitingForApproval => ("waitingForApproval", json!(user.waiting_for_approval)),
        _ => return None,
    })
}

fn details_fields(details: &UserDetails) -> ChangedFields {
    let mut fields = user_fields(&details.user);
    let names: Vec<_> = details.other_groups.iter().map(|group| group.name.as_str()).collect();
    fields.0.insert("otherGroups".to_owned(), json!(names));
    fields
}

/// The changes that saving a user made.
pub(super) fn user_saved(before: Option<&UserDetails>, after: &UserDetails, sets_password: bool) -> Vec<Change> {
    let fields_before = before.map(details_fields).unwrap_or_default();
    let was_active = before.map(|before| !before.user.user.deleted);
    let action = match (was_active, !after.user.user.deleted) {
        (None, _) => Action::UserCreated,
        (Some(true), false) => Action::UserDeactivated,
        (Some(false), true) => Action::UserReactivated,
        (Some(_), _) => Action::UserUpdated,
    };
    let mut saved = Change::new(action, user_subject(&after.user)).fields(fields_before, details_fields(after));
    if before.is_none() {
        saved.after.0.retain(|_, value| !is_empty(value));
    }
    let (row, before) = (&after.user.user, before.map(|before| &before.user.user));
    add_changed_names(&mut saved, "customFields", before.map(|row| &row.custom_fields), &row.custom_fields);
    add_changed_names(&mut saved, "extraFields", before.map(|row| &row.extra_fields), &row.extra_fields);
    let changes = Some(saved).filter(|saved| !saved.before.is_empty() || !saved.after.is_empty());
    let password = sets_password.then(|| Change::new(Action::PasswordSet, user_subject(&after.user)));
    changes.into_iter().chain(password).collect()
}

/// Whether a value of a new user says nothing.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Bool(true) | Value::Object(_) => false,
    }
}

/// Adds the names of the custom fields with another value. Their values may be confidential.
fn add_changed_names(saved: &mut Change, name: &str, before: Option<&Fields>, after: &Fields) {
    let empty = Fields::default();
    let before = before.unwrap_or(&empty);
    let names = before.0.keys().chain(after.0.keys()).filter(|name| before.0.get(*name) != after.0.get(*name));
    let names: std::collections::BTreeSet<_> = names.collect();
    if !names.is_empty() {
        saved.after.0.insert(name.to_owned(), Value::from_iter(names.into_iter().map(String::as_str)));
    }
}

pub(super) fn role_fields(role: &role::Model) -> ChangedFields {
    let rights: Vec<_> = role.function_rights.0.iter().map(|right| right.name()).collect();
    ChangedFields::from([
        ("name", json!(role.name)),
        ("tooltip", json!(role.tooltip)),
        ("type", json!(role.role_type.to_value())),
        ("rank", json!(role.rank)),
        ("rights", json!(rights)),
    ])
}

pub(super) fn group_fields(group: &user_group::Model) -> ChangedFields {
    ChangedFields::from([
        ("name", json!(group.name)),
        ("tooltip", json!(group.tooltip)),
        ("rank", json!(group.rank)),
        ("deleted", json!(group.deleted)),
    ])
}

/// The application was added, or its token was replaced.
pub fn application_added(application: &application::Model) -> Change {
    let fields = ChangedFields::from([("userAgent", json!(application.has_user_agent))]);
    Change::new(Action::ApplicationAdded, application_subject(application)).fields(ChangedFields::default(), fields)
}

pub fn application_revoked(application: &application::Model) -> Change {
    Change::new(Action::ApplicationRevoked, application_subject(application))
}

fn application_subject(application: &application::Model) -> Subject {
    Subject::new(SubjectType::Application, application.id, &application.name)
}
