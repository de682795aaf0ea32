//! Annotations define the OpenAPI document. This folder has what poem-openapi's annotations cannot express:
//!
//! - `common`: headers, error responses and security that all operations share. An extractor declares at most one
//!   parameter, so five shared headers cannot be one extractor. Annotated security
//!   schemes are alternatives, but some operations need two together. A path parameter has one type, but a user's path
//!   takes an id or a name.
//! - `error_responses`: declares the error responses of an operation family with `derive(ApiResponse)`. The derive
//!   cannot choose the variant for an error, nor add responses that all families share.
//! - `document`: changes to the finished JSON, each with its reason; `shared_components` moves what operations share into
//!   components.
//! - `command_operations` and `command_schema`: an operation for each command that is in force.
//! - `schema_registry`: the schemas at run time. poem-openapi keeps its own registry private.
//! - `tags`: the tags of operations.

pub mod command_operations;
mod command_schema;
pub mod common;
pub mod document;
pub mod error_responses;
pub mod schema_registry;
pub mod shared_components;
pub mod tags;
