//! The inputs of commands: typed values that a caller gives with a run.
//!
//! - `definition`: the inputs of a definition; `raw` reads them from its file.
//! - `input_type`: the types with their limits; `pattern`: the patterns of texts.
//! - `given`: what a caller sent, in every form of the API and of the command line.
//! - `check`: turns what was given into typed values, or says what each input takes.
//! - `value`: the typed values of a run; `shown`: how templates show them.

mod check;
mod definition;
mod given;
mod input_type;
mod pattern;
mod raw;
mod shown;
mod value;

pub use check::check;
pub use definition::{DefaultValue, InputDefinition, InputDefinitions};
pub use given::{GivenInputs, Place};
pub use input_type::{Choice, DateLimit, InputType, TextLimits};
pub use raw::RawInputs;
pub use shown::ShownInputs;
pub use value::{InputValue, InputValues};
