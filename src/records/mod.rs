//! What was done: the executions of custom commands, the keys that make one happen once, the webhooks that tell of it, the
//! chain that shows when a record was changed, and how long all of it is kept.

pub mod audit;
pub mod delivery;
pub mod execution;
pub mod idempotency;
mod ledger;
pub mod retention;

pub use ledger::{Entry, Ledger};
