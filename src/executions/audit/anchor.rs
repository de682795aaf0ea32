//! The anchor of the chain: the position after which the chain begins when its oldest entries were removed.
//!
//! The anchor has a MAC with the audit key. Without the key, an attacker who removes more entries cannot make a
//! matching anchor.

use sea_orm::{QueryOrder, entity::prelude::*};

use super::{
    AuditKey, Head,
    chain_error::{ChainError, InvalidRecord},
};

/// Distinguishes the MACs of anchors from those of entries.
const ANCHOR: &str = "anchor";

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_anchors")]
pub struct Model {
    /// The position of the last removed entry.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i64,
    /// The MAC of that entry.
    pub entry_mac: String,
    /// When its execution finished.
    pub finished_at: DateTimeUtc,
    /// HMAC-SHA-256 over the other fields, in hexadecimal.
    pub mac: String,
    /// The digest of the removed entries, if a former key made them: the key changed after this position.
    pub digest: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub use Model as Anchor;

impl Anchor {
    pub(in crate::executions) fn new(
        key: &AuditKey,
        head: Head,
        digest: Option<String>,
        finished_at: DateTimeUtc,
    ) -> Self {
        let Head { position, mac: entry_mac } = head;
        let digest = digest.filter(|digest| !digest.is_empty());
        let time = finished_at.to_rfc3339();
        let mac = match &digest {
            None => key.mac(position, &[ANCHOR, &entry_mac, &time]),
            Some(digest) => key.mac(position, &[ANCHOR, &entry_mac, &time, digest]),
        };
        Self { position, entry_mac, finished_at, mac, digest }
    }

    /// The same anchor, made with another key.
    pub(super) fn with_key(self, key: &AuditKey) -> Self {
        let (digest, finished_at) = (self.digest.clone(), self.finished_at);
        Self::new(key, self.claimed_head(), digest, finished_at)
    }

    /// The head before the first entry, not verified.
    pub(super) fn claimed_head(self) -> Head {
        Head { position: self.position, mac: self.entry_mac }
    }

    /// Checks that the anchor was made with this key.
    ///
    /// # Errors
    /// It was not.
    pub(super) fn check(&self, key: &AuditKey) -> Result<(), ChainError> {
        match self.clone().with_key(key) == *self {
            true => Ok(()),
            false => Err(ChainError::at(InvalidRecord::Anchor, "it was changed, or the key is another one")),
        }
    }
}

/// The anchor; `None` when no entries were removed.
pub async fn find(db: &impl ConnectionTrait) -> Result<Option<Anchor>, DbErr> {
    Ok(Entity::find().order_by_asc(Column::Position).all(db).await?.pop())
}

/// Removes the entries up to the anchor and stores it. Run it in a write transaction.
pub(in crate::executions) async fn cut(db: &impl ConnectionTrait, anchor: Anchor) -> Result<(), DbErr> {
    super::Entity::delete_many().filter(super::Column::Position.lte(anchor.position)).exec(db).await?;
    replace(db, Some(anchor)).await
}

/// Replaces the anchor.
pub(super) async fn replace(db: &impl ConnectionTrait, anchor: Option<Anchor>) -> Result<(), DbErr> {
    Entity::delete_many().exec(db).await?;
    let Some(anchor) = anchor else { return Ok(()) };
    Entity::insert(ActiveModel::from(anchor)).exec_without_returning(db).await.map(drop)
}
