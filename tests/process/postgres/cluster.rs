//! A PostgreSQL cluster of a test's own, which it can stop, freeze and fill.

use std::{
    env, fs,
    os::unix::fs::{PermissionsExt, chown},
    path::PathBuf,
    process::{Command, Stdio},
};

use tempfile::TempDir;

/// How many connections it takes.
pub const CONNECTIONS: u32 = 100;
const KEY: &str = "a key for tests, of 32 bytes and more";

/// It ends with the test.
pub struct Cluster {
    folder: TempDir,
    binaries: PathBuf,
    is_root: bool,
}

impl Cluster {
    /// A cluster that runs; none where PostgreSQL is not installed.
    pub fn start() -> Option<Self> {
        let Some(binaries) = binaries() else {
            eprintln!("skipped: PostgreSQL is not installed");
            return None;
        };
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
        // One by one: together they would be a transaction, in which no database can be made.
        cluster.say("CREATE ROLE app LOGIN");
        cluster.say("CREATE DATABASE kommando OWNER app");
        Some(cluster)
    }

    /// Its address, for somebody who has no rights but over the one database.
    pub fn url(&self) -> String {
        format!("postgres://app@localhost/kommando?host={}", self.folder.path().display())
    }

    /// What a server needs to use it.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("KOMMANDO_DATABASE_URL", self.url()),
            ("KOMMANDO_AUDIT_KEY", KEY.to_owned()),
            ("KOMMANDO_MIGRATE", "true".to_owned()),
            ("KOMMANDO_ADMIN_PASSWORD", "it's a secret".to_owned()),
            // Nobody reads the log meanwhile, and a pipe that is full would stop the server.
            ("KOMMANDO_LOG", "off".to_owned()),
        ]
    }

    pub fn audit_key(&self) -> kommando::records::audit::AuditKey {
        kommando::records::audit::AuditKey::new(KEY.into())
    }

    /// As the machine's failing: nothing is written, nobody is told.
    pub fn stop(&self) {
        assert!(self.run("pg_ctl", &["--mode", "immediate", "--silent", "stop"]), "an end");
    }

    pub fn resume_after_stop(&self) {
        let folder = self.folder.path().display();
        // Tests kill PostgreSQL, and never the machine, so nothing needs to be on disk.
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories={folder} -c max_connections={CONNECTIONS} \
             -c shared_buffers=64MB -c fsync=off"
        );
        let log = format!("{folder}/log");
        let words = ["--log", &log, "--silent", "--wait", "--options", &options, "start"];
        assert!(self.run("pg_ctl", &words), "a start");
    }

    /// Nothing of it moves any more, though every connection stays.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    pub fn thaw(&self) {
        self.signal("CONT");
    }

    /// To the server and everybody it started, and to nobody else.
    fn signal(&self, name: &str) {
        let file = self.folder.path().join("data/postmaster.pid");
        // Without the file it does not run.
        let Ok(first) = fs::read_to_string(file) else { return };
        let first = first.lines().next().expect("a line").to_owned();
        let children = Command::new("ps").args(["-o", "pid=", "--ppid", &first]).output().expect("an end").stdout;
        let children = String::from_utf8(children).expect("text");
        let all = children.split_whitespace().chain([first.as_str()]);
        // A child may have ended meanwhile.
        let _ = Command::new("kill").args(["-s", name]).args(all).stderr(Stdio::null()).status();
    }

    /// Says something to the database, as somebody who may do everything.
    pub fn say(&self, sql: &str) -> String {
        text(self.psql("postgres").args(["--command", sql]))
    }

    pub fn say_to_kommando(&self, sql: &str) -> String {
        text(self.psql("kommando").args(["--command", sql]))
    }

    /// A session of somebody who may do everything.
    pub fn psql(&self, database: &str) -> Command {
        let mut psql = Command::new(self.binaries.join("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"]);
        psql.args(["--username", "kommando", "--host"]).arg(self.folder.path()).arg(database);
        psql
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

/// Where the newest PostgreSQL of this machine is.
fn binaries() -> Option<PathBuf> {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = debian.map(|entry| entry.path().join("bin"));
    let path = env::var_os("PATH").unwrap_or_default();
    // Where it really is: a link may stand for one of its programs, and not for the others.
    let real = |folder: PathBuf| Some(folder.join("initdb").canonicalize().ok()?.parent()?.to_owned());
    debian.chain(env::split_paths(&path)).filter_map(real).max()
}
