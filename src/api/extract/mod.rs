//! Typed inputs of operations: bodies, parameters, conditional headers and `$select`.

pub mod bounded_json;
pub mod command_inputs;
pub mod conditions;
pub mod examples;
pub mod json_body;
pub mod json_edit;
pub mod json_patch;
pub mod odata_select;
pub mod parameters;
pub mod references;
pub mod request;
pub mod schema_coercion;
pub mod user_patch;
