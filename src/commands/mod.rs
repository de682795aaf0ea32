//! Custom commands: their definitions, who may run them, and how they are executed.
//!
//! A command is a [`Definition`], read from a YAML file; the [`Catalog`] holds the definitions in force.
//! [`CommandService::execute`] runs a command:
//!
//! ```text
//! service       entry point; a run continues when its client disconnects
//! execute       first checks without a transaction: idempotency key, permission, confirmation
//! step, steps   prepare each step: its effect as data, and its output texts
//! batch         runs that wait share a transaction: take locks, read rows, decide each run, write
//! decide        decides one run, called by batch: a pure function of the run and the rows that were read
//! record        builds the execution record
//! sync_webhook  a run that calls another system first: two transactions, with the call in between
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
pub mod inputs;
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
mod template;
mod value_or_input;

pub use authorize::{Authorization, authorize};
pub use available_commands::AvailableCommand;
pub use catalog::{
    Catalog, DefinitionError, DefinitionErrors, Example, LoadedCommand, SCHEMA_FILE, demo_examples, further_examples,
};
pub use command_status::{Availability, CatalogStatus, CommandStatus, FailedReload};
pub use confirmation::{ActionResult, ConfirmBinding, Confirmation};
pub use definition::{Definition, schema};
pub use recovery::RecoveryScope;
pub use request::{CommandOutput, ExecuteRequest};
pub use service::{CommandService, CommandServiceDependencies};
