//! Driver for the client of openapi-generator.

use kommando_client::{
    apis::{
        Error,
        commands_api::{self, EveryTypeParams},
        configuration::{ApiKey, Configuration},
        operator_api::{self, GetExecutionParams, ListExecutionsParams},
        session_api::{self, BeginSessionParams},
        user_api::{self, ExecuteUserCommandParams, GetUserCommandsParams, GetUserParams},
    },
    models::LogIn,
};
use kommando_generated_clients_test::{Answer, Who, address, drive, named, number, text};
use serde::Serialize;
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    drive(async |who, call, given| {
        let configuration = configured(who);
        match call.as_str() {
            "list" => answer(user_api::get_user_commands(&configuration, list_parameters(&given)).await),
            "execute" => answer(user_api::execute_user_command(&configuration, what(&given)).await),
            "everyType" => answer(commands_api::every_type(&configuration, every_type(&given)).await),
            "user" => answer(user_api::get_user(&configuration, some(&given)).await),
            "logIn" => {
                let [user_name, password] = ["userName", "password"].map(|name| text(&given, name).expect("a text"));
                let params = BeginSessionParams { log_in: LogIn::new(user_name, password) };
                answer(session_api::begin_session(&configuration, params).await)
            }
            "executions" => answer(operator_api::list_executions(&configuration, newest(&given)).await),
            "execution" => answer(operator_api::get_execution(&configuration, which(&given)).await),
            other => panic!("there is no call {other}"),
        }
    })
    .await;
}

fn configured(who: Who) -> Configuration {
    let mut configuration = Configuration { base_path: address(), ..Configuration::default() };
    match who {
        Who::Anonymous => {}
        Who::Named(name, password) => configuration.basic_auth = Some((name, Some(password))),
        Who::Ticket(key) => configuration.api_key = Some(ApiKey { prefix: Some("SoTicket".to_owned()), key }),
    }
    configuration
}

fn answer<T: Serialize, E>(came: Result<T, Error<E>>) -> Answer {
    let (status, body) = match came {
        Ok(body) => (200, serde_json::to_value(body).expect("JSON")),
        Err(Error::ResponseError(error)) => (error.status.as_u16(), serde_json::from_str(&error.content).expect("JSON")),
        Err(error) => panic!("{error}"),
    };
    Answer { status, headers: None, body }
}

fn list_parameters(given: &Value) -> GetUserCommandsParams {
    GetUserCommandsParams {
        id: number(given, "id"),
        accept_language: None,
        so_language: None,
        so_culture: None,
        so_time_zone: None,
        so_app_token: None,
    }
}

fn some(given: &Value) -> GetUserParams {
    GetUserParams {
        id: number(given, "id"),
        fk: None,
        dollar_select: text(given, "select"),
        accept_language: None,
        so_language: None,
        so_culture: None,
        so_time_zone: None,
        so_app_token: None,
        if_modified_since: None,
        if_none_match: None,
    }
}

fn what(given: &Value) -> ExecuteUserCommandParams {
    ExecuteUserCommandParams {
        id: number(given, "id"),
        command_name: text(given, "commandName").expect("a command"),
        action_result: named(given, "actionResult"),
        idempotency_key: text(given, "idempotencyKey"),
        dry_run: given["dryRun"].as_bool(),
        confirmation: None,
        additional_data: None,
        request_body: None,
        accept_language: None,
        so_language: None,
        so_culture: None,
        so_time_zone: None,
        so_app_token: None,
    }
}

fn every_type(given: &Value) -> EveryTypeParams {
    EveryTypeParams {
        id: number(given, "id"),
        every_type_inputs: serde_json::from_value(given["inputs"].clone()).expect("inputs"),
        action_result: text(given, "actionResult"),
        idempotency_key: None,
        dry_run: None,
        confirmation: None,
        accept_language: None,
        so_language: None,
        so_culture: None,
        so_time_zone: None,
        so_app_token: None,
    }
}

fn newest(given: &Value) -> ListExecutionsParams {
    ListExecutionsParams {
        user: None,
        command: None,
        caller: None,
        outcome: None,
        from: None,
        to: None,
        limit: Some(number(given, "limit")),
        cursor: None,
        accept_language: None,
        so_language: None,
        so_culture: None,
        so_time_zone: None,
        so_app_token: None,
        language: None,
    }
}

fn which(given: &Value) -> GetExecutionParams {
    GetExecutionParams {
        id: text(given, "id").expect("an id"),
        accept_language: None,
        so_language: None,
        so_culture: None,
        so_time_zone: None,
        so_app_token: None,
    }
}
