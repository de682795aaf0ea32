//! Helpers: every way to take access from an administrator (REST, agent, command, command line, import).

use std::{env, fs};

use base64::{Engine, engine::general_purpose::STANDARD};
use kommando::users::{
    self, UserColumn, credential,
    password::PasswordHash,
    person,
    role::{self, ADMINISTRATOR},
    ticket,
};
use poem::http::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::{
    command_line::said,
    harness::{ADMIN, ANNA, Answer, Call, DORA, PASSWORD, Server},
};

const STEPS: [&str; 4] =
    ["set_deleted: {value: true}", "set_deleted: {value: false}", "set_role: {role: Employee}", "reset_password: {}"];
const EMPLOYEE: i32 = 2;

/// A way to take an administrator's access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Delete,
    PutDeleted,
    PatchDeleted,
    PutRole,
    PatchRole,
    PutRetiredPerson,
    AgentDelete,
    AgentDeleteByName,
    AgentRetire,
    AgentSave,
    AgentType,
    AgentDeleteCredential,
    StepDeleted,
    StepRole,
    StepPassword,
    CommandLine,
    CommandLineRole,
    Import,
    ImportRole,
}

pub const IN_PROCESS: [Way; 15] = [
    Way::Delete,
    Way::PutDeleted,
    Way::PatchDeleted,
    Way::PutRole,
    Way::PatchRole,
    Way::PutRetiredPerson,
    Way::AgentDelete,
    Way::AgentDeleteByName,
    Way::AgentRetire,
    Way::AgentSave,
    Way::AgentType,
    Way::AgentDeleteCredential,
    Way::StepDeleted,
    Way::StepRole,
    Way::StepPassword,
];
pub const OF_THE_OPERATOR: [Way; 4] = [Way::CommandLine, Way::CommandLineRole, Way::Import, Way::ImportRole];

/// A server with a command for each step that changes access, for administrators and user administrators.
pub async fn server() -> Server {
    let definition = |(index, step): (usize, &&str)| {
        format!("name: step{index}\ndisplay_name: X\nallow_roles: [Administrator, UserAdmin]\nsteps:\n  - {step}\n")
    };
    let definitions: Vec<_> = STEPS.iter().enumerate().map(definition).collect();
    let definitions: Vec<_> = definitions.iter().map(String::as_str).collect();
    // A caller who loses the password during a request fails to log in; the rate limiter must not interfere.
    Server::with_commands_and_settings(&definitions, &["--guess-limits", "1000000,1000000,1000000"]).await
}

pub fn basic(name: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{PASSWORD}")))
}

/// An `Authorization` value for a user who may have no password.
pub async fn ticket(server: &Server, id: i32) -> String {
    let ticket = ticket::issue(server.app.store.writer(), id, None).await.expect("a ticket").0;
    format!("SoTicket {}", ticket.expose_secret())
}

/// Sends the body as JSON; no body when it is null.
pub async fn send(call: Call<'_>, proof: &str, body: Value) -> Answer {
    let call = call.header("authorization", proof);
    if body.is_null() { call.send().await } else { call.json(body).send().await }
}

pub async fn user(server: &Server, proof: &str, method: Method, path: &str, body: Value) -> Answer {
    send(server.call(method, format!("/api/v1/User{path}")), proof, body).await
}

pub async fn agent(server: &Server, proof: &str, operation: &str, body: Value) -> Answer {
    send(server.post(format!("/api/v1/Agents/User/{operation}")), proof, body).await
}

/// Runs the command of the step at this index of [`STEPS`].
pub async fn step(server: &Server, proof: &str, index: usize, id: i32) -> Answer {
    send(server.post(format!("/api/v1/User/{id}/CustomCommand/step{index}")), proof, Value::Null).await
}

/// Runs the command line on the database of a server; the error is its standard error.
pub async fn line(server: &Server, words: &[&str]) -> Result<(), String> {
    let mut command = server.command_line(words);
    let run = move || said(command.output().expect("an end"));
    let said = tokio::task::spawn_blocking(run).await.expect("an end");
    if said.ok { Ok(()) } else { Err(said.err) }
}

/// Imports one row as an update of an existing user.
pub async fn import(server: &Server, row: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("users.csv");
    fs::write(&file, row).expect("a file");
    line(server, &["import", "users", file.to_str().expect("a path"), "--update"]).await
}

impl Way {
    /// Applies it to a user with the caller's `Authorization` value, which the operator's ways ignore. The error is the
    /// refusal.
    pub async fn go(self, server: &Server, proof: &str, id: i32) -> Result<(), String> {
        let name = server.user(id).await.user.name;
        let path = format!("/{id}");
        let answer = match self {
            Self::Delete => user(server, proof, Method::DELETE, &path, Value::Null).await,
            Self::PutDeleted => user(server, proof, Method::PUT, &path, json!({"Deleted": true})).await,
            Self::PatchDeleted => user(server, proof, Method::PATCH, &path, json!({"Deleted": true})).await,
            Self::PutRole => user(server, proof, Method::PUT, &path, json!({"Role": {"Id": EMPLOYEE}})).await,
            Self::PatchRole => {
                let patch = json!([{"op": "replace", "path": "/Role/Id", "value": EMPLOYEE}]);
                user(server, proof, Method::PATCH, &path, patch).await
            }
            Self::PutRetiredPerson => {
                let retired = server.user(DORA).await.user.person_id;
                user(server, proof, Method::PUT, &path, json!({"Person": {"PersonId": retired}})).await
            }
            Self::AgentDelete => agent(server, proof, &format!("DeleteUser?userId={id}"), Value::Null).await,
            Self::AgentDeleteByName => agent(server, proof, "DeleteUserFromName", json!({"UserName": name})).await,
            Self::AgentRetire => agent(server, proof, "MakeRetired", json!({"AssociateId": id, "Retired": true})).await,
            Self::AgentSave => agent(server, proof, "SaveUser", json!({"AssociateId": id, "Deleted": true})).await,
            Self::AgentType => {
                let body = json!({"User": {"AssociateId": id}, "UserType": "ExternalAssociate"});
                agent(server, proof, "ChangeUserType", body).await
            }
            Self::AgentDeleteCredential => {
                let body = json!({"UserId": id, "CredentialType": "CRM5/PASSWORD"});
                agent(server, proof, "DeleteCredential", body).await
            }
            Self::StepDeleted => step(server, proof, 0, id).await,
            Self::StepRole => step(server, proof, 2, id).await,
            Self::StepPassword => step(server, proof, 3, id).await,
            Self::CommandLine => return line(server, &["user", "deactivate", &name]).await,
            Self::CommandLineRole => return line(server, &["user", "set-role", &name, "Employee"]).await,
            Self::Import => return import(server, &format!("name,active\n{name},false\n")).await,
            Self::ImportRole => return import(server, &format!("name,role\n{name},Employee\n")).await,
        };
        assert!(!answer.status.is_server_error(), "{self:?}: {}", answer.text);
        let has_failed = answer.header("x-command-outcome").is_some_and(|outcome| outcome != "succeeded");
        if answer.status.is_success() && !has_failed { Ok(()) } else { Err(answer.text) }
    }
}

/// The initial state of two administrators.
pub struct Administrators {
    password: PasswordHash,
    role_id: i32,
    persons: [i32; 2],
}

impl Administrators {
    /// Makes anna the second administrator.
    pub async fn of(server: &Server) -> Self {
        let db = server.app.store.writer();
        let password = credential::find_password(db, ADMIN).await.expect("an answer").expect("a password").secret;
        let role_id = role::find_by_name(db, ADMINISTRATOR).await.expect("an answer").expect("a role").id;
        let person_of = async |id| server.user(id).await.user.person_id.expect("a person");
        let administrators = Self { password, role_id, persons: [person_of(ADMIN).await, person_of(ANNA).await] };
        administrators.restore(server).await;
        administrators
    }

    /// Restores the state of both.
    pub async fn restore(&self, server: &Server) {
        let db = server.app.store.writer();
        for (id, person_id) in [ADMIN, ANNA].into_iter().zip(self.persons) {
            let values = vec![
                (UserColumn::Deleted, false.into()),
                (UserColumn::RoleId, self.role_id.into()),
                (UserColumn::PersonId, Some(person_id).into()),
            ];
            users::set_columns(db, id, values).await.expect("a change");
            person::set_retired(db, [(person_id, false)].into()).await.expect("a change");
            credential::set_password(db, id, self.password.clone(), None).await.expect("a change");
        }
    }
}

/// Whether the user is an active administrator with a permanent password, read from the database.
pub async fn can_log_in(server: &Server, id: i32) -> bool {
    let user = server.user(id).await;
    let password = credential::find_password(server.app.store.reader(), id).await.expect("an answer");
    user.role.name == ADMINISTRATOR && !user.is_retired() && password.is_some_and(|password| !password.is_temporary())
}

/// A count from an environment variable, or the default.
pub fn count(variable: &str, default: usize) -> usize {
    env::var(variable).map_or(default, |text| text.parse().expect("a count"))
}
