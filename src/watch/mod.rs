//! What is seen of the server while it runs: what is counted, and to which trace a request belongs. A leaf for everyone.
//!
//! The log is started by `telemetry`; whoever counts something takes a handle of [`Meters`] once, and keeps it.

pub mod families;
mod meters;
mod request;
mod trace;

pub use families::Family;
pub use meters::{Counters, Meters, Seconds};
pub use request::{Facts, caller, note_caller, trace};
pub use trace::Trace;
