//! Shared by the Rust drivers: makes the calls in order, and prints each response as a line of JSON.

use serde_json::{Value, json};

/// The caller: anonymous, name and password, or a ticket.
#[derive(Clone)]
pub enum Who {
    Anonymous,
    Named(String, String),
    Ticket(String),
}

/// A response of any status. Not every client exposes headers.
pub struct Answer {
    pub status: u16,
    pub headers: Option<Value>,
    pub body: Value,
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

pub fn address() -> String {
    variable("ADDRESS")
}

/// Makes each call with `perform`, which gets the caller, the name of the call, and its parameters.
pub async fn drive(perform: impl AsyncFn(Who, String, Value) -> Answer) {
    let calls = std::fs::read_to_string(variable("CALLS")).expect("the calls");
    let calls: Vec<Value> = serde_json::from_str(&calls).expect("the calls are JSON");
    let (mut ticket, mut newest) = (String::new(), Value::Null);
    for call in calls {
        let who = match call["as"].as_str().expect("who calls") {
            "anonymous" => Who::Anonymous,
            "ticket" => Who::Ticket(ticket.clone()),
            "wrong" => Who::Named("admin".to_owned(), "wrong".to_owned()),
            name => Who::Named(name.to_owned(), variable("PASSWORD")),
        };
        let what = call["call"].as_str().expect("a call").to_owned();
        let mut given = json!({ "password": variable("PASSWORD"), "id": newest });
        for (name, value) in call["with"].as_object().expect("what is given") {
            given[name] = value.clone();
        }
        let answer = perform(who, what.clone(), given).await;
        match what.as_str() {
            "logIn" => ticket = answer.body["ticket"].as_str().expect("a ticket").to_owned(),
            "executions" => newest = answer.body["executions"][0]["id"].clone(),
            _ => {}
        }
        println!("{}", json!({ "status": answer.status, "headers": answer.headers, "body": answer.body }));
    }
}

/// A parameter as text.
pub fn text(given: &Value, name: &str) -> Option<String> {
    given[name].as_str().map(str::to_owned)
}

pub fn number(given: &Value, name: &str) -> i32 {
    given[name].as_i64().and_then(|number| number.try_into().ok()).expect("a number")
}

/// A parameter as an enum value.
pub fn named<T: serde::de::DeserializeOwned>(given: &Value, name: &str) -> Option<T> {
    serde_json::from_value(given[name].clone()).ok()
}
