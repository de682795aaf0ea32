//! Driver for the client of progenitor.

use std::num::NonZeroU32;

use kommando_generated_clients_test::{Answer, Who, address, drive, named, number, text};
use kommando_progenitor::{Client, ClientCommandsExt, ClientOperatorExt, ClientSessionExt, ClientUserExt, Error, ResponseValue, types};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde::Serialize;
use serde_json::{Map, Value};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    drive(async |who, call, given| {
        let client = client_of(who);
        match call.as_str() {
            "list" => answer(client.get_user_commands().id(number(&given, "id")).send().await),
            "execute" => {
                let mut call = client.execute_user_command().id(number(&given, "id"));
                // Progenitor requires bodies that the document makes optional: no inputs.
                call = call.command_name(text(&given, "commandName").expect("a command")).body(Map::new());
                if let Some(answer) = named::<types::CommandActionResult>(&given, "actionResult") {
                    call = call.action_result(answer);
                }
                if let Some(key) = text(&given, "idempotencyKey") {
                    call = call.idempotency_key(key);
                }
                if let Some(dry_run) = given["dryRun"].as_bool() {
                    call = call.x_dry_run(dry_run);
                }
                answer(call.send().await)
            }
            "everyType" => {
                let inputs: types::EveryTypeInputs = serde_json::from_value(given["inputs"].clone()).expect("inputs");
                let answered = named::<types::EveryTypeActionResult>(&given, "actionResult").expect("an answer");
                answer(client.every_type().id(number(&given, "id")).action_result(answered).body(inputs).send().await)
            }
            "user" => {
                let select = text(&given, "select").expect("columns");
                answer(client.get_user().id(number(&given, "id")).select(select).send().await)
            }
            "logIn" => {
                let [user_name, password] = ["userName", "password"].map(|name| text(&given, name).expect("a text"));
                let log_in = types::LogIn::builder().user_name(user_name).password(password);
                answer(client.begin_session().body(log_in).send().await)
            }
            "executions" => answer(client.list_executions().limit(limit(&given)).send().await),
            "execution" => answer(client.get_execution().id(text(&given, "id").expect("an id")).send().await),
            other => panic!("there is no call {other}"),
        }
    })
    .await;
}

fn limit(given: &Value) -> NonZeroU32 {
    number(given, "limit").try_into().ok().and_then(NonZeroU32::new).expect("a limit")
}

fn client_of(who: Who) -> Client {
    let authorization = match who {
        Who::Anonymous => return Client::new(&address()),
        Who::Named(name, password) => format!("Basic {}", base64(format!("{name}:{password}").as_bytes())),
        Who::Ticket(ticket) => format!("SoTicket {ticket}"),
    };
    let authorization = HeaderValue::try_from(authorization).expect("a header");
    let headers = HeaderMap::from_iter([(AUTHORIZATION, authorization)]);
    let client = reqwest::Client::builder().default_headers(headers).build().expect("a client");
    Client::new_with_client(&address(), client)
}

fn answer<T: Serialize, E: Serialize + std::fmt::Debug>(came: Result<ResponseValue<T>, Error<E>>) -> Answer {
    match came {
        Ok(value) => shown(value),
        Err(Error::ErrorResponse(value)) => shown(value),
        Err(error) => panic!("{error:?}"),
    }
}

fn shown<T: Serialize>(value: ResponseValue<T>) -> Answer {
    let text = |value: &HeaderValue| Value::from(value.to_str().unwrap_or_default());
    let headers: Map<_, _> = value.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let status = value.status().as_u16();
    Answer { status, headers: Some(headers.into()), body: serde_json::to_value(value.into_inner()).expect("JSON") }
}

fn base64(bytes: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(bytes)
}
