//! What can be run on users, who may run it, and the one way to run it.
//!
//! A command is a [`Definition`], read from a file; the [`Catalog`] holds them. Everything that runs one goes through
//! [`Commands::run`], and everything that asks whether one may be run through [`authorize`].

mod account;
mod authorize;
mod background;
mod call;
mod catalog;
mod change;
mod confirmation;
mod definition;
mod document;
mod execute;
mod offers;
mod once;
mod predicate;
mod record;
mod recover;
mod run;
mod steps;
mod survey;
mod text;

pub use authorize::{Verdict, authorize};
pub use catalog::{Catalog, Example, Fault, Faults, SCHEMA_FILE, demo_examples, further_examples};
pub use confirmation::{ActionResult, Confirmation};
pub use definition::{Definition, schema};
pub use recover::Abandoned;
pub use run::{Attempt, Commands, FailedReload, Offer, Report};
pub use survey::{Standing, Survey, Surveyed};
