//! What each transaction of executions writes at its end: the executions, their keys, their webhooks, and their links in
//! the chain. What is not final is sealed.

use metrics::Histogram;
use sea_orm::DbErr;

use super::{
    audit::{self, AuditKey},
    delivery, execution,
    idempotency::{self, Scope},
};
use crate::{
    store::WriteTransaction,
    watch::{Meters, families::WRITER_BATCH},
};

/// What one execution leaves behind.
#[derive(Clone, Debug)]
pub enum Entry {
    /// All of it at once.
    Whole { execution: execution::Model, key: Option<idempotency::Model>, deliveries: Vec<delivery::Model> },
    /// It is about to call a webhook, and ends in another transaction.
    Begun { execution: execution::Model, key: Option<idempotency::Model> },
    /// It had begun, and ends. Its key is good for another run when it is given back here.
    Ended { execution: execution::Model, freed_key: Option<Scope>, deliveries: Vec<delivery::Model> },
}

/// Writes the entries of a transaction together.
#[derive(Debug)]
pub struct Ledger {
    audit_key: AuditKey,
    sizes: Histogram,
}

impl Ledger {
    pub fn new(audit_key: AuditKey) -> Self {
        Self { audit_key, sizes: Histogram::noop() }
    }

    /// The same, with the sizes of batches measured here.
    #[must_use]
    pub fn counted(self, meters: &Meters) -> Self {
        Self { sizes: meters.histogram(&WRITER_BATCH, &[]), ..self }
    }
}

/// The entries of a transaction, table by table.
#[derive(Default)]
struct Rows {
    /// Those that are final, in their order.
    linked: Vec<execution::Model>,
    /// Those that are not, and are sealed until then.
    begun: Vec<execution::Model>,
    new: Vec<execution::Model>,
    ended: Vec<execution::Model>,
    keys: Vec<idempotency::Model>,
    freed_keys: Vec<Scope>,
    deliveries: Vec<delivery::Model>,
}

impl Rows {
    fn add(&mut self, entry: Entry) {
        match entry {
            Entry::Whole { execution, key, deliveries } => {
                self.linked.push(execution.clone());
                self.new.push(execution);
                self.keys.extend(key);
                self.deliveries.extend(deliveries);
            }
            Entry::Begun { execution, key } => {
                self.begun.push(execution.clone());
                self.new.push(execution);
                self.keys.extend(key);
            }
            Entry::Ended { execution, freed_key, deliveries } => {
                self.linked.push(execution.clone());
                self.ended.push(execution);
                self.freed_keys.extend(freed_key);
                self.deliveries.extend(deliveries);
            }
        }
    }
}

impl Ledger {
    /// Writes what the executions of a transaction leave behind.
    ///
    /// # Errors
    /// The database does not answer; a key is used already; or an execution that ends does not run any more.
    pub async fn write(&self, transaction: &WriteTransaction, entries: Vec<Entry>) -> Result<(), DbErr> {
        self.sizes.record(entries.len() as f64);
        let mut rows = Rows::default();
        entries.into_iter().for_each(|entry| rows.add(entry));
        audit::append(transaction, &self.audit_key, &rows.linked).await?;
        audit::seal_runs(transaction, &self.audit_key, &rows.begun).await?;
        audit::remove_seals(transaction, rows.ended.iter().map(|execution| execution.id).collect()).await?;
        execution::insert(transaction, rows.new).await?;
        idempotency::insert(transaction, rows.keys).await?;
        for delivery in &mut rows.deliveries {
            delivery.seal = Some(self.audit_key.seal_delivery(delivery));
        }
        delivery::insert(transaction, rows.deliveries).await?;
        execution::end(transaction, rows.ended).await?;
        idempotency::free(transaction, rows.freed_keys).await
    }
}
