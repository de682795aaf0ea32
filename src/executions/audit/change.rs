//! Changes of users, roles, groups, applications and the chain itself, each with an entry in the chain.

use sea_orm::{ActiveEnum, Condition, FromJsonQueryResult, QueryOrder, QuerySelect, entity::prelude::*};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::actor::{Actor, Way};
use crate::clock;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "audit_changes")]
pub struct Model {
    /// A UUID of version 7, which sorts by creation time.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub recorded_at: DateTimeUtc,
    pub way: Way,
    /// The user who made the change; `None` for the command line and the server.
    pub actor_id: Option<i32>,
    /// The user's Name, or the name of the user of the operating system; empty for the server.
    pub actor_name: String,
    pub application_id: Option<i32>,
    pub request_id: String,
    pub action: Action,
    pub subject_type: SubjectType,
    /// The id of the subject; empty when it has none.
    pub subject_id: String,
    pub subject_name: String,
    /// The changed fields before the change.
    #[sea_orm(column_type = "Json")]
    pub before: ChangedFields,
    /// The changed fields after the change.
    #[sea_orm(column_type = "Json")]
    pub after: ChangedFields,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The field of a change of the key with the digest of the entries before.
pub(super) const DIGEST: &str = "sha256";

impl Model {
    /// Whether the chain continues with another key from here on.
    pub(super) fn is_of_key(&self) -> bool {
        matches!(self.action, Action::KeyChanged | Action::ChainBegunAnew)
    }

    /// Whether the entries before this change of the key have this digest.
    pub(super) fn has_digest(&self, digest: &str) -> bool {
        self.after.0.get(DIGEST) == Some(&Value::from(digest))
    }
}

/// Fields with their values. Never a secret, a hash or a token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct ChangedFields(pub Map<String, Value>);

impl<const N: usize> From<[(&str, Value); N]> for ChangedFields {
    fn from(fields: [(&str, Value); N]) -> Self {
        Self(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

impl ChangedFields {
    /// Keeps only the fields that differ.
    pub fn difference(mut before: Self, mut after: Self) -> (Self, Self) {
        let is_equal = |name: &String, value: &Value, other: &Map<String, Value>| other.get(name) == Some(value);
        let present = before.0.clone();
        before.0.retain(|name, value| !is_equal(name, value, &after.0));
        after.0.retain(|name, value| !is_equal(name, value, &present));
        (before, after)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(32))")]
pub enum Action {
    #[sea_orm(string_value = "user.created")]
    #[serde(rename = "user.created")]
    UserCreated,
    #[sea_orm(string_value = "user.updated")]
    #[serde(rename = "user.updated")]
    UserUpdated,
    #[sea_orm(string_value = "user.deactivated")]
    #[serde(rename = "user.deactivated")]
    UserDeactivated,
    #[sea_orm(string_value = "user.reactivated")]
    #[serde(rename = "user.reactivated")]
    UserReactivated,
    /// A password was chosen.
    #[sea_orm(string_value = "password.set")]
    #[serde(rename = "password.set")]
    PasswordSet,
    /// The server generated a password.
    #[sea_orm(string_value = "password.reset")]
    #[serde(rename = "password.reset")]
    PasswordReset,
    #[sea_orm(string_value = "credential.removed")]
    #[serde(rename = "credential.removed")]
    CredentialRemoved,
    /// A secret was stored for later.
    #[sea_orm(string_value = "secret.saved")]
    #[serde(rename = "secret.saved")]
    SecretSaved,
    #[sea_orm(string_value = "secret.deleted")]
    #[serde(rename = "secret.deleted")]
    SecretDeleted,
    #[sea_orm(string_value = "note.saved")]
    #[serde(rename = "note.saved")]
    NoteSaved,
    /// A ticket was issued for another user.
    #[sea_orm(string_value = "ticket.issued")]
    #[serde(rename = "ticket.issued")]
    TicketIssued,
    /// Tickets of another user were revoked.
    #[sea_orm(string_value = "tickets.revoked")]
    #[serde(rename = "tickets.revoked")]
    TicketsRevoked,
    #[sea_orm(string_value = "role.saved")]
    #[serde(rename = "role.saved")]
    RoleSaved,
    #[sea_orm(string_value = "role.deleted")]
    #[serde(rename = "role.deleted")]
    RoleDeleted,
    #[sea_orm(string_value = "rights.set")]
    #[serde(rename = "rights.set")]
    RightsSet,
    #[sea_orm(string_value = "group.saved")]
    #[serde(rename = "group.saved")]
    GroupSaved,
    #[sea_orm(string_value = "group.deleted")]
    #[serde(rename = "group.deleted")]
    GroupDeleted,
    #[sea_orm(string_value = "application.added")]
    #[serde(rename = "application.added")]
    ApplicationAdded,
    #[sea_orm(string_value = "application.revoked")]
    #[serde(rename = "application.revoked")]
    ApplicationRevoked,
    /// The command definitions in force changed.
    #[sea_orm(string_value = "definitions.loaded")]
    #[serde(rename = "definitions.loaded")]
    DefinitionsLoaded,
    #[sea_orm(string_value = "webhook.redriven")]
    #[serde(rename = "webhook.redriven")]
    WebhookRedriven,
    /// Rows without a seal were sealed by an operator.
    #[sea_orm(string_value = "rows.sealed")]
    #[serde(rename = "rows.sealed")]
    RowsSealed,
    /// The chain continues with another key.
    #[sea_orm(string_value = "chain.key_changed")]
    #[serde(rename = "chain.key_changed")]
    KeyChanged,
    /// The key was lost, and the chain continues with another one.
    #[sea_orm(string_value = "chain.begun_anew")]
    #[serde(rename = "chain.begun_anew")]
    ChainBegunAnew,
    /// The database was restored from a backup.
    #[sea_orm(string_value = "backup.restored")]
    #[serde(rename = "backup.restored")]
    BackupRestored,
    /// Old records were removed.
    #[sea_orm(string_value = "retention.cut")]
    #[serde(rename = "retention.cut")]
    RetentionCut,
    /// A command was run. Executions have a table of their own.
    #[sea_orm(string_value = "command.executed")]
    #[serde(rename = "command.executed")]
    CommandExecuted,
    /// The database was filled with the users of the demo.
    #[sea_orm(string_value = "demo.filled")]
    #[serde(rename = "demo.filled")]
    DemoFilled,
}

impl Action {
    /// The name in the database and the API.
    pub fn word(self) -> String {
        self.to_value()
    }
}

/// What kind of thing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum SubjectType {
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

impl SubjectType {
    /// The name in the database and the API.
    pub fn word(self) -> String {
        self.to_value()
    }
}

/// What was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub subject_type: SubjectType,
    /// Empty when it has none.
    pub id: String,
    pub name: String,
}

impl Subject {
    pub fn new(subject_type: SubjectType, id: impl ToString, name: impl Into<String>) -> Self {
        Self { subject_type, id: id.to_string(), name: name.into() }
    }
}

/// A change that was made, to be recorded in its transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub action: Action,
    pub subject: Subject,
    pub before: ChangedFields,
    pub after: ChangedFields,
}

impl Change {
    /// A change without fields.
    pub fn new(action: Action, subject: Subject) -> Self {
        Self { action, subject, before: ChangedFields::default(), after: ChangedFields::default() }
    }

    /// Sets the fields before and after, of which only those that differ are kept.
    #[must_use]
    pub fn fields(self, before: ChangedFields, after: ChangedFields) -> Self {
        let (before, after) = ChangedFields::difference(before, after);
        Self { before, after, ..self }
    }

    /// The row of this change.
    pub(super) fn into_row(self, actor: &Actor) -> Model {
        let Self { action, subject, before, after } = self;
        let recorded_at = clock::now_in_micros();
        Model {
            id: clock::new_id(recorded_at),
            recorded_at,
            way: actor.source.way,
            actor_id: actor.user_id,
            actor_name: actor.name.clone(),
            application_id: actor.application_id,
            request_id: actor.source.request_id.clone(),
            action,
            subject_type: subject.subject_type,
            subject_id: subject.id,
            subject_name: subject.name,
            before,
            after,
        }
    }
}

/// A filter for changes. All given conditions must match.
#[derive(Clone, Debug, Default)]
pub struct ChangeFilter {
    /// The user who made the change.
    pub actor_id: Option<i32>,
    pub subject: Option<(SubjectType, String)>,
    /// The user who made the change, or is its subject.
    pub concerns_user: Option<i32>,
    pub action: Option<Action>,
    pub way: Option<Way>,
    /// At or after this time.
    pub from: Option<DateTimeUtc>,
    /// Before this time.
    pub to: Option<DateTimeUtc>,
    /// Only changes older than this id: the last id of the previous page.
    pub older_than: Option<Uuid>,
}

/// The changes that match the filter, newest first.
pub async fn list(db: &impl ConnectionTrait, filter: &ChangeFilter, limit: u64) -> Result<Vec<Model>, DbErr> {
    let is_subject = |subject_type: SubjectType, id: String| {
        Condition::all().add(Column::SubjectType.eq(subject_type)).add(Column::SubjectId.eq(id))
    };
    let concerns =
        |id: i32| Condition::any().add(Column::ActorId.eq(id)).add(is_subject(SubjectType::User, id.to_string()));
    let condition = Condition::all()
        .add_option(filter.actor_id.map(|id| Column::ActorId.eq(id)))
        .add_option(filter.subject.clone().map(|(subject_type, id)| is_subject(subject_type, id)))
        .add_option(filter.concerns_user.map(concerns))
        .add_option(filter.action.map(|action| Column::Action.eq(action)))
        .add_option(filter.way.map(|way| Column::Way.eq(way)))
        .add_option(filter.from.map(|time| Column::RecordedAt.gte(time)))
        .add_option(filter.to.map(|time| Column::RecordedAt.lt(time)))
        .add_option(filter.older_than.map(|id| Column::Id.lt(id)));
    Entity::find().filter(condition).order_by_desc(Column::Id).limit(limit).all(db).await
}

/// The newest change of the key.
pub(super) async fn last_of_key(db: &impl ConnectionTrait) -> Result<Option<Model>, DbErr> {
    let of_key = Entity::find().filter(Column::Action.is_in([Action::KeyChanged, Action::ChainBegunAnew]));
    of_key.order_by_desc(Column::Id).one(db).await
}

/// The changes with these ids, unordered.
pub(super) async fn find_all(db: &impl ConnectionTrait, ids: Vec<Uuid>) -> Result<Vec<Model>, DbErr> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Entity::find().filter(Column::Id.is_in(ids)).all(db).await
}

/// Deletes changes. The caller must keep the audit chain valid.
pub(in crate::executions) async fn remove_all(db: &impl ConnectionTrait, ids: Vec<Uuid>) -> Result<u64, DbErr> {
    if ids.is_empty() {
        return Ok(0);
    }
    Entity::delete_many().filter(Column::Id.is_in(ids)).exec(db).await.map(|deleted| deleted.rows_affected)
}
