//! Rules on imports: modules import downwards, files without cycles, and few modules know HTTP.

mod imports;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use self::imports::Imports;

/// Each top-level module and the modules it may import. `lib.rs` and the command line may import everything.
const ROOMS: [(&str, &[&str]); 19] = [
    (
        "app",
        &[
            "api",
            "auth",
            "commands",
            "config",
            "executions",
            "store",
            "users",
            "webhooks",
            "error",
            "localization",
            "metrics",
            "traces",
            "telemetry",
            "clock",
            "linear_time",
        ],
    ),
    (
        "api",
        &[
            "auth",
            "commands",
            "users",
            "executions",
            "store",
            "error",
            "localization",
            "nearest",
            "metrics",
            "traces",
            "clock",
            "linear_time",
        ],
    ),
    ("auth", &["users", "executions", "store", "error", "metrics"]),
    (
        "commands",
        &["webhooks", "users", "executions", "store", "error", "localization", "nearest", "metrics", "traces", "clock"],
    ),
    ("webhooks", &["executions", "store", "metrics", "traces", "clock"]),
    ("users", &["executions", "vault", "store", "error", "localization", "odata", "clock"]),
    ("executions", &["vault", "store", "error", "metrics", "clock"]),
    ("vault", &["store"]),
    ("store", &["error"]),
    ("error", &["localization"]),
    ("localization", &["clock"]),
    ("nearest", &[]),
    ("odata", &[]),
    ("metrics", &["traces"]),
    ("traces", &[]),
    ("clock", &[]),
    // Used by tests only.
    ("linear_time", &[]),
    ("config", &["auth", "localization", "nearest", "executions", "store", "users"]),
    ("telemetry", &["config", "nearest"]),
];

/// The modules that may use HTTP types.
const HTTP: [&str; 3] = ["app", "api", "auth"];

/// Every Rust file in a folder and its subfolders.
pub fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let nested = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    nested.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// Every file below `src` except the command line, with its top-level module and its text.
fn files() -> Vec<(String, PathBuf, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let room = |path: &Path| {
        let first = path.strip_prefix(&src).expect("a file below src").components().next().expect("a name");
        first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
    };
    let files = sources(&src).into_iter().map(|path| {
        let text = fs::read_to_string(&path).expect("a text");
        (room(&path), path, text)
    });
    files.filter(|(room, ..)| !["lib", "main", "cli"].contains(&room.as_str())).collect()
}

#[test]
fn modules_import_downwards_only() {
    let imports = Imports::of_crate();
    let mut crossings = 0;
    for (file, imported) in imports.edges() {
        let (_, allowed) = ROOMS.iter().find(|(name, _)| *name == file[0]).expect("a known room");
        for other in imported.iter().filter(|other| other[0] != file[0]) {
            crossings += 1;
            assert!(allowed.contains(&other[0].as_str()), "{} may not import {}", file.join("::"), other.join("::"));
        }
    }
    assert!(crossings > 200, "{crossings} imports between rooms were found");
}

#[test]
fn files_do_not_import_each_other_in_a_cycle() {
    let circles = Imports::of_crate().circles();
    assert!(circles.is_empty(), "circles of files: {circles:#?}");
}

#[test]
fn an_import_cycle_is_found() {
    let files = [
        ("a", "use crate::b::Two;\npub struct One;"),
        ("b", "mod c;\npub use c::Two;"),
        ("b::c", "pub struct Two(crate::d::Three);"),
        ("d", "pub struct Three;\nfn three() { crate::a::one() }"),
        ("e", "use crate::{a::One, b};\nfn five() -> b::Two { b::Two }"),
    ];
    let circles = Imports::of(files.map(|(name, text)| (name.to_owned(), text.to_owned()))).circles();
    let expected = BTreeSet::from(["a", "b::c", "d"].map(str::to_owned));
    assert_eq!(circles, [expected]);
}

#[test]
fn only_app_api_and_auth_use_http() {
    for (room, path, text) in files().into_iter().filter(|(room, ..)| !HTTP.contains(&room.as_str())) {
        for http in ["poem::", "poem_openapi", "http::", "hyper"] {
            assert!(!text.contains(http), "{}: {room} knows {http}", path.display());
        }
    }
}

#[test]
fn only_the_clock_module_reads_the_time() {
    for (room, path, text) in files().into_iter().filter(|(room, ..)| room != "clock") {
        for way in ["Utc::now", "Timestamp::now", "Zoned::now", "Local::now"] {
            assert!(!text.contains(way), "{}: {room} asks by {way}; crate::clock::now does that", path.display());
        }
    }
}

#[test]
fn access_is_changed_only_through_users_access() {
    for (room, path, text) in files().into_iter().filter(|(room, ..)| room != "users") {
        let raw = ["credential::delete_password(", "person::set_retired(", "person::update(", "set_columns("];
        let columns = ["UserColumn::RoleId", "UserColumn::Deleted", "UserColumn::PersonId"];
        for way in raw.into_iter().chain(columns) {
            assert!(!text.contains(way), "{}: {room} uses {way}; users::access checks first", path.display());
        }
        for call in text.split("credential::set_password(").skip(1) {
            let arguments = call.split(").await").next().expect("a call");
            assert!(arguments.ends_with("None"), "{}: {room} sets a temporary password", path.display());
        }
    }
}

#[test]
fn the_migrations_crate_does_not_depend_on_kommando() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/Cargo.toml");
    let manifest = fs::read_to_string(manifest).expect("a manifest");
    let (_, dependencies) = manifest.split_once("[dependencies]").expect("dependencies");
    assert!(!dependencies.contains("kommando"));
}
