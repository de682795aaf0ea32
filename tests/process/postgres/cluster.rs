//! A temporary PostgreSQL cluster that a test can stop and freeze.

use std::{
    env, fs,
    os::unix::fs::{PermissionsExt, chown},
    path::PathBuf,
    process::{Command, Stdio},
};

use tempfile::TempDir;

/// The connection limit of the cluster.
pub const CONNECTIONS: u32 = 100;
const KEY: &str = "a key for tests, of 32 bytes and more";

/// A cluster that is removed on drop.
pub struct Cluster {
    folder: TempDir,
    binaries: PathBuf,
    is_root: bool,
}

impl Cluster {
    /// Starts a cluster.
    ///
    /// # Panics
    /// PostgreSQL is not installed.
    pub fn start() -> Self {
        let binaries =
            binaries().expect("PostgreSQL is not installed: apt-get install postgresql, or run tests/all as root");
        let folder = TempDir::with_prefix_in("kommando-pg.", "/tmp").expect("a folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("rights");
        let is_root = text(Command::new("id").arg("-u")).trim() == "0";
        if is_root {
            let id = |what| text(Command::new("id").args([what, "postgres"])).trim().parse().expect("an id");
            chown(folder.path(), Some(id("-u")), Some(id("-g"))).expect("an owner");
        }
        let cluster = Self { folder, binaries, is_root };
        let words =
            ["--username", "kommando", "--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"];
        assert!(cluster.run("initdb", &words), "a cluster");
        cluster.resume_after_stop();
        // Separate statements: CREATE DATABASE cannot run in a transaction.
        cluster.say("CREATE ROLE app LOGIN");
        cluster.say("CREATE DATABASE kommando OWNER app");
        cluster
    }

    /// The URL for a role with rights over the one database only.
    pub fn url(&self) -> String {
        self.url_of("kommando")
    }

    /// The URL of another database for the same role.
    pub fn url_of(&self, database: &str) -> String {
        format!("postgres://app@localhost/{database}?host={}", self.folder.path().display())
    }

    /// The settings for a server on this cluster. Requests wait up to 10 s for the database, so that a busy machine causes
    /// no 503.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("KOMMANDO_DATABASE_URL", self.url()),
            ("KOMMANDO_AUDIT_KEY", KEY.to_owned()),
            ("KOMMANDO_MIGRATE", "true".to_owned()),
            ("KOMMANDO_DATABASE_QUERY_TIMEOUT", "10s".to_owned()),
            ("KOMMANDO_ADMIN_PASSWORD", "it's a secret".to_owned()),
            // The tests do not read the log; a full pipe would stop the server.
            ("KOMMANDO_LOG", "off".to_owned()),
        ]
    }

    pub fn audit_key(&self) -> kommando::executions::audit::AuditKey {
        kommando::executions::audit::AuditKey::new(KEY.into())
    }

    /// Stops PostgreSQL like a crash: without a checkpoint, and without notice to its clients.
    pub fn stop(&self) {
        assert!(self.run("pg_ctl", &["--mode", "immediate", "--silent", "stop"]), "an end");
    }

    pub fn resume_after_stop(&self) {
        let folder = self.folder.path().display();
        // Tests kill PostgreSQL but never the machine, so fsync is not needed.
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories={folder} -c max_connections={CONNECTIONS} \
             -c shared_buffers=64MB -c fsync=off"
        );
        let log = format!("{folder}/log");
        let words = ["--log", &log, "--silent", "--wait", "--options", &options, "start"];
        assert!(self.run("pg_ctl", &words), "a start");
    }

    /// Suspends all processes; connections stay open.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    pub fn thaw(&self) {
        self.signal("CONT");
    }

    /// Sends a signal to the server and its child processes.
    fn signal(&self, name: &str) {
        let file = self.folder.path().join("data/postmaster.pid");
        // Without the file, the server does not run.
        let Ok(first) = fs::read_to_string(file) else { return };
        let first = first.lines().next().expect("a line").to_owned();
        let children = Command::new("ps").args(["-o", "pid=", "--ppid", &first]).output().expect("an end").stdout;
        let children = String::from_utf8(children).expect("text");
        let all = children.split_whitespace().chain([first.as_str()]);
        // A child may have ended meanwhile.
        let _ = Command::new("kill").args(["-s", name]).args(all).stderr(Stdio::null()).status();
    }

    /// Runs SQL as the superuser.
    pub fn say(&self, sql: &str) -> String {
        text(self.psql("postgres").args(["--command", sql]))
    }

    pub fn say_to_kommando(&self, sql: &str) -> String {
        text(self.psql("kommando").args(["--command", sql]))
    }

    /// A psql command as the superuser.
    pub fn psql(&self, database: &str) -> Command {
        let mut psql = Command::new(self.binaries.join("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"]);
        psql.args(["--username", "kommando", "--host"]).arg(self.folder.path()).arg(database);
        psql
    }

    /// One of PostgreSQL's own programs.
    pub fn tool(&self, name: &str) -> Command {
        Command::new(self.binaries.join(name))
    }

    fn run(&self, program: &str, words: &[&str]) -> bool {
        let program = self.binaries.join(program);
        let mut command = match self.is_root {
            true => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
                command
            }
            false => Command::new(program),
        };
        command.arg("--pgdata").arg(self.folder.path().join("data")).args(words).current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().expect("an end").success()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.thaw();
        let _ = self.run("pg_ctl", &["--mode", "immediate", "--silent", "stop"]);
    }
}

fn text(command: &mut Command) -> String {
    let output = command.output().expect("an end");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// The folder of the newest PostgreSQL on this machine.
fn binaries() -> Option<PathBuf> {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = debian.map(|entry| entry.path().join("bin"));
    let path = env::var_os("PATH").unwrap_or_default();
    // Resolve links: a folder may link to initdb only.
    let real = |folder: PathBuf| Some(folder.join("initdb").canonicalize().ok()?.parent()?.to_owned());
    debian.chain(env::split_paths(&path)).filter_map(real).max()
}
