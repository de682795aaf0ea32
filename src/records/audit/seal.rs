//! Seals: MACs with the audit key over what is stored before it is final, so that the server acts only on rows that a
//! server with the key wrote.
//!
//! An execution has a seal while it runs, a webhook delivery from the moment it is stored. A backup is sealed as a whole.

use std::collections::{HashMap, HashSet};

use sea_orm::{Condition, QueryOrder, QuerySelect, entity::prelude::*};
use serde::Serialize;

use super::{AuditKey, NOWHERE, content, walk::PAGE};
use crate::{
    records::{
        delivery::{self, State},
        execution,
    },
    store::insert_all,
};

// Each sets one kind of seal apart from the others, and from the entries and the anchor of the chain.
const RUN: &str = "run";
const DELIVERY: &str = "delivery";
const BACKUP: &str = "backup";

/// Why a row is not trusted.
pub const UNSEALED: &str = "it has no seal: an older version wrote it, or a program without the audit key";
pub const FORGED: &str = "its seal does not hold: it was changed, or sealed with another key";
const ENDED: &str = "the chain has an entry of its end already";

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "execution_seals")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub execution_id: Uuid,
    /// HMAC-SHA-256 over the execution as it began, in hexadecimal.
    pub mac: String,
}

impl ActiveModelBehavior for ActiveModel {}

impl AuditKey {
    /// The seal of an execution that runs. It covers every column.
    ///
    /// # Errors
    /// The execution cannot be written as JSON.
    pub fn seal_run(&self, execution: &execution::Model) -> Result<String, DbErr> {
        Ok(self.bind(NOWHERE, &[RUN, &content(execution)?]))
    }

    /// The seal of a delivery. It covers what is sent, where to, for which execution and since when; not how far it came.
    pub fn seal_delivery(&self, delivery: &delivery::Model) -> String {
        let delivery::Model { id, execution_id, target, body, timeout_ms, created_at, .. } = delivery;
        let (execution_id, timeout_ms) = (execution_id.to_string(), timeout_ms.to_string());
        let created_at = created_at.timestamp_micros().to_string();
        self.bind(NOWHERE, &[DELIVERY, id, &execution_id, target, body, &timeout_ms, &created_at])
    }

    /// The seal of a backup: what its tag says of it, the digest of its content included.
    pub fn seal_backup(&self, tag: [&str; 3]) -> String {
        let [program, schema, sha256] = tag;
        self.bind(NOWHERE, &[BACKUP, program, schema, sha256])
    }

    /// Why a delivery is not sent; nothing when its seal holds.
    pub fn fault_of_delivery(&self, delivery: &delivery::Model) -> Option<&'static str> {
        match &delivery.seal {
            None => Some(UNSEALED),
            Some(seal) if *seal == self.seal_delivery(delivery) => None,
            Some(_) => Some(FORGED),
        }
    }

    fn fault_of_run(&self, execution: &execution::Model, seal: Option<&String>) -> Result<Option<&'static str>, DbErr> {
        Ok(match seal {
            None => Some(UNSEALED),
            Some(seal) if *seal == self.seal_run(execution)? => None,
            Some(_) => Some(FORGED),
        })
    }
}

/// Stores the seals of executions that begin, in the transaction that stores the executions.
///
/// # Errors
/// The database does not answer, or one of them has a seal already.
pub async fn seal_runs(db: &impl ConnectionTrait, key: &AuditKey, begun: &[execution::Model]) -> Result<(), DbErr> {
    let seal = |execution: &execution::Model| {
        Ok::<_, DbErr>(Model { execution_id: execution.id, mac: key.seal_run(execution)? })
    };
    let seals = begun.iter().map(seal).collect::<Result<Vec<_>, _>>()?;
    insert_all::<Entity>(db, seals, None).await.map(drop)
}

/// Removes the seals of executions that ended.
///
/// # Errors
/// The database does not answer.
pub async fn remove_seals(db: &impl ConnectionTrait, ended: Vec<Uuid>) -> Result<(), DbErr> {
    if ended.is_empty() {
        return Ok(());
    }
    Entity::delete_many().filter(Column::ExecutionId.is_in(ended)).exec(db).await.map(drop)
}

/// The executions that run, as their rows say.
#[derive(Debug, Default)]
pub struct Running {
    /// Those whose seals hold.
    pub sealed: Vec<execution::Model>,
    /// The others, each with the reason.
    pub forged: Vec<(execution::Model, &'static str)>,
    /// Seals without an execution that runs, unless only some executions were asked for.
    pub orphans: Vec<Uuid>,
}

/// Reads the executions that run and checks their seals: those that are given up by this time, or all of them. Run it in a
/// snapshot: an execution and its seal are stored and removed together.
///
/// # Errors
/// The database does not answer.
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
        // An execution that ended was put back, with the seal of an earlier moment or without one, to be sealed anew.
        let has_ended = ended.contains(&execution.id);
        let fault = if has_ended { Some(ENDED) } else { key.fault_of_run(&execution, seal.as_ref())? };
        match fault {
            None => running.sealed.push(execution),
            Some(reason) => running.forged.push((execution, reason)),
        }
    }
    if given_up_by.is_none() {
        running.orphans = seals.into_keys().collect();
    }
    Ok(running)
}

/// Those of these executions that have an entry, which one gets when it ends.
async fn with_entries(db: &impl ConnectionTrait, executions: &[execution::Model]) -> Result<HashSet<Uuid>, DbErr> {
    let mut found = HashSet::new();
    for some in executions.chunks(PAGE as usize) {
        let ids = some.iter().map(|execution| execution.id);
        let entries = super::Entity::find().select_only().column(super::Column::Id);
        found.extend(entries.filter(super::Column::Id.is_in(ids)).into_tuple::<Uuid>().all(db).await?);
    }
    Ok(found)
}

/// Deliveries behind this id, in its order, a page at most: all that may still be sent, and those of the others that have
/// a seal.
///
/// # Errors
/// The database does not answer.
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

/// What has no seal, because an older version or a program without the key wrote it.
#[derive(Debug, Default)]
pub struct Unsealed {
    pub executions: Vec<execution::Model>,
    pub deliveries: Vec<delivery::Model>,
}

/// Finds what has no seal. What has one that does not hold is not among it.
///
/// # Errors
/// The database does not answer.
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

/// Seals what had no seal, on the word of an operator who has the key. Deliveries that were given up for want of a seal become
/// pending again.
///
/// # Errors
/// The database does not answer.
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
