//! Kills the server at any moment and at fail points: no acknowledged run is lost, and none happens twice.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    env, fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use kommando::{
    app::audit_key,
    executions::{
        audit::{self, Action, AuditKey, SubjectType, change},
        delivery::{self, State},
        execution::{self, Outcome},
        idempotency::{self, KeyScope},
    },
    store::Store,
    users,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Statement};
use serde_json::json;

use crate::{
    Process, address,
    ask::Ask,
    folder, send,
    sink::{Call, Sink},
};

pub const CLIENTS: usize = 16;
const ADMIN: i32 = 1;
/// The user who is changed without a command.
const CHANGED: i32 = 5;
pub const BJORN: i32 = 3;
/// The id of the first user that the test creates.
const FIRST_MADE: i32 = 6;

/// The commands with their steps.
pub const COMMANDS: [(&str, &str); 5] = [
    ("say", "- message: {text: Hi}"),
    ("count", "- set_field: {field: tooltip, value: counted}"),
    ("reset", "- reset_password: {}"),
    ("tell", "- set_field: {field: tooltip, value: counted}\n  - webhook: {target: sink, when: after_commit}"),
    ("ask", "- webhook: {target: sink, when: sync}\n  - set_field: {field: tooltip, value: counted}"),
];
/// The commands with an effect that a database trigger counts.
const COUNTED: [&str; 4] = ["count", "reset", "tell", "ask"];

/// The fail points at which the server dies in turn; the empty one stands for any moment.
const MOMENTS: [&str; 8] = [
    "",
    "call-recorded",
    "call-answered",
    "batch-changed",
    "batch-recorded",
    "batch-committed",
    "delivery-claimed",
    "delivery-sent",
];

/// How often the server is killed; the variable `KILLS` sets it.
fn kills() -> usize {
    env::var("KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(8)
}

/// Stops the clients on drop, even when the test panics.
#[derive(Clone, Default)]
pub struct Stop(pub Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The user of the client that sent a key. Each client has its own user: several changes of one row in a transaction
/// would be counted as one.
fn own_user(key: &str) -> i32 {
    let client = key.split('-').next().and_then(|client| client.parse::<i32>().ok());
    FIRST_MADE + client.expect("the number of a client")
}

/// Creates a user for each client.
fn make_users(server: &str) {
    for client in 0..CLIENTS {
        let user = json!({"Name": format!("client{client}")});
        let made = Ask::post("/api/v1/User").by("admin", "it's a secret").json(user).send(server);
        assert_eq!(made.json()["AssociateId"], own_user(&client.to_string()), "{}", made.body);
    }
}

/// The final outcome of each acknowledged request, by command and key.
pub type Acknowledged = HashMap<(&'static str, String), Outcome>;

/// Clients that go on across kills and restarts of their server.
pub struct Clients {
    server: Mutex<String>,
    stop: Stop,
    acknowledged: Mutex<Acknowledged>,
    /// The acknowledged tooltips of the user `CHANGED`.
    tooltips: Mutex<Vec<String>>,
    /// Maps a key to the target user.
    user_of: fn(&str) -> i32,
}

impl Clients {
    /// Clients of the server at an address.
    pub fn of(server: String, user_of: fn(&str) -> i32) -> Self {
        Self {
            server: Mutex::new(server),
            stop: Stop::default(),
            acknowledged: Mutex::default(),
            tooltips: Mutex::default(),
            user_of,
        }
    }

    /// Starts the clients. Each runs the wanted commands in turn, every time with a new key, until the returned value
    /// is dropped.
    pub fn run<'scope>(
        &'scope self,
        scope: &'scope thread::Scope<'scope, '_>,
        wants: impl Fn(&str) -> bool + Copy + Send + 'scope,
    ) -> Stop {
        for client in 0..CLIENTS {
            scope.spawn(move || {
                let commands = COMMANDS.iter().filter(|(name, _)| wants(name));
                for (request, (command, _)) in commands.cycle().enumerate() {
                    let key = format!("{client}-{request}");
                    let Some(outcome) = run_once(&self.server, &self.stop.0, (self.user_of)(&key), command, &key)
                    else {
                        return;
                    };
                    self.acknowledged.lock().expect("a map").insert((command, key), outcome);
                }
            });
        }
        scope.spawn(|| self.keep_changing());
        self.stop.clone()
    }

    /// Changes a user without a command, each time with a new tooltip, until the clients are stopped.
    fn keep_changing(&self) {
        let path = format!("/api/v1/User/{CHANGED}");
        for number in 0.. {
            if self.stop.0.load(Ordering::Relaxed) {
                return;
            }
            let (server, tooltip) = (self.server.lock().expect("an address").clone(), format!("tooltip {number}"));
            let change = Ask::new("PATCH", &path).by("admin", "it's a secret").json(json!({"Tooltip": tooltip}));
            match change.try_send(&server) {
                Ok(answer) if answer.status == 200 => self.tooltips.lock().expect("a list").push(tooltip),
                Ok(answer) if answer.status == 503 => {}
                Ok(answer) => panic!("{}: {}", answer.status, answer.body),
                // It is not known whether the change was made.
                Err(_) => thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// The acknowledged tooltips.
    pub fn tooltips(&self) -> Vec<String> {
        self.tooltips.lock().expect("a list").clone()
    }

    /// Sends further requests to this address.
    pub fn turn_to(&self, server: String) {
        *self.server.lock().expect("an address") = server;
    }

    pub fn acknowledged(self) -> Acknowledged {
        self.acknowledged.into_inner().expect("a map")
    }
}

/// Repeats a request across kills and restarts until it has a final outcome; `None` when stopped before.
pub fn run_once(server: &Mutex<String>, stop: &AtomicBool, user_id: i32, command: &str, key: &str) -> Option<Outcome> {
    let head = format!(
        "POST /api/v1/User/{user_id}/CustomCommand/{command} HTTP/1.1\r\n\
         Authorization: Basic YWRtaW46aXQncyBhIHNlY3JldA==\r\nIdempotency-Key: {key}"
    );
    while !stop.load(Ordering::Relaxed) {
        let address = server.lock().expect("an address").clone();
        match send(&address, &head) {
            Ok(answer) if answer.starts_with("HTTP/1.1 200") => return Some(Outcome::Succeeded),
            Ok(answer) if answer.starts_with("HTTP/1.1 504") => return Some(Outcome::Unknown),
            Ok(answer) if ["409", "503"].iter().any(|status| answer.get(9..12) == Some(status)) => {
                thread::sleep(Duration::from_millis(5));
            }
            Ok(answer) if !answer.is_empty() => panic!("{command} under {key}: {answer}"),
            _ => thread::sleep(Duration::from_millis(5)),
        }
    }
    None
}

pub fn define(folder: &Path, sink: &Sink) {
    fs::create_dir(folder.join("commands.d")).expect("a folder");
    for (name, steps) in COMMANDS {
        let text = format!("name: {name}\ndisplay_name: {name}\nallow_roles: [Administrator]\nsteps:\n  {steps}\n");
        fs::write(folder.join(format!("commands.d/{name}.yaml")), text).expect("a file");
    }
    fs::write(folder.join("secret"), "whsec_bWF5IHRoZSBmb3JjZSBiZSB3aXRoIHlvdSBhbHdheXM=").expect("a file");
    let target = format!(
        "sink: {{url: 'http://127.0.0.1:{}/kill', secrets: [{{file: secret}}], allow_networks: [127.0.0.0/8]}}",
        sink.port
    );
    fs::write(folder.join("targets.yaml"), target).expect("a file");
}

/// The value of `FAILPOINTS` that lets the server die at a moment; without the feature, it is only killed.
pub fn die_at(moment: &str) -> String {
    // A server passes the points of deliveries more rarely than the others, and a claim takes many deliveries.
    let percent = match moment {
        "delivery-claimed" => 30,
        "delivery-sent" => 10,
        _ => 3,
    };
    let set = cfg!(feature = "failpoints") && !moment.is_empty();
    if set { format!("{moment}={percent}%return") } else { String::new() }
}

fn start(folder: &Path, moment: &str) -> Process {
    let words = ["serve", "--demo", "--commands", "commands.d", "--targets", "targets.yaml"];
    Process::start(folder, &words, &[("KOMMANDO_ADMIN_PASSWORD", "it's a secret"), ("FAILPOINTS", &die_at(moment))])
}

fn url(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("kommando.db").display())
}

async fn open(folder: &Path) -> Store {
    Store::open(&url(folder)).await.expect("a database")
}

/// Creates a trigger that counts the effects of commands.
async fn count_effects(folder: &Path) {
    let store = open(folder).await;
    let count = "CREATE TABLE effects (kind TEXT); \
                 CREATE TRIGGER count_changes AFTER UPDATE OF tooltip ON users WHEN NEW.tooltip = 'counted' \
                 BEGIN INSERT INTO effects VALUES ('change'); END; \
                 CREATE TRIGGER count_first_resets AFTER INSERT ON credentials \
                 BEGIN INSERT INTO effects VALUES ('reset'); END; \
                 CREATE TRIGGER count_resets AFTER UPDATE OF secret ON credentials \
                 BEGIN INSERT INTO effects VALUES ('reset'); END";
    store.writer().execute_unprepared(count).await.expect("a trigger");
    store.close().await.expect("an end");
}

/// Waits until the server dies at its fail point, or kills it. True when it died by itself.
fn end(process: &mut Process, moment: &str, after: Duration) -> bool {
    let patience = if moment.is_empty() { after } else { Duration::from_secs(10) };
    let limit = Instant::now() + patience;
    while Instant::now() < limit {
        if process.child.try_wait().expect("a state").is_some() {
            return true;
        }
        thread::sleep(Duration::from_millis(5));
    }
    process.kill();
    false
}

/// Waits until no run and no delivery is in flight; the server must get no more requests.
pub async fn settle(store: &Store, patience: Duration) {
    let limit = Instant::now() + patience;
    loop {
        let running = execution::running(store.reader(), None).await.expect("an answer").len();
        let pending = delivery::DeliveryFilter { state: Some(State::Pending), ..delivery::DeliveryFilter::default() };
        let pending = delivery::list(store.reader(), pending, 1).await.expect("an answer").len();
        if running + pending == 0 {
            return;
        }
        assert!(
            Instant::now() < limit,
            "{patience:?} after the last start, {running} executions run and {pending} deliveries are pending"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_and_repeats_no_acknowledged_run() {
    let (folder, sink) = (folder(), Sink::start());
    define(folder.path(), &sink);
    let mut first = start(folder.path(), "");
    make_users(&address(&first.banner()));
    drop(first);
    count_effects(folder.path()).await;

    let mut process = start(folder.path(), "");
    let clients = Clients::of(address(&process.banner()), own_user);
    let mut deaths = BTreeMap::<&str, u32>::new();
    thread::scope(|scope| {
        let stop_at_the_end = clients.run(scope, |_| true);
        let mut moment = "";
        for kill in 0..kills() {
            // From the middle of the start to full load.
            let by_itself = end(&mut process, moment, Duration::from_millis(kill as u64 * 97 % 500));
            *deaths.entry(if by_itself { moment } else { "killed" }).or_default() += 1;
            moment = if cfg!(feature = "failpoints") { MOMENTS[(kill + 1) % MOMENTS.len()] } else { "" };
            process = start(folder.path(), moment);
            // It may die during the start: recovery passes fail points, too.
            if let Some(banner) = process.try_banner() {
                clients.turn_to(address(&banner));
            }
        }
        process.kill();
        process = start(folder.path(), "");
        clients.turn_to(address(&process.banner()));
        thread::sleep(Duration::from_millis(300));
        drop(stop_at_the_end);
    });

    let store = open(folder.path()).await;
    settle(&store, Duration::from_secs(30)).await;
    process.signal("TERM");
    process.child.wait().expect("an end");
    println!("{} deaths: {deaths:?}", kills());
    // Without the feature, the server is only killed: tests/all enables it.
    if cfg!(feature = "failpoints") && kills() >= 3 * MOMENTS.len() {
        let missed: Vec<_> = MOMENTS[1..].iter().filter(|moment| !deaths.contains_key(*moment)).collect();
        assert!(missed.is_empty(), "the server never died at {missed:?}");
    }
    let key = audit_key::read(&folder.path().join("kommando.db.audit-key")).expect("a key");
    let (tooltips, acknowledged) = (clients.tooltips(), clients.acknowledged());
    assert!(acknowledged.len() > kills() && tooltips.len() > kills(), "too little happened");
    Findings::gather(&store, &key, acknowledged, own_user, sink.calls("/kill")).await.judge();
    judge_changes(&store, &tooltips).await;
}

/// The changes of the user: each acknowledged one has an entry, and each entry tells a change that was made, because it
/// begins with what the one before left.
pub async fn judge_changes(store: &Store, acknowledged: &[String]) {
    let changes = change::Entity::find()
        .filter(change::Column::SubjectType.eq(SubjectType::User))
        .filter(change::Column::SubjectId.eq(CHANGED.to_string()))
        .filter(change::Column::Action.eq(Action::UserUpdated))
        .order_by_asc(change::Column::Id)
        .all(store.reader())
        .await
        .expect("changes");
    let recorded: Vec<_> = changes.iter().map(|change| change.after.0["tooltip"].clone()).collect();
    let mut before: Vec<_> = changes.iter().map(|change| change.before.0["tooltip"].clone()).collect();
    let user = users::find(store.reader(), CHANGED).await.expect("an answer").expect("a user");
    println!("{} acknowledged changes, {} entries", acknowledged.len(), recorded.len());
    before.push(user.user.tooltip.clone().into());
    assert_eq!(before[1..], recorded, "a change without an entry, or an entry without a change");
    let recorded: HashSet<_> = recorded.iter().filter_map(|tooltip| tooltip.as_str()).collect();
    let lost: Vec<_> = acknowledged.iter().filter(|tooltip| !recorded.contains(tooltip.as_str())).collect();
    assert!(lost.is_empty(), "acknowledged changes were lost: {lost:?}");
}

/// The data after the last kill.
pub struct Findings {
    acknowledged: Acknowledged,
    kept: HashMap<(&'static str, String), Outcome>,
    executions: Vec<execution::Model>,
    /// Changes of users, and of definitions in force.
    changes: usize,
    keys: usize,
    effects: usize,
    deliveries: Vec<delivery::Model>,
    calls: Vec<Call>,
    chain: audit::Verification,
}

impl Findings {
    pub async fn gather(
        store: &Store,
        key: &AuditKey,
        acknowledged: Acknowledged,
        user_of: fn(&str) -> i32,
        calls: Vec<Call>,
    ) -> Self {
        let db = store.reader();
        let mut kept = HashMap::new();
        for (command, key) in acknowledged.keys() {
            let scope = KeyScope::new(ADMIN, user_of(key), command, key);
            if let Some(key_row) = idempotency::find_all(db, &[&scope]).await.expect("an answer").pop() {
                let execution =
                    execution::find(db, key_row.execution_id).await.expect("an answer").expect("its execution");
                kept.insert((*command, key.clone()), execution.outcome);
            }
        }
        let counted = Statement::from_string(db.get_database_backend(), "SELECT 1 FROM effects");
        Self {
            acknowledged,
            kept,
            executions: execution::Entity::find().all(db).await.expect("rows"),
            changes: audit::change::Entity::find().all(db).await.expect("rows").len(),
            keys: idempotency::Entity::find().all(db).await.expect("rows").len(),
            effects: db.query_all_raw(counted).await.expect("rows").len(),
            deliveries: delivery::Entity::find().all(db).await.expect("rows"),
            calls,
            chain: audit::verify(store, key, None, |_| {}).await.expect("an answer"),
        }
    }

    fn count(&self, is_one: impl Fn(&execution::Model) -> bool) -> usize {
        self.executions.iter().filter(|one| is_one(one)).count()
    }

    pub fn judge(&self) {
        let lost = self.acknowledged.iter().filter(|(key, outcome)| self.kept.get(*key) != Some(*outcome)).count();
        let changed =
            self.count(|one| COUNTED.contains(&one.command_name.as_str()) && one.outcome == Outcome::Succeeded);
        let unknown = self.count(|one| one.outcome == Outcome::Unknown);
        let mut by_id = HashMap::<&str, u32>::new();
        self.calls.iter().for_each(|call| *by_id.entry(call.id()).or_default() += 1);
        println!(
            "{} acknowledged, {lost} lost; {} executions under {} keys, {unknown} unknown; {} effects of {changed}; \
             {} webhooks in {} calls; chain of {}",
            self.acknowledged.len(),
            self.executions.len(),
            self.keys,
            self.effects,
            by_id.len(),
            self.calls.len(),
            self.chain.head.position
        );
        assert_eq!(lost, 0, "acknowledged runs were lost");
        assert_eq!(self.executions.len(), self.keys, "a key ran twice");
        assert_eq!(self.effects, changed, "effects without a record, or records without an effect");
        self.judge_calls(&by_id);
        assert_eq!((&self.chain.broken, self.chain.unlinked), (&None, 0));
        let entries = usize::try_from(self.chain.head.position).expect("a place");
        assert_eq!(entries, self.executions.len() + self.changes, "each record has one entry");
    }

    fn judge_calls(&self, by_id: &HashMap<&str, u32>) {
        let told: HashSet<_> = self.deliveries.iter().map(|one| one.id.as_str()).collect();
        assert!(self.deliveries.iter().all(|one| one.state == State::Delivered), "a delivery was given up");
        assert_eq!(told.len(), self.count(|one| one.command_name == "tell"), "runs and webhooks differ");
        assert!(told.iter().all(|id| by_id.contains_key(id)), "a delivery never arrived");
        let asked =
            |outcome| self.executions.iter().filter(move |one| one.command_name == "ask" && one.outcome == outcome);
        let id = |one: &execution::Model| format!("{}_1", one.id.simple());
        let done: HashSet<_> = asked(Outcome::Succeeded).map(id).collect();
        let open: HashSet<_> = asked(Outcome::Unknown).map(id).collect();
        assert!(done.iter().all(|id| by_id.contains_key(id.as_str())), "a run succeeded without its call");
        for (id, calls) in by_id {
            let is_asked = done.contains(*id) || open.contains(*id);
            assert!(is_asked || told.contains(id), "a call without a record: {id}");
            assert!(!is_asked || *calls == 1, "called twice: {id}");
        }
    }
}
