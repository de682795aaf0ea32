//! Writes executions with their idempotency keys, webhook deliveries, audit entries and seals, at the end of a
//! transaction.

use metrics::Histogram;
use sea_orm::DbErr;

use super::{
    audit::{self, CurrentKey},
    delivery, execution,
    idempotency::{self, KeyScope},
};
use crate::{
    metrics::{MetricsRegistry, definitions::WRITER_BATCH},
    store::WriteTransaction,
};

/// A change of an execution that must be recorded.
#[derive(Clone, Debug)]
pub enum ExecutionEvent {
    /// The execution started and ended in one transaction.
    Completed { execution: execution::Model, key: Option<idempotency::Model>, deliveries: Vec<delivery::Model> },
    /// The execution starts, will call a webhook, and ends in another transaction.
    Started { execution: execution::Model, key: Option<idempotency::Model> },
    /// A started execution ends. `freed_key` can then be used for another run.
    Finished { execution: execution::Model, freed_key: Option<KeyScope>, deliveries: Vec<delivery::Model> },
}

/// Writes the events of a transaction.
#[derive(Debug)]
pub struct ExecutionLog {
    audit_key: CurrentKey,
    batch_sizes: Histogram,
}

impl ExecutionLog {
    pub fn new(audit_key: impl Into<CurrentKey>) -> Self {
        Self { audit_key: audit_key.into(), batch_sizes: Histogram::noop() }
    }

    /// Records the sizes of batches in a metric.
    #[must_use]
    pub fn counted(self, metrics: &MetricsRegistry) -> Self {
        Self { batch_sizes: metrics.histogram(&WRITER_BATCH, &[]), ..self }
    }
}

/// The rows to write, by table.
#[derive(Default)]
struct Rows {
    /// Ended executions for the audit chain, in order.
    ended_for_audit: Vec<execution::Model>,
    /// Started executions, which get a seal.
    begun: Vec<execution::Model>,
    new: Vec<execution::Model>,
    ended: Vec<execution::Model>,
    keys: Vec<idempotency::Model>,
    freed_keys: Vec<KeyScope>,
    deliveries: Vec<delivery::Model>,
}

impl Rows {
    fn add(&mut self, event: ExecutionEvent) {
        match event {
            ExecutionEvent::Completed { execution, key, deliveries } => {
                self.ended_for_audit.push(execution.clone());
                self.new.push(execution);
                self.keys.extend(key);
                self.deliveries.extend(deliveries);
            }
            ExecutionEvent::Started { execution, key } => {
                self.begun.push(execution.clone());
                self.new.push(execution);
                self.keys.extend(key);
            }
            ExecutionEvent::Finished { execution, freed_key, deliveries } => {
                self.ended_for_audit.push(execution.clone());
                self.ended.push(execution);
                self.freed_keys.extend(freed_key);
                self.deliveries.extend(deliveries);
            }
        }
    }
}

impl ExecutionLog {
    /// Writes the events of a transaction.
    ///
    /// # Errors
    /// An idempotency key is already used, or a finished execution is no longer running.
    pub async fn write(&self, transaction: &WriteTransaction, events: Vec<ExecutionEvent>) -> Result<(), DbErr> {
        self.batch_sizes.record(events.len() as f64);
        let mut rows = Rows::default();
        events.into_iter().for_each(|event| rows.add(event));
        let entries = rows.ended_for_audit.iter().map(audit::entry_of).collect::<Result<_, _>>()?;
        let key = self.audit_key.hold(transaction).await?;
        audit::append(transaction, &key, entries).await?;
        audit::seal_runs(transaction, &key, &rows.begun).await?;
        audit::remove_seals(transaction, rows.ended.iter().map(|execution| execution.id).collect()).await?;
        execution::insert(transaction, rows.new).await?;
        idempotency::insert(transaction, rows.keys).await?;
        for delivery in &mut rows.deliveries {
            delivery.seal = Some(key.seal_delivery(delivery));
        }
        delivery::insert(transaction, rows.deliveries).await?;
        execution::end(transaction, rows.ended).await?;
        idempotency::free(transaction, rows.freed_keys).await
    }
}
