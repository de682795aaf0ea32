//! Tests decisions with random runs on a random installation, without a database.

use std::{fs, sync::Arc};

use chrono::TimeDelta;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use super::*;
use crate::{
    clock,
    commands::{
        Catalog,
        available_commands::available,
        inputs::{GivenInputs, InputValues},
        request::ExecuteRequest,
    },
    executions::{ExecutionEvent, audit::Source},
    users::{
        Effect, Needs, Presence, UserColumn, UserGroup, UserRow, UserType, person,
        role::{self, FunctionRight, FunctionRights, RoleType},
    },
};

const ROLES: [&str; 3] = [role::ADMINISTRATOR, role::EMPLOYEE, role::USER_ADMIN];
const GROUPS: [&str; 2] = ["Head office", "Field sales"];
const USERS: i32 = 6;

fn roles() -> Vec<role::Model> {
    let role = |(index, name): (usize, &&str)| role::Model {
        id: index as i32 + 1,
        name: (*name).to_owned(),
        tooltip: String::new(),
        role_type: RoleType::Employee,
        rank: 3 - index as i32,
        function_rights: FunctionRights(if index == 1 { Vec::new() } else { FunctionRight::all().collect() }),
    };
    ROLES.iter().enumerate().map(role).collect()
}

fn groups() -> Vec<UserGroup> {
    let group = |(index, name): (usize, &&str)| UserGroup {
        id: index as i32 + 1,
        name: (*name).to_owned(),
        ..UserGroup::default()
    };
    GROUPS.iter().enumerate().map(group).collect()
}

/// Random users: some share a person, some are retired, some are administrators.
fn installation(random: &mut StdRng) -> users::Snapshot {
    let (roles, groups) = (roles(), groups());
    let people: Vec<_> = (1..=USERS / 2)
        .map(|id| person::Model { id, retired: random.random_bool(0.2), ..person::Model::default() })
        .collect();
    let user = |id| {
        let role = roles.choose(random).expect("a role").clone();
        let group = groups.choose(random).expect("a group").clone();
        let person = people.choose(random).filter(|_| random.random_bool(0.8)).cloned();
        let row = UserRow {
            id,
            name: format!("user{id}"),
            deleted: random.random_bool(0.2),
            role_id: role.id,
            user_group_id: group.id,
            person_id: person.as_ref().map(|person| person.id),
            ..UserRow::blank(UserType::InternalAssociate)
        };
        User { user: row, role, group, person }
    };
    let users = (1..=USERS).map(user).collect();
    users::Snapshot::of_all(clock::now(), users, roles, groups)
}

fn state(users: users::Snapshot) -> BatchState {
    BatchState { users, keys: HashMap::new(), running: HashSet::new() }
}

/// Commands with every kind of confirmation and rule.
fn catalog() -> Catalog {
    let folder = tempfile::tempdir().expect("a folder");
    let whens = [
        "",
        "when: [not_self]",
        "when: [not_higher_rank]",
        "when: [not_last_admin]",
        "when: [{field: deleted, is: no}]",
    ];
    let confirms = ["", "confirm: ok", "confirm: ok_cancel", "confirm: yes_no"];
    for (index, when) in whens.iter().enumerate() {
        for (number, confirm) in confirms.iter().enumerate() {
            let question = if confirm.is_empty() { "" } else { "question: Sure?" };
            let text = format!(
                "name: c{index}{number}\ndisplay_name: C\nallow_roles: [Administrator, UserAdmin]\n{when}\n{confirm}\n\
                 {question}\nsteps: [{{message: {{text: Hi}}}}]\n"
            );
            fs::write(folder.path().join(format!("c{index}{number}.yaml")), text).expect("a file");
        }
    }
    Catalog::from_folder(folder.path()).expect("right definitions")
}

fn step(random: &mut StdRng) -> PreparedStep {
    let effect = match random.random_range(0..9) {
        0 => Effect::UpdateUser(vec![(UserColumn::Rank, random.random_range(0..9).into())]),
        1 => Effect::SetPresence {
            status: Presence::StatusNotAvailable,
            message: "x".repeat(random.random_range(0..300)),
        },
        2 | 3 => Effect::SetRole((*["Administrator", "Employee", "None"].choose(random).expect("a name")).to_owned()),
        4 => Effect::SetGroup((*["Field sales", "None"].choose(random).expect("a name")).to_owned()),
        5 | 6 => Effect::SetRetired(random.random()),
        7 => Effect::SetTemporaryPassword { hash: None, expires_at: clock::now() + TimeDelta::hours(1) },
        _ => return PreparedStep::Output(StepOutput::public(MultiLanguage::Plain("Hi".to_owned()))),
    };
    PreparedStep::Effect(effect, StepOutput::public(MultiLanguage::Plain("Done".to_owned())))
}

fn run(random: &mut StdRng, catalog: &Catalog, users: &users::Snapshot) -> PreparedRun {
    use ActionResult::{Cancel, Implicit, No, Ok, Yes};
    let caller_id = random.random_range(1..=USERS);
    let mut caller =
        users.user(caller_id).and_then(|user| Caller::of(user)).unwrap_or_else(|| Caller::operator(Source::system()));
    caller.user_id = caller_id;
    let request = ExecuteRequest {
        caller,
        user_id: random.random_range(1..=USERS),
        command_name: String::new(),
        action_result: *[Implicit, Yes, Ok, No, Cancel].choose(random).expect("an answer"),
        inputs: GivenInputs::default(),
        confirmation: None,
        idempotency_key: None,
        dry_run: false,
        trace: None,
    };
    let key = random.random_bool(0.3).then(|| {
        let key = random.random_range(0..4).to_string();
        KeyScope::new(caller_id, request.user_id, "command", &key)
    });
    let now = clock::now();
    let steps = (0..random.random_range(1..4)).map(|_| ("step", step(random))).collect();
    let command = Arc::clone(catalog.entries().choose(random).expect("a command"));
    PreparedRun {
        id: clock::new_id(now),
        started_at: now,
        request,
        key,
        inputs_mac: None,
        confirmation: None,
        command,
        inputs: InputValues::default(),
        steps,
    }
}

/// A decision as text, without ids and times.
fn summary(decision: &Decision) -> String {
    let answer = match &decision.answer {
        Ok(Some(output)) => format!("{:?} {} {:?}", output.outcome, output.message.raw(), output.result),
        Ok(None) => "nothing".to_owned(),
        Err(error) => error.to_string(),
    };
    let record = decision.record.as_ref().map(|entry| match entry {
        ExecutionEvent::Completed { execution, key, deliveries } => {
            format!("{:?} {:?} {} {}", execution.outcome, execution.steps, key.is_some(), deliveries.len())
        }
        other => format!("{other:?}"),
    });
    format!("{answer}; {record:?}")
}

/// A batch reads the rows of all its runs once and decides the runs in order. Single transactions give the same result.
#[test]
fn a_batch_decides_like_single_transactions() {
    let (mut random, catalog) = (StdRng::seed_from_u64(21), catalog());
    for round in 0..2000 {
        let installation = installation(&mut random);
        let runs: Vec<_> = (0..random.random_range(2..8)).map(|_| run(&mut random, &catalog, &installation)).collect();
        let mut needs = Needs::default();
        runs.iter().for_each(|run| needs.extend(run.needs()));
        let mut batch = state(installation.read_for(&needs));
        let mut database = state(installation);
        for run in &runs {
            let together = decide(run, &batch);
            let single = BatchState {
                users: database.users.read_for(&run.needs()),
                keys: database.keys.clone(),
                running: HashSet::new(),
            };
            let alone = decide(run, &single);
            assert_eq!(summary(&together), summary(&alone), "round {round}");
            batch.apply(together.changes, together.record.as_ref());
            database.apply(alone.changes, alone.record.as_ref());
            let all = database.users.all_users();
            for (id, user) in batch.users.all_users() {
                assert_eq!(user, all[&id], "round {round}");
            }
        }
    }
}

/// Also: deciding twice gives the same result, since a decision changes nothing.
#[test]
fn a_dry_run_decides_like_a_run_and_records_nothing() {
    let (mut random, catalog) = (StdRng::seed_from_u64(22), catalog());
    for _ in 0..2000 {
        let installation = installation(&mut random);
        let mut run = PreparedRun { key: None, ..run(&mut random, &catalog, &installation) };
        let snapshot = state(installation.read_for(&run.needs()));
        let [once, again] = [(); 2].map(|()| decide(&run, &snapshot));
        assert_eq!(summary(&once), summary(&again));
        run.request.dry_run = true;
        let dry = decide(&run, &snapshot);
        assert!(dry.record.is_none());
        let without_record = |decision: Decision| summary(&Decision { record: None, ..decision });
        assert_eq!(without_record(dry), without_record(once));
    }
}

#[test]
fn a_command_is_listed_exactly_when_it_can_run() {
    let (mut random, catalog) = (StdRng::seed_from_u64(23), catalog());
    let mut listed = 0;
    for _ in 0..2000 {
        let installation = installation(&mut random);
        let run = PreparedRun { key: None, ..run(&mut random, &catalog, &installation) };
        let needs = run.needs();
        let snapshot = state(installation.read_for(&needs));
        let request = &run.request;
        let (Some(caller), Some(user)) =
            (snapshot.users.caller(request.caller.user_id), snapshot.users.user(request.user_id))
        else {
            continue;
        };
        let is_last = installation.is_last_administrator(user);
        let name = run.command.definition.name.as_str();
        let is_listed =
            available(&catalog, &caller, user, is_last).iter().any(|one| one.definition.name.as_str() == name);
        let is_refused = match decide(&run, &snapshot).answer {
            Ok(_) => false,
            Err(Error::CommandDenied { .. } | Error::CommandUnavailable { .. }) => true,
            Err(Error::MayNotReadUser) => continue,
            Err(error) => panic!("{error}"),
        };
        assert_eq!(is_listed, !is_refused);
        listed += u32::from(is_listed);
    }
    assert!(listed > 200, "{listed}");
}

/// A run of an administrator on user 2, with a key, and the state of its installation.
fn with_webhook() -> (PreparedRun, BatchState) {
    let mut random = StdRng::seed_from_u64(24);
    let catalog = catalog();
    // The caller is an administrator, and not user 2.
    let (installation, caller) = std::iter::repeat_with(|| installation(&mut random))
        .find_map(|installation| {
            let mut others = (3..=USERS).filter_map(|id| installation.caller(id));
            let caller = others.find(Caller::is_administrator)?;
            Some((installation, caller))
        })
        .expect("the iterator is endless");
    let command = Arc::clone(catalog.find("c00").expect("a command"));
    let effect = Effect::UpdateUser(vec![(UserColumn::Rank, 4711.into())]);
    let steps = vec![("set_field", PreparedStep::Effect(effect, StepOutput::default()))];
    let mut run = PreparedRun { command, steps, ..run(&mut random, &catalog, &installation) };
    (run.request.caller, run.request.user_id) = (caller, 2);
    run.key = Some(KeyScope::new(1, 2, "c00", "key"));
    (run, state(installation))
}

/// A run that began can end only while its record is running. The end is recorded even if the caller is gone.
#[test]
fn a_run_that_began_ends_once_and_is_always_recorded() {
    let done = CallEnd::Replied { success: true, message: Some("Done there".to_owned()) };
    let (run, mut snapshot) = with_webhook();
    let finish = |end: &CallEnd, snapshot: &BatchState| decide_finish(&run, "webhook", end, snapshot);
    let lost = finish(&done, &snapshot);
    assert!(matches!(lost.answer, Err(Error::OutcomeUnknown { .. })) && lost.record.is_none(), "the run is closed");

    let begun = decide_begin(&run, Duration::from_secs(1), &snapshot);
    assert!(matches!(begun.answer, Ok(None)) && matches!(begun.record, Some(ExecutionEvent::Started { .. })));
    snapshot.apply(begun.changes, begun.record.as_ref());
    assert!(matches!(decide(&run, &snapshot).answer, Err(Error::KeyInFlight)), "the key is in use");

    for (end, outcome, frees_key) in [
        (CallEnd::NotDone { text: "No".to_owned() }, Outcome::Failed, true),
        (CallEnd::Unknown { text: "Who knows".to_owned() }, Outcome::Unknown, false),
        (CallEnd::Replied { success: false, message: None }, Outcome::Failed, false),
        (done.clone(), Outcome::Succeeded, false),
    ] {
        let Some(ExecutionEvent::Finished { execution, freed_key, .. }) = finish(&end, &snapshot).record else {
            panic!("no record of {outcome:?}")
        };
        assert_eq!((execution.outcome, freed_key.is_some()), (outcome, frees_key));
    }

    // The target did its work, and the caller is gone.
    let without_caller = BatchState {
        users: snapshot.users.read_for(&Needs { users: [2].into(), ..Needs::default() }),
        keys: snapshot.keys.clone(),
        running: snapshot.running.clone(),
    };
    assert!(without_caller.users.caller(run.request.caller.user_id).is_none());
    let half_done = finish(&done, &without_caller);
    let Some(ExecutionEvent::Finished { execution, .. }) = &half_done.record else { panic!("no record") };
    assert_eq!(execution.outcome, Outcome::Failed);
    assert!(execution.message.contains("Done there"), "{}", execution.message);
}

/// A failed run drops the changes, outputs and webhooks of its earlier steps.
#[test]
fn a_failed_run_keeps_nothing_of_its_earlier_steps() {
    let (mut run, snapshot) = with_webhook();
    let secret = StepOutput {
        shown: Some(MultiLanguage::Plain("secret".to_owned())),
        stored: Some(MultiLanguage::Plain("was shown".to_owned())),
        noted: None,
        ..StepOutput::default()
    };
    let shown =
        PreparedStep::Effect(Effect::SetPresence { status: Presence::StatusNone, message: String::new() }, secret);
    run.steps = vec![("show", shown), ("set_group", PreparedStep::effect(Effect::SetGroup("None".to_owned())))];
    let failed = decide(&run, &snapshot);
    let Ok(Some(output)) = &failed.answer else { panic!("no answer") };
    assert_eq!((output.outcome, output.is_shown_once), (Outcome::Failed, false));
    let failed_text = summary(&failed);
    assert!(!output.message.raw().contains("secret") && !failed_text.contains("was shown"), "{failed_text}");
    let mut after = snapshot;
    after.apply(failed.changes, failed.record.as_ref());
    assert_eq!(after.users.user(2).map(|user| user.user.presence_status), Some(Presence::StatusNormal));
}
