//! Where a request comes from, for the audit chain.

use poem::{Request, http::header};

use crate::executions::audit::{Source, Way};

/// The path segment of agents, in any case.
const AGENTS: &str = "Agents";

/// The id of a request in the log. The pipeline attaches it to each request.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// The source of a request. A request without an `Authorization` header uses a session, as the console does.
pub fn source_of(request: &Request) -> Source {
    let has_credentials = request.headers().get(header::AUTHORIZATION).is_some_and(|value| !value.is_empty());
    let way = match has_credentials {
        false => Way::Console,
        true if request.uri().path().split('/').any(|segment| segment.eq_ignore_ascii_case(AGENTS)) => Way::Agent,
        true => Way::Rest,
    };
    let request_id = request.data::<RequestId>().map(|RequestId(id)| id.clone()).unwrap_or_default();
    Source::request(way, request_id)
}
