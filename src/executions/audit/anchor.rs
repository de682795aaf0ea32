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

#[sea_orm::model]
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
}

impl ActiveModelBehavior for ActiveModel {}

pub use Model as Anchor;

impl Anchor {
    fn new(key: &AuditKey, Head { position, mac: entry_mac }: Head, finished_at: DateTimeUtc) -> Self {
        let mac = key.mac(position, &[ANCHOR, &entry_mac, &finished_at.to_rfc3339()]);
        Self { position, entry_mac, finished_at, mac }
    }

    /// The head before the first entry, not verified.
    pub(super) fn claimed_head(self) -> Head {
        Head { position: self.position, mac: self.entry_mac }
    }

    /// The verified head before the first entry.
    ///
    /// # Errors
    /// The anchor was not made with this key.
    pub(super) fn head(&self, key: &AuditKey) -> Result<Head, ChainError> {
        let head = self.clone().claimed_head();
        match Self::new(key, head.clone(), self.finished_at) == *self {
            true => Ok(head),
            false => Err(ChainError::at(InvalidRecord::Anchor, "it was changed, or the key is another one")),
        }
    }
}

/// The anchor; `None` when no entries were removed.
pub async fn find(db: &impl ConnectionTrait) -> Result<Option<Anchor>, DbErr> {
    Ok(Entity::find().order_by_asc(Column::Position).all(db).await?.pop())
}

/// Removes the entries up to `head` and replaces the anchor. Run it in a write transaction.
pub async fn cut(db: &impl ConnectionTrait, key: &AuditKey, head: Head, finished_at: DateTimeUtc) -> Result<(), DbErr> {
    super::Entity::delete_many().filter(super::Column::Position.lte(head.position)).exec(db).await?;
    Entity::delete_many().exec(db).await?;
    let anchor = Anchor::new(key, head, finished_at);
    Entity::insert(ActiveModel::from(anchor)).exec_without_returning(db).await.map(drop)
}
