//! A full disk: writes fail with 507, reads go on, and writes succeed again when there is room.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use kommando::{executions::execution, store::Store};
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, PaginatorTrait, Statement};

use crate::{Process, address, folder, send};

const ADMIN: &str = "Authorization: Basic YWRtaW46aXQncyBhIHNlY3JldA==";

/// A small tmpfs.
struct Disk(PathBuf);

impl Disk {
    /// # Panics
    /// The test may not mount file systems.
    fn mount(at: &Path) -> Self {
        fs::create_dir(at).expect("a folder");
        let mut mount = Command::new("mount");
        let output = mount.args(["-t", "tmpfs", "-o", "size=12m", "tmpfs"]).arg(at).output().expect("mount");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "failed to mount a tmpfs: run the test as root with CAP_SYS_ADMIN: {error}");
        Self(at.to_owned())
    }

    /// Fills the remaining space.
    fn fill(&self) {
        let mut ballast = File::create(self.ballast()).expect("a file");
        let full = (0..).find_map(|_| ballast.write_all(&[0; 4096]).err()).expect("an end");
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    }

    fn make_room(&self) {
        fs::remove_file(self.ballast()).expect("a file");
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Unmounts at once; the kernel frees it when the last file is closed.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

fn status(address: &str, head: &str) -> u16 {
    let answer = send(address, &format!("{head} HTTP/1.1\r\n{ADMIN}")).expect("an answer");
    answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{answer}"))
}

fn run(address: &str) -> u16 {
    status(address, "POST /api/v1/User/2/CustomCommand/set-away?actionResult=Yes")
}

fn read(address: &str) -> u16 {
    status(address, "GET /api/v1/User/2/CustomCommand")
}

/// Runs commands until one is answered with this status; returns how many succeeded.
fn run_until(address: &str, wanted: u16) -> u64 {
    let started = Instant::now();
    let mut ran = 0;
    loop {
        match run(address) {
            status if status == wanted => return ran + u64::from(status == 200),
            200 => ran += 1,
            507 => thread::sleep(Duration::from_millis(20)),
            other => panic!("{other}"),
        }
        assert!(started.elapsed() < Duration::from_secs(60), "no {wanted}");
    }
}

async fn is_whole(database: &Path) -> (String, u64) {
    let store = Store::open(&format!("sqlite://{}", database.display())).await.expect("a database");
    let check = Statement::from_string(DbBackend::Sqlite, "PRAGMA integrity_check");
    let row = store.reader().query_one_raw(check).await.expect("an answer").expect("a row");
    let executions = execution::Entity::find().count(store.reader()).await.expect("an answer");
    let integrity = row.try_get_by_index(0).expect("a text");
    store.close().await.expect("an end");
    (integrity, executions)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "mounts a tmpfs, which needs root: tests/all runs it"]
async fn a_full_disk_stops_writes_until_it_has_room() {
    let folder = folder();
    let disk = Disk::mount(&folder.path().join("disk"));
    let mut process = Process::demo(&disk.0);
    let address = address(&process.banner());
    assert_eq!((run(&address), read(&address)), (200, 200));
    let mut ran = 1;
    for _ in 0..3 {
        disk.fill();
        ran += run_until(&address, 507);
        for _ in 0..20 {
            // A few more writes succeed where the WAL starts again from its beginning.
            match run(&address) {
                200 => ran += 1,
                status => assert_eq!(status, 507),
            }
            assert_eq!(read(&address), 200);
        }
        assert_eq!(status(&address, "GET /health/live"), 200);
        disk.make_room();
        ran += run_until(&address, 200);
    }
    process.signal("TERM");
    assert!(process.child.wait().expect("an end").success());
    let (integrity, executions) = is_whole(&disk.0.join("kommando.db")).await;
    assert_eq!((integrity.as_str(), executions), ("ok", ran), "exactly the acknowledged runs are stored");
    let mut verify = Command::new(env!("CARGO_BIN_EXE_kommando"));
    let verified = verify.args(["audit", "verify"]).current_dir(&disk.0).output().expect("an end");
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}
