//! Marks: positions in the chain up to which something was done to it. Each has a MAC with the audit key.

use sea_orm::{entity::prelude::*, sea_query::OnConflict};

use super::{
    entry::{Head, RecordKind},
    key::AuditKey,
};

/// Distinguishes the MACs of marks from those of entries and anchors.
const MARK: &str = "mark";

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_marks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: MarkName,
    pub position: i64,
    /// The MAC of the entry at the position.
    pub entry_mac: String,
    /// The digest of the entries up to the position, if a former key made them.
    pub digest: Option<String>,
    pub made_at: DateTimeUtc,
    /// HMAC-SHA-256 over the other fields, in hexadecimal.
    pub mac: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub use Model as Mark;

/// What was done up to a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "snake_case")]
pub enum MarkName {
    /// Executions were removed; their entries are kept without content.
    Executions,
    /// Changes were removed; their entries are kept without content.
    Changes,
    /// The chain was verified.
    Verified,
}

impl MarkName {
    /// The mark of removed records of a kind.
    pub fn removed(kind: RecordKind) -> Self {
        match kind {
            RecordKind::Execution => Self::Executions,
            RecordKind::Change => Self::Changes,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Executions => "executions",
            Self::Changes => "changes",
            Self::Verified => "verified",
        }
    }
}

impl Mark {
    pub(in crate::executions) fn new(
        key: &AuditKey,
        name: MarkName,
        head: Head,
        digest: Option<String>,
        made_at: DateTimeUtc,
    ) -> Self {
        let Head { position, mac: entry_mac } = head;
        let digest = digest.filter(|digest| !digest.is_empty());
        let parts = [MARK, name.word(), &entry_mac, digest.as_deref().unwrap_or_default(), &made_at.to_rfc3339()];
        let mac = key.mac(position, &parts);
        Self { name, position, entry_mac, digest, made_at, mac }
    }

    /// The same mark, made with another key.
    pub(super) fn with_key(self, key: &AuditKey) -> Self {
        let head = self.head();
        Self::new(key, self.name, head, self.digest, self.made_at)
    }

    /// Whether it was made with this key.
    pub(super) fn is_valid(&self, key: &AuditKey) -> bool {
        self.clone().with_key(key) == *self
    }

    pub(super) fn head(&self) -> Head {
        Head { position: self.position, mac: self.entry_mac.clone() }
    }
}

/// All marks.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<Mark>, DbErr> {
    Entity::find().all(db).await
}

/// The mark of this name.
pub async fn find(db: &impl ConnectionTrait, name: MarkName) -> Result<Option<Mark>, DbErr> {
    Entity::find_by_id(name).one(db).await
}

/// Stores a mark in place of the one with its name.
pub(in crate::executions) async fn put(db: &impl ConnectionTrait, mark: Mark) -> Result<(), DbErr> {
    let columns = [Column::Position, Column::EntryMac, Column::Digest, Column::MadeAt, Column::Mac];
    let replace = OnConflict::column(Column::Name).update_columns(columns).to_owned();
    Entity::insert(ActiveModel::from(mark)).on_conflict(replace).exec_without_returning(db).await.map(drop)
}

/// Removes all marks.
pub(super) async fn clear(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    Entity::delete_many().exec(db).await.map(drop)
}
