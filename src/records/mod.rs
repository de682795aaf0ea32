//! What was done: the executions of custom commands, the keys that make one happen once, the webhooks that tell of it, and
//! the chain that shows when a record was changed.

pub mod audit;
pub mod delivery;
pub mod execution;
pub mod idempotency;
mod ledger;

pub use ledger::{Entry, Ledger};
