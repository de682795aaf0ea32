//! The statuses that operations answer and those that the document says are the same.
//!
//! Every answer in these tests is held against the document. With `STATUSES=FILE`, each is also written to that file; the
//! last test then finds what the document says and nothing answered.

use std::{collections::BTreeSet, env, fs, io::Write, sync::LazyLock};

use kommando::api;
use poem::http::{Method, StatusCode};
use serde_json::Value;

/// Statuses that any request can get, whatever the operation; the disk is filled for some operations only.
const COMMON: [u16; 11] = [400, 401, 403, 406, 408, 413, 415, 429, 500, 503, 507];

/// Answered in `tests/process/webhooks.rs`; the agent runs commands by the same code as the resource.
const ELSEWHERE: [&str; 5] = [
    "v1User_ExecuteUserCommand 502",
    "v1UserAgent_ExecuteUserCommand 409",
    "v1UserAgent_ExecuteUserCommand 422",
    "v1UserAgent_ExecuteUserCommand 502",
    "v1UserAgent_ExecuteUserCommand 504",
];

/// An operation of the document.
struct Operation {
    id: String,
    method: String,
    segments: Vec<String>,
    statuses: BTreeSet<u16>,
}

static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(|| {
    let document = api::document();
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().expect("operations");
        methods.iter().map(move |(method, operation)| Operation::new(path, method, operation))
    });
    operations.collect()
});

impl Operation {
    fn new(path: &str, method: &str, operation: &Value) -> Self {
        let statuses = operation["responses"].as_object().expect("responses").keys();
        Self {
            id: operation["operationId"].as_str().expect("an operationId").to_owned(),
            method: method.to_ascii_uppercase(),
            segments: path.trim_start_matches('/').split('/').map(str::to_owned).collect(),
            statuses: statuses.map(|status| status.parse().expect("a status")).collect(),
        }
    }

    /// Whether a path is one of this operation, and how many of its segments are literal.
    fn matches(&self, path: &[&str]) -> Option<usize> {
        let is_parameter = |segment: &str| segment.starts_with('{');
        let fits = |(own, given): (&String, &&str)| is_parameter(own) || own.eq_ignore_ascii_case(given);
        let is_match = self.segments.len() == path.len() && self.segments.iter().zip(path).all(fits);
        is_match.then(|| self.segments.iter().filter(|segment| !is_parameter(segment)).count())
    }
}

/// The paths that are not in the document, although one in it has their form.
const HIDDEN: [&str; 1] = ["/api/v1/License/User/MdoList"];

/// Asserts that the document has this status of the operation at this path, if there is one.
#[track_caller]
pub fn check(method: &Method, path: &str, status: StatusCode) {
    if HIDDEN.contains(&path) {
        return;
    }
    let segments: Vec<_> = path.trim_matches('/').split('/').collect();
    let candidates = OPERATIONS.iter().filter(|operation| operation.method == method.as_str());
    let matching = candidates.filter_map(|operation| Some((operation.matches(&segments)?, operation)));
    let Some((_, operation)) = matching.max_by_key(|(literal, _)| *literal) else { return };
    let is_known = operation.statuses.contains(&status.as_u16());
    // A path of this form may be that of another operation, or take a name instead of an id.
    let is_general = [StatusCode::REQUEST_TIMEOUT, StatusCode::METHOD_NOT_ALLOWED].contains(&status);
    assert!(is_known || is_general, "{} answered {status}, which the document does not say", operation.id);
    if let Ok(file) = env::var("STATUSES") {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(file).expect("a file");
        file.write_all(format!("{} {}\n", operation.id, status.as_u16()).as_bytes()).expect("a line");
    }
}

#[test]
#[ignore = "run after all others with the file of STATUSES, as tests/all does"]
fn every_documented_status_was_answered() {
    let file = env::var("STATUSES").expect("STATUSES names the file that the other tests wrote");
    let answered = fs::read_to_string(file).expect("the statuses that were answered");
    let answered: BTreeSet<_> = answered.lines().map(str::to_owned).collect();
    let documented = OPERATIONS.iter().flat_map(|operation| {
        let own = operation.statuses.iter().filter(|status| !COMMON.contains(status));
        own.map(|status| format!("{} {status}", operation.id))
    });
    let is_expected = |status: &String| !ELSEWHERE.contains(&status.as_str());
    let never: Vec<_> = documented.filter(is_expected).filter(|status| !answered.contains(status)).collect();
    assert!(never.is_empty(), "documented, and never answered in a test: {never:#?}");
}
