//! A copy made with PostgreSQL's own tools while the server writes, as docs/operating.md shows.

use std::{
    process::Command,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use super::{Cluster, start};
use crate::{Process, address, ask::Ask, folder};

const HELLO: &str = "/api/v1/User/2/CustomCommand/hello";
const PASSWORD: &str = "it's a secret";

fn run(command: &mut Command) -> String {
    let output = command.output().expect("an end");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
#[ignore = "needs PostgreSQL: tests/all runs it"]
fn a_dump_made_while_the_server_writes_is_restored_and_verified() {
    let (cluster, folder) = (Cluster::start(), folder());
    let mut server = start(folder.path(), &cluster, &[]);
    let place = address(&server.banner());
    let dump = folder.path().join("kommando.dump");
    let (is_dumped, runs) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            while !is_dumped.load(Ordering::Relaxed) {
                let answer = Ask::post(HELLO).by("admin", PASSWORD).send(&place);
                assert_eq!(answer.status, 200, "{}", answer.body);
                runs.fetch_add(1, Ordering::Relaxed);
            }
        });
        while runs.load(Ordering::Relaxed) < 20 && !writer.is_finished() {
            thread::yield_now();
        }
        let mut tool = cluster.tool("pg_dump");
        let end = tool.args(["--format", "custom", "--file"]).arg(&dump).arg(cluster.url()).status();
        is_dumped.store(true, Ordering::Relaxed);
        assert!(end.expect("an end").success());
    });
    server.signal("TERM");

    cluster.say("CREATE DATABASE restored OWNER app");
    let restored = cluster.url_of("restored");
    let mut tool = cluster.tool("pg_restore");
    run(tool.args(["--exit-on-error", "--no-owner", "--dbname", &restored]).arg(&dump));
    let mut variables = cluster.variables();
    variables.retain(|(name, _)| *name != "KOMMANDO_DATABASE_URL");
    variables.push(("KOMMANDO_DATABASE_URL", restored));
    let mut verify = Command::new(env!("CARGO_BIN_EXE_kommando"));
    let told = run(verify.args(["audit", "verify"]).envs(variables.clone()));
    assert!(told.contains("entries are valid"), "{told}");

    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut server = Process::start(folder.path(), &["serve", "--demo"], &variables);
    let place = address(&server.banner());
    let answer = Ask::post(HELLO).by("admin", PASSWORD).send(&place);
    assert_eq!(answer.status, 200, "{}", answer.body);
}
