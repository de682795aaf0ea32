//! The entries of the chain, and the head, which identifies an entry.

use std::{fmt, str::FromStr};

use sea_orm::entity::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::key::{AuditKey, NO_POSITION};

/// The MAC before the first entry.
const GENESIS_MAC: &str = "";
/// Distinguishes the MACs of unlinked entries from other MACs without a position.
const ENTRY: &str = "entry";

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "audit_entries")]
pub struct Model {
    /// The id of its record.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The position in the chain, from 1; `None` until the entry is linked.
    pub position: Option<i64>,
    /// HMAC-SHA-256 in hexadecimal, over position, MAC of the previous entry, kind, id and digest; before linking over
    /// kind, id and digest only.
    pub mac: Option<String>,
    /// The record, as JSON; empty when the record was removed after its retention.
    pub content: String,
    /// `None` for entries of older versions, whose MAC covers the content itself.
    pub kind: Option<RecordKind>,
    /// SHA-256 of the content, in hexadecimal; `None` as for `kind`.
    pub digest: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What the record of an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    Execution,
    Change,
}

impl RecordKind {
    /// The name in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Execution => "execution",
            Self::Change => "change",
        }
    }
}

impl Model {
    /// A new entry, not linked yet.
    ///
    /// # Errors
    /// The record cannot be serialized as JSON.
    pub fn new(id: Uuid, kind: RecordKind, record: &impl Serialize) -> Result<Self, DbErr> {
        let content = content(record)?;
        let digest = Some(sha256([content.as_str()]));
        Ok(Self { id, position: None, mac: None, content, kind: Some(kind), digest })
    }

    /// The MAC at this position, after the entry with the MAC `previous`.
    pub(super) fn linked_mac(&self, key: &AuditKey, position: i64, previous: &str) -> String {
        match &self.digest {
            None => key.mac(position, &[previous, &self.content]),
            Some(digest) => key.mac(position, &[previous, self.kind_word(), &self.id.to_string(), digest]),
        }
    }

    /// The MAC before linking. It proves that the writer has the key.
    pub(super) fn unlinked_mac(&self, key: &AuditKey) -> String {
        match &self.digest {
            None => key.mac(NO_POSITION, &[ENTRY, &self.content]),
            Some(digest) => key.mac(NO_POSITION, &[ENTRY, self.kind_word(), &self.id.to_string(), digest]),
        }
    }

    fn kind_word(&self) -> &'static str {
        self.kind.map_or("", RecordKind::word)
    }

    /// Whether the record was removed after its retention. The MAC does not tell whether that was allowed.
    pub fn is_removed(&self) -> bool {
        self.content.is_empty() && self.digest.is_some()
    }

    /// Whether the digest is that of the content, unless that was removed. Entries of older versions have neither digest
    /// nor kind.
    pub(super) fn has_its_digest(&self) -> bool {
        match (&self.digest, self.kind) {
            (None, None) => true,
            (Some(digest), Some(_)) => self.is_removed() || *digest == sha256([self.content.as_str()]),
            _ => false,
        }
    }

    /// The digest of this entry and all before it, of which `previous` is the digest. It stays the same when the record
    /// is removed.
    pub(super) fn digest_after(&self, previous: &str) -> String {
        let position = self.position.unwrap_or_default().to_string();
        let mac = self.mac.as_deref().unwrap_or_default();
        let content = self.digest.as_ref().unwrap_or(&self.content);
        sha256([previous, &position, mac, self.kind_word(), &self.id.to_string(), content])
    }
}

/// SHA-256 of some parts, in hexadecimal. Of several parts, each is prefixed with its length.
fn sha256<const N: usize>(parts: [&str; N]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        if N > 1 {
            digest.update((part.len() as u64).to_le_bytes());
        }
        digest.update(part);
    }
    hex::encode(digest.finalize())
}

/// The newest entry of a chain, written as `position:mac`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub position: i64,
    pub mac: String,
}

impl Head {
    /// The head of an empty chain.
    pub fn origin() -> Self {
        Self { position: 0, mac: GENESIS_MAC.to_owned() }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.position, self.mac)
    }
}

impl FromStr for Head {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once(':').and_then(|(position, mac)| Some((position.parse().ok()?, mac.to_owned())));
        let (position, mac) =
            parts.ok_or_else(|| format!("`{text}` is not a head; verify prints heads in the form 12:5f…"))?;
        Ok(Self { position, mac })
    }
}

/// The content of an entry: its record as JSON.
pub fn content(record: &impl Serialize) -> Result<String, DbErr> {
    serde_json::to_string(record)
        .map_err(|error| DbErr::Custom(format!("failed to serialize an audit record as JSON: {error}")))
}

/// The number of entries, linked or not.
pub async fn count(db: &impl ConnectionTrait) -> Result<u64, DbErr> {
    Entity::find().count(db).await
}

/// Removes the contents of entries. The caller must move the mark of removed records.
pub async fn remove_contents(db: &impl ConnectionTrait, ids: impl Iterator<Item = Uuid>) -> Result<(), DbErr> {
    let remove = Entity::update_many().col_expr(Column::Content, Expr::value(""));
    remove.filter(Column::Id.is_in(ids)).exec(db).await.map(drop)
}
