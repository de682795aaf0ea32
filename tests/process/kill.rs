//! What is left when the server dies, at any moment and at the worst ones: everything that was acknowledged, once.

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
    records::{
        audit::{self, AuditKey},
        delivery::{self, State},
        execution::{self, Outcome},
        idempotency::{self, Scope},
    },
    store::Store,
};
use sea_orm::{ConnectionTrait, EntityTrait, Statement};
use serde_json::json;

use crate::{
    Process, address,
    ask::Ask,
    folder, send,
    sink::{Call, Sink},
};

pub const CLIENTS: usize = 16;
const ADMIN: i32 = 1;
pub const BJORN: i32 = 3;
/// The first of the users who are made beside those of the demo.
const FIRST_MADE: i32 = 6;

/// Commands of five kinds, and what they do.
pub const COMMANDS: [(&str, &str); 5] = [
    ("say", "- message: {text: Hi}"),
    ("count", "- set_field: {field: tooltip, value: counted}"),
    ("reset", "- reset_password: {}"),
    ("tell", "- set_field: {field: tooltip, value: counted}\n  - webhook: {target: sink, when: after_commit}"),
    ("ask", "- webhook: {target: sink, when: sync}\n  - set_field: {field: tooltip, value: counted}"),
];
/// Those that are counted by the database itself when they have their effect.
const COUNTED: [&str; 4] = ["count", "reset", "tell", "ask"];

/// Where the server dies, in turn: at any moment (the empty one), and at each of its fail points.
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

/// How often the server is killed: `KILLS`, or a few times.
fn kills() -> usize {
    env::var("KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(8)
}

/// Stops the clients when it is dropped, by a failure of the test, too.
#[derive(Clone, Default)]
pub struct Stop(pub Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The user of the client that made a key: each has one. What several runs change of one user in a transaction is one
/// change of a row, and could not be counted.
fn own_user(key: &str) -> i32 {
    let client = key.split('-').next().and_then(|client| client.parse::<i32>().ok());
    FIRST_MADE + client.expect("the number of a client")
}

/// Makes a user for each client.
fn make_users(server: &str) {
    for client in 0..CLIENTS {
        let user = json!({"Name": format!("client{client}")});
        let made = Ask::post("/api/v1/User").by("admin", "it's a secret").json(user).send(server);
        assert_eq!(made.json()["AssociateId"], own_user(&client.to_string()), "{}", made.body);
    }
}

/// What a request was answered for good.
pub type Acknowledged = HashMap<(&'static str, String), Outcome>;

/// Clients that go on, over kills and restarts of their server.
pub struct Clients {
    server: Mutex<String>,
    stop: Stop,
    acknowledged: Mutex<Acknowledged>,
    /// The user of a key.
    user_of: fn(&str) -> i32,
}

impl Clients {
    /// Clients of the server at an address.
    pub fn of(server: String, user_of: fn(&str) -> i32) -> Self {
        Self { server: Mutex::new(server), stop: Stop::default(), acknowledged: Mutex::default(), user_of }
    }

    /// Each runs those of the commands that are wanted in turn, each time under another key, until what this answers is
    /// dropped.
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
        self.stop.clone()
    }

    /// From now on, they ask the server at this address.
    pub fn turn_to(&self, server: String) {
        *self.server.lock().expect("an address") = server;
    }

    pub fn acknowledged(self) -> Acknowledged {
        self.acknowledged.into_inner().expect("a map")
    }
}

/// Sends one request until it is answered for good, over kills and restarts; nothing when told to stop before.
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

fn start(folder: &Path, moment: &str) -> Process {
    let words = ["serve", "--demo", "--commands", "commands.d", "--targets", "targets.yaml"];
    let fail_points = if moment.is_empty() { String::new() } else { format!("{moment}=3%return") };
    Process::start(folder, &words, &[("KOMMANDO_ADMIN_PASSWORD", "it's a secret"), ("FAILPOINTS", &fail_points)])
}

fn url(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("kommando.db").display())
}

async fn open(folder: &Path) -> Store {
    Store::open(&url(folder)).await.expect("a database")
}

/// Has the database itself count the changes that commands make.
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

/// Waits for a server to die of its fail point, or kills it. True when it died by itself.
fn end(process: &mut Process, moment: &str, after: Duration) -> bool {
    let patience = if moment.is_empty() { after } else { Duration::from_secs(3) };
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

/// Waits until nothing is under way any more in a server that nobody calls.
pub async fn settle(store: &Store, patience: Duration) {
    let limit = Instant::now() + patience;
    loop {
        let running = execution::running(store.reader(), None).await.expect("an answer").len();
        let pending = delivery::Filter { state: Some(State::Pending), ..delivery::Filter::default() };
        let pending = delivery::list(store.reader(), pending, 1).await.expect("an answer").len();
        if running + pending == 0 {
            return;
        }
        assert!(
            Instant::now() < limit,
            "{patience:?} after the last start, {running} run and {pending} are to be delivered"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_nothing_acknowledged_is_lost_and_nothing_happens_twice() {
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
            // From in the middle of the start to in full swing.
            let by_itself = end(&mut process, moment, Duration::from_millis(kill as u64 * 97 % 500));
            *deaths.entry(if by_itself { moment } else { "killed" }).or_default() += 1;
            moment = if cfg!(feature = "failpoints") { MOMENTS[(kill + 1) % MOMENTS.len()] } else { "" };
            process = start(folder.path(), moment);
            // It may die at once: when it closes what was left open, it passes fail points, too.
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
    if cfg!(feature = "failpoints") && kills() >= 3 * MOMENTS.len() {
        let missed: Vec<_> = MOMENTS[1..].iter().filter(|moment| !deaths.contains_key(*moment)).collect();
        assert!(missed.is_empty(), "the server never died at {missed:?}");
    }
    let key = audit_key::load(&url(folder.path())).expect("a key");
    let acknowledged = clients.acknowledged();
    assert!(acknowledged.len() > kills(), "too little happened");
    Findings::gather(&store, &key, acknowledged, own_user, sink.calls("/kill")).await.judge();
}

/// Everything that is left.
pub struct Findings {
    acknowledged: Acknowledged,
    kept: HashMap<(&'static str, String), Outcome>,
    executions: Vec<execution::Model>,
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
            let scope = Scope::new(ADMIN, user_of(key), command, key);
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
        assert_eq!(lost, 0, "acknowledged and lost");
        assert_eq!(self.executions.len(), self.keys, "happened twice");
        assert_eq!(self.effects, changed, "effects without a record, or records without an effect");
        self.judge_calls(&by_id);
        assert_eq!((&self.chain.broken, self.chain.unlinked), (&None, 0));
        assert_eq!(usize::try_from(self.chain.head.position).expect("a place"), self.executions.len());
    }

    fn judge_calls(&self, by_id: &HashMap<&str, u32>) {
        let told: HashSet<_> = self.deliveries.iter().map(|one| one.id.as_str()).collect();
        assert!(self.deliveries.iter().all(|one| one.state == State::Delivered), "given up");
        assert_eq!(told.len(), self.count(|one| one.command_name == "tell"), "runs and webhooks");
        assert!(told.iter().all(|id| by_id.contains_key(id)), "told and never heard");
        let asked =
            |outcome| self.executions.iter().filter(move |one| one.command_name == "ask" && one.outcome == outcome);
        let id = |one: &execution::Model| format!("{}_1", one.id.simple());
        let done: HashSet<_> = asked(Outcome::Succeeded).map(id).collect();
        let open: HashSet<_> = asked(Outcome::Unknown).map(id).collect();
        assert!(done.iter().all(|id| by_id.contains_key(id.as_str())), "done and never asked for");
        for (id, calls) in by_id {
            let is_asked = done.contains(*id) || open.contains(*id);
            assert!(is_asked || told.contains(id), "a call without a record: {id}");
            assert!(!is_asked || *calls == 1, "asked for twice: {id}");
        }
    }
}
