//! Where the chain begins since an older part of it was removed.
//!
//! The anchor holds the last place that was removed, bound by the key of the chain: whoever removes more than that, or
//! the anchor itself, cannot make another.

use sea_orm::{QueryOrder, entity::prelude::*};

use super::{
    AuditKey, Head,
    fault::{Fault, Place},
};

/// Sets what is bound here apart from the entries of the chain, which have no such part.
const ANCHOR: &str = "anchor";

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_anchors")]
pub struct Model {
    /// The place of the last entry that was removed.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i64,
    /// The mac that this entry had.
    pub entry_mac: String,
    /// When its execution had finished.
    pub finished_at: DateTimeUtc,
    /// HMAC-SHA-256 over all of this, in hexadecimal.
    pub mac: String,
}

impl ActiveModelBehavior for ActiveModel {}

pub use Model as Anchor;

impl Anchor {
    fn new(key: &AuditKey, Head { position, mac: entry_mac }: Head, finished_at: DateTimeUtc) -> Self {
        let mac = key.bind(position, &[ANCHOR, &entry_mac, &finished_at.to_rfc3339()]);
        Self { position, entry_mac, finished_at, mac }
    }

    /// The place that the first entry comes behind, believed without proof.
    pub(super) fn claimed_head(self) -> Head {
        Head { position: self.position, mac: self.entry_mac }
    }

    /// The place that the first entry comes behind.
    ///
    /// # Errors
    /// It was not made with this key.
    pub(super) fn head(&self, key: &AuditKey) -> Result<Head, Fault> {
        let head = self.clone().claimed_head();
        match Self::new(key, head.clone(), self.finished_at) == *self {
            true => Ok(head),
            false => Err(Fault::at(Place::Anchor, "it was changed, or the key is another one")),
        }
    }
}

/// The anchor, when a part of the chain was removed.
///
/// # Errors
/// The database does not answer.
pub async fn find(db: &impl ConnectionTrait) -> Result<Option<Anchor>, DbErr> {
    Ok(Entity::find().order_by_asc(Column::Position).all(db).await?.pop())
}

/// Removes the entries up to this place, and puts the anchor there. Run it in a write transaction.
///
/// # Errors
/// The database does not answer.
pub async fn cut(db: &impl ConnectionTrait, key: &AuditKey, head: Head, finished_at: DateTimeUtc) -> Result<(), DbErr> {
    super::Entity::delete_many().filter(super::Column::Position.lte(head.position)).exec(db).await?;
    Entity::delete_many().exec(db).await?;
    let anchor = Anchor::new(key, head, finished_at);
    Entity::insert(ActiveModel::from(anchor)).exec_without_returning(db).await.map(drop)
}
