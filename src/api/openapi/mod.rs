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
//! - `forms`: forms of the document for tools that cannot use all of it.
//! - `json`: ways through the JSON of a document.
//! - `links`: links between operations.
//! - `plain`: the document for client generators that fail on the full one.
//! - `request_examples`: the examples of request bodies, from `openapi/examples.json`.
//! - `schema_registry`: the schemas at run time. poem-openapi keeps its own registry private.
//! - `tags`: the tags of operations.
//! - `version_3_1`: the document as OpenAPI 3.1.

pub mod command_operations;
mod command_schema;
pub mod common;
pub mod document;
pub mod error_responses;
pub mod forms;
mod json;
mod links;
pub mod plain;
mod request_examples;
pub mod schema_registry;
pub mod shared_components;
pub mod tags;
pub mod version_3_1;
