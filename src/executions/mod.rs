//! The records of executions: idempotency keys, webhook deliveries, the audit chain and retention.

pub mod audit;
pub mod delivery;
pub mod execution;
mod execution_log;
pub mod idempotency;
pub mod retention;

pub use execution_log::{ExecutionEvent, ExecutionLog};
