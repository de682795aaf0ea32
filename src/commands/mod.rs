//! What can be run on users, who may run it, and the one way to run it.
//!
//! A command is a [`Definition`], read from a file; the [`Catalog`] holds them. [`CommandService::execute`] runs one:
//!
//! ```text
//! service       the one entrance; goes on when the client leaves
//! execute       a first look: the key, the caller's rights, the confirmation
//! step, steps   each step is prepared: what it wants changed, as data, and what it says
//! batch         what waits shares a transaction: locks, reads, decides each run, writes
//! decide        what becomes of a run, called within batch: a function of the run and of what was read
//! record        what is recorded of it
//! sync_webhook  a run that asks another system first: two transactions, with the call in between
//! recovery      closes runs of a process that died
//! ```

mod active_runs;
mod authorize;
mod available_commands;
mod batch;
mod catalog;
mod command_status;
mod confirmation;
mod decide;
mod definition;
mod document;
mod execute;
mod idempotency;
mod predicate;
mod record;
mod recovery;
mod request;
mod resources;
mod run;
mod service;
mod step;
mod step_output;
mod steps;
mod sync_webhook;
mod text;

pub use authorize::{Authorization, authorize};
pub use available_commands::AvailableCommand;
pub use catalog::{Catalog, Example, Fault, Faults, SCHEMA_FILE, demo_examples, further_examples};
pub use command_status::{Availability, CatalogStatus, CommandStatus, FailedReload};
pub use confirmation::{ActionResult, Confirmation};
pub use definition::{Definition, schema};
pub use recovery::RecoveryScope;
pub use request::{CommandOutput, ExecuteRequest};
pub use service::{CommandService, ServiceParts};
