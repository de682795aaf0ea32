//! The authorization matrix: every route with every role, every kind of credentials, and every target user.

mod callers;
mod mutations;
mod rows;

use std::collections::HashSet;

use kommando::{
    api::{self, UNIMPLEMENTED},
    executions::{
        audit::change,
        execution::{self, Outcome, Steps},
    },
    users::{application, ticket},
};
use poem::http::{Method, StatusCode};
use secrecy::ExposeSecret;
use uuid::Uuid;

use self::{
    callers::{ABOUT, CALLER, ROLES, Role, SCHEMES, Scheme, Verdict, worthless},
    rows::{AGENT_ROWS, ROWS, Row, Who},
};
use crate::{
    audited_state::AuditedState,
    harness::{ADMIN, Answer, BJORN, Server},
    identity_provider::{believing, provider},
    issuer::Issuer,
};

const AGENTS: &str = "/api/v1/Agents/";
const USER_AGENT: &str = "/api/v1/Agents/User/";
/// Settings that switch the login rate limiter off.
const UNLIMITED: [&str; 2] = ["--guess-limits", "1000000,1000000,1000000"];

/// Routes that an online installation does not restrict to granted applications, like upstream. Our own operations are
/// not restricted either.
const OPEN_ONLINE: [&str; 19] = [
    "GET /api/v1/User",
    "GET /api/v1/User/$metadata",
    "GET /api/v1/User/CustomField",
    "GET /api/v1/User/CustomField/:param0",
    "GET /api/v1/User/:param0/ForeignKey",
    "GET /api/v1/User/currentPrincipal",
    "GET /api/v1/User/currentAssociate",
    "GET /api/v1/User/currentToken",
    "GET /api/v1/TimeZone",
    "GET /api/v1/License",
    "GET /api/v1/License/User/:param0",
    "GET /api/v1/List/UserGroup/Items",
    "GET /api/v1/List/UserGroup/Items/:param0",
    "GET /api/v1/MDOList",
    "GET /api/v1/MDOList/:param0",
    "GET /api/v1/MDOList/:param0/selectable",
    "GET /api/v1/Archive",
    "GET /api/v1/Archive/:param0",
    "GET /api/v1/Archive/:param0/$metadata",
];
/// Only the User agent is restricted.
const OPEN_AGENTS: [&str; 3] = ["MDO", "Associate", "Archive"];

/// Every route that needs credentials.
fn routes() -> Vec<(Method, String)> {
    let document = api::document();
    let is_public = |method: &Method, path: &str| {
        let operation = document["paths"].as_object().expect("paths").iter().find_map(|(known, methods)| {
            let mut count = 0;
            let segments = known.split('/').map(|segment| match segment.starts_with('{') {
                true => {
                    count += 1;
                    format!(":param{}", count - 1)
                }
                false => segment.to_owned(),
            });
            (segments.collect::<Vec<_>>().join("/") == path).then(|| &methods[method.as_str().to_lowercase()])
        });
        // Pages are not in the document; hidden operations of the agent answer 501.
        let is_hidden = operation.is_none_or(|operation| operation.is_null()) && !path.starts_with(AGENTS);
        is_hidden || operation.is_some_and(|operation| operation["security"].as_array().is_some_and(Vec::is_empty))
    };
    let routes =
        api::routes().into_iter().flat_map(|(path, methods)| methods.into_iter().map(move |one| (one, path.clone())));
    routes.filter(|(method, path)| !is_public(method, path)).collect()
}

/// The rows of a route.
fn rows(method: &Method, path: &str) -> Vec<Row> {
    let (table, name) = match (path.strip_prefix(AGENTS), path.strip_prefix(USER_AGENT)) {
        // One route serves all unimplemented operations.
        (Some(":param0/:param1"), _) => return unimplemented(),
        // A GET describes the operation.
        (Some(_), _) if method == Method::GET => return vec![("", Who::Callers, "", "")],
        (_, Some(name)) if method == Method::POST => (AGENT_ROWS, name.to_owned()),
        _ => (ROWS, format!("{method} {path}")),
    };
    let found: Vec<_> = table.iter().filter(|(route, ..)| *route == name).copied().collect();
    assert!(!found.is_empty(), "{name} has no row in the matrix");
    found
}

fn unimplemented() -> Vec<Row> {
    let rows = |(agent, names): &(&'static str, &'static [&'static str])| {
        let agent = *agent;
        names.iter().map(move |name| ("", Who::NotImplemented, agent, *name)).collect::<Vec<Row>>()
    };
    UNIMPLEMENTED.iter().flat_map(rows).collect()
}

#[test]
fn every_route_has_a_row_and_every_row_a_route() {
    let routes = routes();
    assert!(routes.len() > 80, "{}", routes.len());
    for (method, path) in &routes {
        rows(method, path);
    }
    let agent = AGENT_ROWS.iter().map(|(name, ..)| format!("POST {USER_AGENT}{name}"));
    for name in ROWS.iter().map(|(name, ..)| (*name).to_owned()).chain(agent) {
        assert!(routes.iter().any(|(method, path)| format!("{method} {path}") == name), "{name} is not a route");
    }
}

/// The value of a placeholder of a row, for a user.
async fn something_of(server: &Server, user: i32, what: &str) -> String {
    let db = server.app.store.writer();
    let exists = [BJORN, ADMIN, CALLER].contains(&user);
    match what {
        "$ID" => user.to_string(),
        "$NAME" if exists => server.user(user).await.user.name,
        "$PERSON" if exists => server.user(user).await.person.expect("a person").id.to_string(),
        "$TICKET" if exists => ticket::issue(db, user, None).await.expect("a ticket").1.hash,
        "$EXECUTION" => {
            let (id, now) = (Uuid::now_v7(), chrono::Utc::now());
            let execution = execution::Model {
                id,
                user_id: BJORN,
                caller_id: if exists { user } else { BJORN },
                application_id: None,
                way: None,
                operator: None,
                inputs: None,
                command_name: "hello".to_owned(),
                definition_hash: String::new(),
                action_result: "Implicit".to_owned(),
                outcome: Outcome::Succeeded,
                message: String::new(),
                steps: Steps::default(),
                request_id: String::new(),
                started_at: now,
                finished_at: now,
            };
            execution::insert(db, vec![execution]).await.expect("an execution");
            id.to_string()
        }
        "$NAME" => "absent".to_owned(),
        "$TICKET" => "0".repeat(64),
        _ => user.to_string(),
    }
}

async fn filled(server: &Server, user: i32, text: &str) -> String {
    let mut filled = text.to_owned();
    for what in ["$ID", "$NAME", "$PERSON", "$TICKET", "$EXECUTION"] {
        if filled.contains(what) {
            filled = filled.replace(what, &something_of(server, user, what).await);
        }
    }
    filled
}

/// Sends the request of a row about a user.
async fn ask(server: &Server, scheme: Scheme, (method, path): (&Method, &str), row: &Row, user: i32) -> Answer {
    let (.., asked, body) = *row;
    let path = path.replace(":param0", "$ID");
    let path = match row.1 {
        // The body of the row is the name of the operation.
        Who::NotImplemented => format!("{AGENTS}{asked}/{body}"),
        _ if asked.starts_with('/') => asked.to_owned(),
        _ => format!("{path}{asked}"),
    };
    let path = filled(server, user, &path).await.replace(' ', "%20");
    let call = scheme.prove(server, server.call(method.clone(), path)).await;
    let body = if row.1 == Who::NotImplemented { "{}".to_owned() } else { filled(server, user, body).await };
    if body.is_empty() { call.send().await } else { call.body("application/json", body).send().await }
}

/// The users that a request of a row is about in turn; any one of them when the request names none.
fn about(path: &str, row: &Row) -> &'static [i32] {
    let (.., asked, body) = *row;
    let names_user = asked.contains('$') || body.contains('$') || (!asked.starts_with('/') && path.contains(":param0"));
    if names_user { &ABOUT } else { &ABOUT[..1] }
}

/// Whether the response is the expected one.
fn is_as_it_should_be(role: Role, who: Who, user: i32, got: &Answer) -> bool {
    let is_told = || {
        let told = got.body.get("value").unwrap_or(&got.body);
        told.as_array().map_or(told == true, |list| !list.is_empty())
    };
    match role.verdict(who, user) {
        Verdict::Denied => got.status == StatusCode::FORBIDDEN,
        Verdict::Hidden => got.status == StatusCode::NOT_FOUND,
        Verdict::NotImplemented => got.status == StatusCode::NOT_IMPLEMENTED,
        Verdict::Invalid => got.status == StatusCode::BAD_REQUEST,
        Verdict::Allowed => {
            let refusals = [StatusCode::FORBIDDEN, StatusCode::UNAUTHORIZED, StatusCode::BAD_REQUEST];
            let tells = !matches!(who, Who::Filtered | Who::Told) || is_told() == role.is_told_of(who, user);
            !refusals.contains(&got.status) && !got.status.is_server_error() && tells
        }
    }
}

/// Whether a request may change the results of later ones.
fn changes(method: &Method, who: Who) -> bool {
    let lasting =
        [Who::ManagersOfExternal, Who::ManagersOfOthers, Who::Removers, Who::Makers, Who::Sharers, Who::Administrators];
    method != Method::GET && lasting.contains(&who)
}

async fn hold_against_the_table(role: Role) {
    let issuer = provider().await;
    let server = async |issuer: &Issuer| {
        let server = believing(issuer, &UNLIMITED).await;
        role.give(&server).await;
        server
    };
    let (mut shared, mut asked, mut wrong) = (server(&issuer).await, 0, Vec::new());
    for (method, path) in routes() {
        for row in rows(&method, &path) {
            let who = row.1;
            for &user in about(&path, &row) {
                let scheme = SCHEMES[asked % SCHEMES.len()];
                asked += 1;
                let got = ask(&shared, scheme, (&method, &path), &row, user).await;
                if !is_as_it_should_be(role, who, user, &got) {
                    let what = format!("{method} {path} {} {} on {user} by {scheme:?}", row.2, row.3);
                    wrong.push(format!("{what}, for {who:?}: {} {}", got.status, got.text));
                }
                if changes(&method, who) && got.status.is_success() {
                    shared = server(&issuer).await;
                }
            }
        }
    }
    println!("{}: {asked} cases", role.name);
    assert!(wrong.is_empty(), "{}:\n{}", role.name, wrong.join("\n"));
}

#[tokio::test]
async fn every_write_by_the_api_has_an_entry() {
    let (issuer, role) = (provider().await, ROLES[0]);
    let server = async |issuer: &Issuer| {
        let server = believing(issuer, &UNLIMITED).await;
        role.give(&server).await;
        server
    };
    let (mut shared, mut problems, mut actions) = (server(&issuer).await, Vec::new(), HashSet::new());
    for (method, path) in routes().into_iter().filter(|(method, _)| *method != Method::GET) {
        for row in rows(&method, &path) {
            for &user in about(&path, &row) {
                let before = AuditedState::read(&shared.app.store).await;
                let got = ask(&shared, SCHEMES[0], (&method, &path), &row, user).await;
                let after = AuditedState::read(&shared.app.store).await;
                let problem = after.problem_since(&before);
                let what = format!("{method} {path} {} {} on {user}: {}", row.2, row.3, got.status);
                problems.extend(problem.map(|problem| format!("{what}: {problem}")));
                actions.extend(after.since(&before).iter().map(|change| (change.action.word(), change.way.word())));
                let is_complete = |change: &change::Model| change.actor_id.is_some() && !change.request_id.is_empty();
                if let Some(incomplete) = after.since(&before).into_iter().find(|change| !is_complete(change)) {
                    problems.push(format!("{what}: without actor or request: {incomplete:?}"));
                }
                if changes(&method, row.1) && got.status.is_success() {
                    shared = server(&issuer).await;
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    for action in [
        "user.created",
        "user.updated",
        "user.deactivated",
        "password.set",
        "password.reset",
        "credential.removed",
        "tickets.revoked",
        "role.saved",
        "role.deleted",
        "rights.set",
        "group.saved",
        "group.deleted",
        "secret.saved",
        "note.saved",
    ] {
        assert!(actions.iter().any(|(word, _)| word == action), "the walk made no {action}");
    }
}

/// Generates a test for each role, so that they run in parallel.
macro_rules! roles {
    ($($test:ident: $role:literal,)*) => {
        $(#[tokio::test]
        async fn $test() {
            hold_against_the_table(ROLES[$role]).await;
        })*

        #[test]
        fn every_role_is_tested() {
            assert_eq!([$($role),*].len(), ROLES.len());
        }
    };
}

roles! {
    an_administrator_may_do_exactly_what_the_matrix_says: 0,
    a_system_user_may_do_exactly_what_the_matrix_says: 1,
    a_user_admin_may_do_exactly_what_the_matrix_says: 2,
    an_employee_may_do_exactly_what_the_matrix_says: 3,
    a_custom_role_may_do_exactly_what_the_matrix_says: 4,
    an_external_user_may_do_exactly_what_the_matrix_says: 5,
    an_anonymous_user_may_do_exactly_what_the_matrix_says: 6,
}

#[tokio::test]
async fn worthless_credentials_are_refused_everywhere() {
    let issuer = provider().await;
    let server = believing(&issuer, &UNLIMITED).await;
    let routes = routes();
    for (nth, (header, value)) in worthless(&server).await.into_iter().enumerate() {
        // Each route meets each user, and each value each user, but not every combination of the three.
        for ((method, path), user) in routes.iter().zip(["1", "anna", "4711"].into_iter().cycle().skip(nth % 3)) {
            let filled = path.replace(":param0", user).replace(":param1", "hello");
            let status = server.call(method.clone(), filled).header(header, &value).send().await.status;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {path} on {user} with {header}: {value}");
        }
    }
    assert!(server.executions().await.is_empty());
}

#[tokio::test]
async fn online_restricted_routes_need_a_granted_application() {
    let issuer = provider().await;
    let server = believing(&issuer, &["--installation", "online"]).await;
    let db = server.app.store.writer();
    let app = async |name: &str, granted| application::add(db, name, granted).await.expect("an application").0;
    let apps = [(Some(app("plain", false).await), false), (Some(app("granted", true).await), true), (None, false)];
    let mut asked = 0;
    for (method, path) in routes().into_iter().filter(|(_, path)| path.starts_with("/api/")) {
        let is_of_open_agent = path.strip_prefix(AGENTS).is_some_and(|rest| {
            let agent = rest.split('/').next().unwrap_or_default();
            OPEN_AGENTS.contains(&agent) || agent.starts_with(':')
        });
        let is_open = is_of_open_agent || OPEN_ONLINE.contains(&format!("{method} {path}").as_str());
        for (app, is_granted) in &apps {
            for scheme in SCHEMES {
                asked += 1;
                // About an absent user, so that nothing changes.
                let call = server.call(method.clone(), path.replace(":param0", "4711").replace(":param1", "hello"));
                let call = scheme.prove(&server, call).await.body("application/json", "{}");
                let got = match app {
                    Some(app) => call.header("so-apptoken", app.expose_secret()).send().await,
                    None => call.send().await,
                };
                let case = format!("{scheme:?} {app:?}: {method} {path}: {} {}", got.status, got.text);
                let is_proved = match scheme {
                    Scheme::Basic => false,
                    Scheme::Ticket => app.is_some(),
                    Scheme::AccessToken | Scheme::Session | Scheme::Jwt => true,
                };
                assert_eq!(got.status == StatusCode::UNAUTHORIZED, !is_proved, "{case}");
                let is_restricted = got.status == StatusCode::FORBIDDEN && got.text.contains("User agent");
                assert_eq!(is_restricted, is_proved && !is_open && !is_granted, "{case}");
            }
        }
    }
    println!("{asked} cases");
}
