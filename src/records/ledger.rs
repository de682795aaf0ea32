//! What each transaction of executions writes at its end: the executions, their keys, and their links in the chain.

use async_trait::async_trait;
use sea_orm::{DatabaseTransaction, DbErr};

use super::{
    audit::{self, AuditKey},
    execution, idempotency,
};
use crate::store;

/// What one execution leaves behind.
#[derive(Debug)]
pub struct Entry {
    pub execution: execution::Model,
    pub key: Option<idempotency::Model>,
}

/// Writes the entries of a transaction together.
#[derive(Debug)]
pub struct Ledger {
    audit_key: AuditKey,
}

impl Ledger {
    pub fn new(audit_key: AuditKey) -> Self {
        Self { audit_key }
    }
}

#[async_trait]
impl store::Ledger for Ledger {
    type Record = Entry;

    async fn write(&self, transaction: &DatabaseTransaction, records: Vec<Entry>) -> Result<(), DbErr> {
        let (executions, keys): (Vec<_>, Vec<_>) =
            records.into_iter().map(|entry| (entry.execution, entry.key)).unzip();
        audit::append(transaction, &self.audit_key, &executions).await?;
        execution::insert(transaction, executions).await?;
        let keys: Vec<_> = keys.into_iter().flatten().collect();
        if keys.is_empty() { Ok(()) } else { idempotency::insert(transaction, keys).await }
    }
}
