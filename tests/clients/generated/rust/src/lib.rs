//! What the Rust drivers share: the calls in their order, and a line of JSON for what came of each.

use serde_json::{Value, json};

/// Name and password, a ticket, or nobody.
#[derive(Clone)]
pub enum Who {
    Nobody,
    Named(String, String),
    Ticket(String),
}

/// What was answered, whatever the status. Not every client shows headers.
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

/// Has `perform` make each call: who calls, what, and with what.
pub async fn drive(perform: impl AsyncFn(Who, String, Value) -> Answer) {
    let calls = std::fs::read_to_string(variable("CALLS")).expect("the calls");
    let calls: Vec<Value> = serde_json::from_str(&calls).expect("the calls are JSON");
    let (mut ticket, mut newest) = (String::new(), Value::Null);
    for call in calls {
        let who = match call["as"].as_str().expect("who calls") {
            "nobody" => Who::Nobody,
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

/// What is given under a name.
pub fn text(given: &Value, name: &str) -> Option<String> {
    given[name].as_str().map(str::to_owned)
}

pub fn number(given: &Value, name: &str) -> i32 {
    given[name].as_i64().and_then(|number| number.try_into().ok()).expect("a number")
}

/// An enum's value, by its name.
pub fn named<T: serde::de::DeserializeOwned>(given: &Value, name: &str) -> Option<T> {
    serde_json::from_value(given[name].clone()).ok()
}
