//! Seals: MACs with the audit key over rows that are not in the chain yet. The server acts only on rows that were
//! written with the key.
//!
//! An execution has a seal while it runs, a webhook delivery always. A backup is sealed as a whole.

use std::collections::{HashMap, HashSet};

use sea_orm::{Condition, QueryOrder, QuerySelect, entity::prelude::*};
use serde::Serialize;

use super::{
    chain_cursor::PAGE,
    entry::content,
    key::{AuditKey, NO_POSITION},
};
use crate::{
    executions::{
        delivery::{self, State},
        execution,
    },
    store::insert_all,
};

// Distinguish the MACs of each kind of seal from each other and from those of the chain.
const RUN: &str = "run";
const DELIVERY: &str = "delivery";
const BACKUP: &str = "backup";

/// Why a row is not trusted. Databases store `UNSEALED` as `last_error` and [`seal_all`] compares it, so its text must
/// not change.
pub const UNSEALED: &str = "it has no seal: an older version wrote it, or a program without the audit key";
pub const FORGED: &str = "its seal is wrong: it was changed, or sealed with another key";
const ENDED: &str = "it has ended: the chain already has its entry";

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "execution_seals")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub execution_id: Uuid,
    /// HMAC-SHA-256 over the execution at its start, in hexadecimal.
    pub mac: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl AuditKey {
    /// The seal of a running execution. It covers every column.
    ///
    /// # Errors
    /// The execution cannot be serialized as JSON.
    pub fn seal_run(&self, execution: &execution::Model) -> Result<String, DbErr> {
        Ok(self.mac(NO_POSITION, &[RUN, &content(execution)?]))
    }

    /// The seal of a delivery. It covers the columns that never change: id, execution, target, body, timeout and
    /// creation time.
    pub fn seal_delivery(&self, delivery: &delivery::Model) -> String {
        let delivery::Model { id, execution_id, target, body, timeout_ms, created_at, .. } = delivery;
        let (execution_id, timeout_ms) = (execution_id.to_string(), timeout_ms.to_string());
        let created_at = created_at.timestamp_micros().to_string();
        self.mac(NO_POSITION, &[DELIVERY, id, &execution_id, target, body, &timeout_ms, &created_at])
    }

    /// The seal of a backup. It covers the fields of its manifest, which include the digest of its content.
    pub fn seal_backup(&self, manifest: [&str; 3]) -> String {
        let [program, schema, sha256] = manifest;
        self.mac(NO_POSITION, &[BACKUP, program, schema, sha256])
    }

    /// Why a delivery must not be sent; `None` when its seal is valid.
    pub fn delivery_seal_error(&self, delivery: &delivery::Model) -> Option<&'static str> {
        match &delivery.seal {
            None => Some(UNSEALED),
            Some(seal) if *seal == self.seal_delivery(delivery) => None,
            Some(_) => Some(FORGED),
        }
    }

    fn check_run(&self, execution: &execution::Model, seal: Option<&String>) -> Result<Option<&'static str>, DbErr> {
        Ok(match seal {
            None => Some(UNSEALED),
            Some(seal) if *seal == self.seal_run(execution)? => None,
            Some(_) => Some(FORGED),
        })
    }
}

/// Stores the seals of new executions. Run it in the transaction that stores the executions.
///
/// # Errors
/// One of the executions has a seal already.
pub async fn seal_runs(db: &impl ConnectionTrait, key: &AuditKey, begun: &[execution::Model]) -> Result<(), DbErr> {
    let seal = |execution: &execution::Model| {
        Ok::<_, DbErr>(Model { execution_id: execution.id, mac: key.seal_run(execution)? })
    };
    let seals = begun.iter().map(seal).collect::<Result<Vec<_>, _>>()?;
    insert_all::<Entity>(db, seals, None).await.map(drop)
}

/// Removes the seals of ended executions.
pub async fn remove_seals(db: &impl ConnectionTrait, ended: Vec<Uuid>) -> Result<(), DbErr> {
    if ended.is_empty() {
        return Ok(());
    }
    Entity::delete_many().filter(Column::ExecutionId.is_in(ended)).exec(db).await.map(drop)
}

/// Removes the seals of all executions.
pub(super) async fn remove_all(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    Entity::delete_many().exec(db).await.map(drop)
}

/// Seals deliveries with a new key that have a valid seal of the former one.
pub(super) async fn change_key_of_deliveries(
    db: &impl ConnectionTrait,
    former: &AuditKey,
    new: &AuditKey,
) -> Result<(), DbErr> {
    let mut after = String::new();
    loop {
        let mut page = deliveries(db, &after).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after.clone_from(&last.id);
        page.retain(|delivery| former.delivery_seal_error(delivery).is_none());
        for delivery in &page {
            delivery::replace_seal(db, &delivery.id, new.seal_delivery(delivery)).await?;
        }
    }
}

/// The rows of running executions.
#[derive(Debug, Default)]
pub struct Running {
    /// Executions with a valid seal.
    pub sealed: Vec<execution::Model>,
    /// Executions without a valid seal, each with the reason.
    pub forged: Vec<(execution::Model, &'static str)>,
    /// Seals without a running execution. Empty when only some executions were read.
    pub orphans: Vec<Uuid>,
}

/// Reads running executions and checks their seals: all, or only the executions that are abandoned at `given_up_by`.
/// Run it in a snapshot, because an execution and its seal are stored and removed together.
pub async fn running(
    db: &impl ConnectionTrait,
    key: &AuditKey,
    given_up_by: Option<DateTimeUtc>,
) -> Result<Running, DbErr> {
    let executions = execution::running(db, given_up_by).await?;
    let mut running = Running::default();
    if executions.is_empty() && given_up_by.is_some() {
        return Ok(running);
    }
    let seals = Entity::find().all(db).await?.into_iter().map(|seal| (seal.execution_id, seal.mac));
    let mut seals: HashMap<_, _> = seals.collect();
    let ended = with_entries(db, &executions).await?;
    for execution in executions {
        let seal = seals.remove(&execution.id);
        // Detects an attack that resets an ended execution to running, with its old seal or to have it sealed again.
        let has_ended = ended.contains(&execution.id);
        let problem = if has_ended { Some(ENDED) } else { key.check_run(&execution, seal.as_ref())? };
        match problem {
            None => running.sealed.push(execution),
            Some(reason) => running.forged.push((execution, reason)),
        }
    }
    if given_up_by.is_none() {
        running.orphans = seals.into_keys().collect();
    }
    Ok(running)
}

/// The ids of the executions that have an audit entry. Executions get one when they end.
async fn with_entries(db: &impl ConnectionTrait, executions: &[execution::Model]) -> Result<HashSet<Uuid>, DbErr> {
    let mut found = HashSet::new();
    for chunk in executions.chunks(PAGE as usize) {
        let ids = chunk.iter().map(|execution| execution.id);
        let entries = super::Entity::find().select_only().column(super::Column::Id);
        found.extend(entries.filter(super::Column::Id.is_in(ids)).into_tuple::<Uuid>().all(db).await?);
    }
    Ok(found)
}

/// A page of deliveries after this id, in the order of ids: all that are not delivered, and the delivered ones with a
/// seal.
pub(super) async fn deliveries(db: &impl ConnectionTrait, after: &str) -> Result<Vec<delivery::Model>, DbErr> {
    let is_sealed_or_may_be_sent =
        Condition::any().add(delivery::Column::State.ne(State::Delivered)).add(delivery::Column::Seal.is_not_null());
    delivery::Entity::find()
        .filter(is_sealed_or_may_be_sent)
        .filter(delivery::Column::Id.gt(after))
        .order_by_asc(delivery::Column::Id)
        .limit(PAGE)
        .all(db)
        .await
}

/// Rows without a seal, written by an older version or a program without the key.
#[derive(Debug, Default)]
pub struct Unsealed {
    pub executions: Vec<execution::Model>,
    pub deliveries: Vec<delivery::Model>,
}

/// Finds rows without a seal. Rows with an invalid seal are not included.
pub async fn find_unsealed(db: &impl ConnectionTrait, key: &AuditKey) -> Result<Unsealed, DbErr> {
    let forged = running(db, key, None).await?.forged.into_iter();
    let executions = forged.filter(|(_, reason)| *reason == UNSEALED).map(|(execution, _)| execution).collect();
    let deliveries = delivery::Entity::find()
        .filter(delivery::Column::State.ne(State::Delivered))
        .filter(delivery::Column::Seal.is_null())
        .order_by_asc(delivery::Column::Id)
        .all(db)
        .await?;
    Ok(Unsealed { executions, deliveries })
}

/// Seals rows without a seal, on an operator's request. Deliveries that are dead because they had no seal become
/// pending.
pub async fn seal_all(db: &impl ConnectionTrait, key: &AuditKey, unsealed: &Unsealed) -> Result<(), DbErr> {
    seal_runs(db, key, &unsealed.executions).await?;
    for delivery in &unsealed.deliveries {
        delivery::set_seal(db, &delivery.id, key.seal_delivery(delivery)).await?;
        if delivery.last_error.as_deref() == Some(UNSEALED) {
            delivery::redrive(db, &delivery.id).await?;
        }
    }
    Ok(())
}
