//! The HTTP interface. `router.rs` lists every operation; the other modules hold their parts.
//!
//! ```text
//! router      all operations, grouped by the kind of caller
//! state       the services that operations use
//! routes      the operations: one file per noun
//! models      request and response bodies
//! extract     typed inputs: bodies, parameters, conditional headers, $select
//! respond     responses: formats, errors, caching, export
//! middleware  the steps around every request
//! openapi     the parts of the OpenAPI document that annotations cannot express
//! pages       static files: Swagger UI and the console
//! ```

mod extract;
mod middleware;
mod models;
mod openapi;
mod respond;
mod router;
mod routes;
mod state;

pub use self::{
    middleware::{
        concurrency_limit::ConcurrencyLimiter,
        cors::{Cors, EXPOSED},
        fault_injection::DropConnection,
        headers,
    },
    openapi::{
        document::{normalize, yaml},
        forms::{SCHEMES, with_schemes, with_server, with_tags, without_shared_headers},
        plain::for_simple_generators,
        shared_components::share,
        version_3_1::convert as version_3_1,
    },
    respond::{error, export},
    router::{add_commands, document, document_with_commands, endpoint, routes, shared_document},
    routes::agents::{UNIMPLEMENTED, is_not_served},
    state::AppState,
};
