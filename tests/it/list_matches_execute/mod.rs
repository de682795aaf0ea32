//! A command is listed exactly when it can be executed, for generated definitions and users.

mod generated;

use std::{cell::Cell, fs};

use futures_util::future::join_all;
use kommando::{
    commands::{
        ActionResult, Catalog, CommandService, ExecuteRequest,
        inputs::{GivenInputs, Place},
    },
    error::{Error, with_causes},
    users::{self, Caller, User, UserColumn, person},
};
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, TestCaseResult, TestRunner},
};
use serde_json::{Value, json};

use self::generated::State;
use crate::harness::Server;

/// The number of generated cases.
const CASES: u32 = 64;

/// A demo server; each case replaces its users and commands.
struct Fixture {
    server: Server,
    commands: CommandService,
    listed: Cell<u32>,
    unlisted: Cell<u32>,
}

impl Fixture {
    async fn new() -> Self {
        let server = Server::demo().await;
        let commands = server.app.commands.clone();
        Self { server, commands, listed: Cell::default(), unlisted: Cell::default() }
    }

    async fn put(&self, states: &[State], definitions: &[Value]) -> Vec<User> {
        let db = self.server.app.store.writer();
        for (user, state) in users::list(db).await.expect("users").iter().zip(states) {
            let values = vec![
                (UserColumn::Deleted, state.deleted.into()),
                (UserColumn::IsOnTravel, state.is_on_travel.into()),
                (UserColumn::WaitingForApproval, state.waiting_for_approval.into()),
                (UserColumn::Rank, state.rank.into()),
                (UserColumn::UserType, state.user_type.into()),
                (UserColumn::PresenceStatus, state.presence.into()),
                (UserColumn::RoleId, state.role_id.into()),
                (UserColumn::UserGroupId, state.group_id.into()),
            ];
            users::set_columns(db, user.user.id, values).await.expect("a change");
            let person = user.person.as_ref().expect("a person").id;
            person::set_retired(db, [(person, state.person_retired)].into()).await.expect("a change");
        }
        let folder = tempfile::tempdir().expect("a folder");
        for (index, definition) in definitions.iter().enumerate() {
            let mut definition = definition.clone();
            definition["name"] = name(index).into();
            if takes_input(index) {
                definition["inputs"] = json!({"word": {"type": "text"}});
            }
            fs::write(folder.path().join(format!("{index}.yaml")), definition.to_string()).expect("a file");
        }
        let catalog = Catalog::from_folder(folder.path()).expect("right definitions");
        self.commands.replace(Some(catalog), None).expect("active commands");
        users::list(db).await.expect("users")
    }

    /// Whether the caller may run the command; `None` if the caller may not read the user.
    async fn runs(
        &self,
        caller: &Caller,
        user_id: i32,
        index: usize,
        answer: ActionResult,
        dry_run: bool,
    ) -> Option<bool> {
        let mut inputs = GivenInputs::default();
        if takes_input(index) {
            inputs.add_texts(["word=x".to_owned()], Place::Body).expect("an input");
        }
        let request = ExecuteRequest {
            caller: caller.clone(),
            user_id,
            command_name: name(index),
            action_result: answer,
            inputs,
            confirmation: None,
            idempotency_key: None,
            dry_run,
            trace: None,
        };
        match self.commands.execute(request).await {
            Ok(_) => Some(true),
            Err(Error::CommandDenied { .. } | Error::CommandUnavailable { .. }) => Some(false),
            Err(Error::MayNotReadUser) => None,
            Err(error) => panic!("{}", with_causes(&error)),
        }
    }

    /// The names of the listed commands; `None` if the caller may not read the user.
    async fn lists(&self, caller: &Caller, user_id: i32) -> Option<Vec<String>> {
        match self.commands.list(caller, user_id).await {
            Ok(offers) => Some(offers.iter().map(|offer| offer.definition.name.as_str().to_owned()).collect()),
            Err(Error::MayNotReadUser) => None,
            Err(error) => panic!("{}", with_causes(&error)),
        }
    }

    /// Compares the list with execution, for a caller and a user.
    async fn compare(&self, caller: &Caller, user_id: i32, commands: usize, answer: ActionResult) -> TestCaseResult {
        let listed = self.lists(caller, user_id).await;
        for index in 0..commands {
            let is_listed = listed.as_ref().map(|names| names.contains(&name(index)));
            for dry_run in [true, false] {
                let runs = self.runs(caller, user_id, index, answer, dry_run).await;
                let case = format!("{} on {user_id}, {}, {answer:?}, dry run {dry_run}", caller.name, name(index));
                prop_assert_eq!(is_listed, runs, "listed and runs differ: {}", case);
            }
            let count = if is_listed == Some(true) { &self.listed } else { &self.unlisted };
            count.set(count.get() + 1);
        }
        Ok(())
    }
}

/// Every second command takes an input.
fn takes_input(index: usize) -> bool {
    index % 2 == 1
}

fn name(index: usize) -> String {
    format!("command-{index}")
}

#[test]
fn a_command_is_listed_exactly_when_it_can_be_executed() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let fixture = runtime.block_on(Fixture::new());
    let answers = {
        use ActionResult::{Cancel, Implicit, No, Ok, Yes};
        select(vec![Implicit, Yes, Ok, No, Cancel])
    };
    let cases = (generated::states(), generated::definitions(), answers);
    let config = Config { cases: CASES, failure_persistence: None, max_shrink_iters: 100, ..Config::default() };
    let end = TestRunner::new(config).run(&cases, |(states, definitions, answer)| {
        runtime.block_on(async {
            let users = fixture.put(&states, &definitions).await;
            let callers: Vec<_> = users.iter().filter_map(Caller::of).collect();
            let pairs = callers.iter().flat_map(|caller| users.iter().map(move |user| (caller, user.user.id)));
            let compared = pairs.map(|(caller, user)| fixture.compare(caller, user, definitions.len(), answer));
            join_all(compared).await.into_iter().collect()
        })
    });
    if let Err(error) = end {
        panic!("{error}");
    }
    let (listed, unlisted) = (fixture.listed.get(), fixture.unlisted.get());
    assert!(listed > 100 && unlisted > 100, "too few cases: {listed} listed, {unlisted} not");
}
