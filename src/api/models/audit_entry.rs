//! Records of the audit chain, for operators. Upstream has no such API, so the names are in camel case.

use std::collections::{BTreeMap, HashMap};

use poem_openapi::{
    Enum, Object,
    types::{Any, Example},
};
use serde_json::Value;

use super::formats::{Rfc3339, UuidString};
use crate::executions::audit::{Action, ChangedFields, Record, SubjectType, Way};

/// Fields with their values.
pub type FieldValues = BTreeMap<String, Any<Value>>;

pub fn field_values(fields: ChangedFields) -> FieldValues {
    fields.0.into_iter().map(|(name, value)| (name, Any(value))).collect()
}

/// A change, or a run of a command: who did what, by what way, to what.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", example)]
pub struct AuditEntry {
    /// The id of the record: a version 7 UUID. The record of a command has the id of its execution.
    pub id: UuidString,
    /// The time of the change, or the end of the execution, in UTC.
    pub time: Rfc3339,
    /// What was done.
    pub action: AuditAction,
    /// The id of the user who did it; null for the command line and the server.
    #[oai(nullable)]
    pub actor_id: Option<i32>,
    /// The name of that user, or of the user of the operating system on the command line; empty for the server.
    pub actor_name: String,
    /// The user of the operating system who ran a command for the actor on the command line; null elsewhere.
    #[oai(nullable)]
    pub operator: Option<String>,
    /// The id of the calling application; null for none.
    #[oai(nullable)]
    pub application_id: Option<i32>,
    /// The way by which it was done; null for runs that an earlier version recorded.
    #[oai(nullable)]
    pub way: Option<AuditWay>,
    /// The X-Request-Id of the response; empty outside of requests.
    pub request_id: String,
    /// What kind of thing was changed.
    pub subject_type: AuditSubjectType,
    /// The id of what was changed; empty when it has none.
    pub subject_id: String,
    /// The name of what was changed.
    pub subject_name: String,
    /// The changed fields before the change, without secrets.
    pub before: FieldValues,
    /// The changed fields after the change, without secrets. For a run also command, answer, outcome, message and
    /// inputs.
    pub after: FieldValues,
}

/// A page of audit records, newest first.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", example)]
pub struct AuditPage {
    /// The records.
    pub entries: Vec<AuditEntry>,
    /// The value of `cursor` for the next page; null on the last page.
    #[oai(nullable)]
    pub next_cursor: Option<String>,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(remote = "Action")]
pub enum AuditAction {
    #[oai(rename = "user.created")]
    UserCreated,
    #[oai(rename = "user.updated")]
    UserUpdated,
    #[oai(rename = "user.deactivated")]
    UserDeactivated,
    #[oai(rename = "user.reactivated")]
    UserReactivated,
    #[oai(rename = "password.set")]
    PasswordSet,
    #[oai(rename = "password.reset")]
    PasswordReset,
    #[oai(rename = "credential.removed")]
    CredentialRemoved,
    #[oai(rename = "secret.saved")]
    SecretSaved,
    #[oai(rename = "secret.deleted")]
    SecretDeleted,
    #[oai(rename = "note.saved")]
    NoteSaved,
    #[oai(rename = "ticket.issued")]
    TicketIssued,
    #[oai(rename = "tickets.revoked")]
    TicketsRevoked,
    #[oai(rename = "role.saved")]
    RoleSaved,
    #[oai(rename = "role.deleted")]
    RoleDeleted,
    #[oai(rename = "rights.set")]
    RightsSet,
    #[oai(rename = "group.saved")]
    GroupSaved,
    #[oai(rename = "group.deleted")]
    GroupDeleted,
    #[oai(rename = "application.added")]
    ApplicationAdded,
    #[oai(rename = "application.revoked")]
    ApplicationRevoked,
    #[oai(rename = "definitions.loaded")]
    DefinitionsLoaded,
    #[oai(rename = "webhook.redriven")]
    WebhookRedriven,
    #[oai(rename = "rows.sealed")]
    RowsSealed,
    #[oai(rename = "chain.key_changed")]
    KeyChanged,
    #[oai(rename = "chain.begun_anew")]
    ChainBegunAnew,
    #[oai(rename = "backup.restored")]
    BackupRestored,
    #[oai(rename = "retention.cut")]
    RetentionCut,
    #[oai(rename = "command.executed")]
    CommandExecuted,
    #[oai(rename = "demo.filled")]
    DemoFilled,
}

/// The way by which something was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case", remote = "Way")]
pub enum AuditWay {
    /// An operation of the REST API.
    Rest,
    /// An operation of the User agent.
    Agent,
    /// The web console, or another page with a session.
    Console,
    /// A subcommand of `kommando`.
    CommandLine,
    /// `kommando import`.
    Import,
    /// The identity provider.
    IdentityProvider,
    /// The server itself.
    System,
}

/// What kind of thing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case", remote = "SubjectType")]
pub enum AuditSubjectType {
    User,
    Role,
    Group,
    Application,
    Definitions,
    Webhook,
    ServiceAuth,
    Chain,
    Database,
}

impl AuditEntry {
    /// `names` has the names of the users that the caller may see, for runs.
    pub fn new(record: Record, names: &HashMap<i32, String>) -> Self {
        match record {
            Record::Change(change) => Self {
                id: change.id.into(),
                time: change.recorded_at.into(),
                action: change.action.into(),
                actor_id: change.actor_id,
                actor_name: change.actor_name,
                operator: None,
                application_id: change.application_id,
                way: Some(change.way.into()),
                request_id: change.request_id,
                subject_type: change.subject_type.into(),
                subject_id: change.subject_id,
                subject_name: change.subject_name,
                before: field_values(change.before),
                after: field_values(change.after),
            },
            Record::Execution(execution) => {
                let name = |id: i32| names.get(&id).cloned().unwrap_or_default();
                let (before, mut after) = execution.steps.changed_fields();
                let run = ChangedFields::from([
                    ("command", execution.command_name.into()),
                    ("actionResult", execution.action_result.into()),
                    ("outcome", execution.outcome.word().into()),
                    ("message", execution.message.into()),
                ]);
                after.0.extend(run.0);
                let inputs = execution.inputs.and_then(|inputs| serde_json::to_value(inputs).ok());
                after.0.extend(inputs.map(|inputs| ("inputs".to_owned(), inputs)));
                Self {
                    id: execution.id.into(),
                    time: execution.finished_at.into(),
                    action: AuditAction::CommandExecuted,
                    actor_id: Some(execution.caller_id),
                    actor_name: name(execution.caller_id),
                    operator: execution.operator,
                    application_id: execution.application_id,
                    way: execution.way.map(Into::into),
                    request_id: execution.request_id,
                    subject_type: AuditSubjectType::User,
                    subject_id: execution.user_id.to_string(),
                    subject_name: name(execution.user_id),
                    before: field_values(before),
                    after: field_values(after),
                }
            }
        }
    }
}

impl Example for AuditEntry {
    fn example() -> Self {
        Self {
            id: UuidString("01a209b0-d816-749f-a3d9-b6ef0a7cccc4".to_owned()),
            time: Rfc3339("2026-11-23T18:35:14.198412Z".to_owned()),
            action: AuditAction::UserUpdated,
            actor_id: Some(1),
            actor_name: "admin".to_owned(),
            operator: None,
            application_id: None,
            way: Some(AuditWay::Rest),
            request_id: "01a209b0d816749fa3d9b6ef0a7cccc4".to_owned(),
            subject_type: AuditSubjectType::User,
            subject_id: "2".to_owned(),
            subject_name: "anna".to_owned(),
            before: field_values([("role", "Employee".into())].into()),
            after: field_values([("role", "Administrator".into())].into()),
        }
    }
}

impl Example for AuditPage {
    fn example() -> Self {
        Self { entries: vec![AuditEntry::example()], next_cursor: None }
    }
}
