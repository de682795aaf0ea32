//! The rows: the kinds of requests that are measured.

use chrono::{Days, Utc};

/// One kind of request.
pub struct Row {
    pub name: &'static str,
    pub method: &'static str,
    /// `{id}` is a random number from `ids`; `{from}` and `{to}` are the ends of a day half a year ago.
    pub path: &'static str,
    /// `{key}` is a unique text for each request.
    pub headers: &'static [&'static str],
    /// A text that every correct answer contains.
    pub expected: &'static str,
    pub ids: Ids,
    /// Requests in flight at the same time, instead of the number in the settings.
    pub connections: Option<u32>,
}

/// The range of `{id}`.
#[derive(Clone, Copy)]
pub enum Ids {
    /// The ids of all users.
    Users,
    /// 1 to 9: many names begin with each digit, for any number of users.
    Digits,
}

impl Row {
    /// The path with the day filled in. `{id}` stays.
    pub fn path(&self) -> String {
        let day = Utc::now().date_naive() - Days::new(182);
        self.path
            .replace("{from}", &format!("{day}T00:00:00Z"))
            .replace("{to}", &format!("{}T00:00:00Z", day + Days::new(1)))
    }
}

/// The headers of a Norwegian client.
const NORWEGIAN: &[&str] = &[
    "Accept-Language: nb-NO, nb;q=0.9, en;q=0.8",
    "SO-Language: nb",
    "SO-Culture: nb-NO",
    "SO-TimeZone: NO, includeTZOffset",
];

macro_rules! page {
    ($rest:literal) => {
        concat!("/api/v1/User?$select=assocName,fullName,role,usergroup,isActive&$top=50&", $rest)
    };
}

const GET: Row =
    Row { name: "", method: "GET", path: "", headers: &[], expected: "", ids: Ids::Users, connections: None };
const POST: Row = Row { method: "POST", expected: r#""Success":true"#, ..GET };

pub const FLOOR: Row = Row { name: "floor", path: "/", expected: crate::floor::ANSWER, ..GET };

pub const LIST: Row =
    Row { name: "list", path: "/api/v1/User/{id}/CustomCommand", expected: r#""Name":"set-away""#, ..GET };

pub const LIST_NB: Row =
    Row { name: "list-nb", headers: NORWEGIAN, expected: r#""DisplayName":"Sett fraværende""#, ..LIST };

pub const HELLO: Row = Row { name: "hello", path: "/api/v1/User/{id}/CustomCommand/hello", ..POST };

pub const SET_AWAY: Row = Row { name: "set-away", path: "/api/v1/User/{id}/CustomCommand/set-away", ..POST };

/// As [`SET_AWAY`], but every request changes the same user, which is not the caller.
pub const HOT_USER: Row = Row { name: "hot-user", path: "/api/v1/User/2/CustomCommand/set-away", ..SET_AWAY };

pub const HELLO_ONCE: Row = Row { name: "hello-once", headers: &["Idempotency-Key: {key}"], ..HELLO };

pub const USER: Row = Row { name: "user", path: "/api/v1/User/{id}", expected: r#""UserName":"#, ..GET };

/// Lists of users, most of them pages of 50, and whether their cost should be independent of the number of users, because of an index.
pub const PAGES: [(Row, bool); 7] = [
    (
        Row {
            name: "name-is",
            path: page!("$filter=assocName%20eq%20%27user{id}%27"),
            expected: r#""value":["#,
            ..GET
        },
        true,
    ),
    (
        Row {
            name: "name-begins",
            path: page!("$filter=assocName%20begins%20%27user{id}%27%20and%20isActive%20eq%20true&$orderBy=assocName"),
            expected: r#""assocName":"user"#,
            ids: Ids::Digits,
            ..GET
        },
        true,
    ),
    (
        Row {
            name: "email-is",
            path: page!("$filter=personEmail%20eq%20%27user{id}@example.com%27"),
            expected: r#""value":["#,
            ..GET
        },
        true,
    ),
    (
        Row {
            name: "group-by-name",
            path: page!("$filter=usergroup%20eq%201&$orderBy=assocName"),
            expected: r#""assocName":"#,
            ..GET
        },
        true,
    ),
    (
        Row {
            name: "by-last-name",
            path: page!("$orderBy=lastName"),
            expected: r#""assocName":"#,
            connections: Some(2),
            ..GET
        },
        false,
    ),
    // The list to choose a user from has no pages.
    (
        Row {
            name: "choose",
            path: "/api/v1/MDOList/associate?flat=true",
            expected: r#""Type":"associate""#,
            connections: Some(1),
            ..GET
        },
        false,
    ),
    (
        Row {
            name: "contains",
            path: page!("$filter=fullName%20contains%20%27last{id}%27&$orderBy=assocName"),
            expected: r#""value":["#,
            connections: Some(2),
            ..GET
        },
        false,
    ),
];

/// Pages of 20 executions.
pub const EXECUTIONS: [Row; 4] = [
    Row { name: "newest", path: "/_ext/executions?limit=20", expected: r#""executions":[{"#, ..GET },
    Row { name: "of-user", path: "/_ext/executions?limit=20&user={id}", expected: r#""executions":["#, ..GET },
    Row { name: "failed", path: "/_ext/executions?limit=20&outcome=failed", expected: r#""executions":["#, ..GET },
    Row {
        name: "of-a-day",
        path: "/_ext/executions?limit=20&from={from}&to={to}",
        expected: r#""executions":["#,
        ..GET
    },
];

/// A user of an alternative.
pub const PEER_USER: Row = Row { expected: r#""AssociateId":"#, ..USER };

/// The requests for a mock, which answers with an example of the document.
pub const MOCK_LIST: Row = Row { expected: r#""DisplayName""#, ..LIST };
pub const MOCK_HELLO: Row = Row { expected: r#""Success""#, ..HELLO };
