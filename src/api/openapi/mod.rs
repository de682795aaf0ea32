//! The parts of the OpenAPI document that poem-openapi's annotations cannot express:
//!
//! - `common`: headers, error responses and combined security schemes that all operations share.
//! - `error_responses`: the error responses of a single operation.
//! - `document`: corrections to the finished JSON.
//! - `schema_registry`: the schemas at run time, which poem-openapi does not expose.
//! - `tags`: the tags of operations.

pub mod common;
pub mod document;
pub mod error_responses;
pub mod schema_registry;
pub mod tags;
