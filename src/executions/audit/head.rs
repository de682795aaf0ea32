//! Reads the head of the chain.

use sea_orm::{QuerySelect, QueryTrait, entity::prelude::*};

use super::{
    anchor::{self, Anchor},
    entry::{Column, Entity, Head},
};

/// The newest entry of the chain. The anchor when all entries were removed; position 0 when there never was an entry.
pub async fn head(db: &impl ConnectionTrait) -> Result<Head, DbErr> {
    // Without LIMIT, because SQLite would prepare the statement again each time.
    let last = Entity::find().select_only().column_as(Column::Position.max(), "last").into_query();
    let newest = Entity::find().filter(Column::Position.in_subquery(last)).all(db).await?.pop();
    Ok(match newest.map(|entry| (entry.position, entry.mac)) {
        Some((Some(position), Some(mac))) => Head { position, mac },
        _ => anchor::find(db).await?.map_or_else(Head::origin, Anchor::claimed_head),
    })
}
