//! Arrows between rooms point down.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Each room and the rooms it may look into. `lib.rs` and the command line see everything.
const ROOMS: [(&str, &[&str]); 16] = [
    (
        "app",
        &[
            "api",
            "auth",
            "commands",
            "config",
            "records",
            "store",
            "users",
            "webhooks",
            "error",
            "localization",
            "watch",
            "telemetry",
            "clock",
        ],
    ),
    ("api", &["auth", "commands", "users", "records", "store", "error", "localization", "nearest", "watch", "clock"]),
    ("auth", &["users", "records", "store", "error", "watch"]),
    ("commands", &["webhooks", "users", "records", "store", "error", "localization", "nearest", "watch", "clock"]),
    ("webhooks", &["records", "store", "watch", "clock"]),
    ("users", &["store", "error", "localization", "odata", "clock"]),
    ("records", &["store", "error", "watch", "clock"]),
    ("store", &["error"]),
    ("error", &[]),
    ("localization", &["clock"]),
    ("nearest", &[]),
    ("odata", &[]),
    ("watch", &[]),
    ("clock", &[]),
    ("config", &["auth", "localization", "records", "store", "users"]),
    ("telemetry", &["config", "nearest"]),
];

/// The rooms that know HTTP.
const HTTP: [&str; 4] = ["app", "api", "auth", "error"];

/// Every source file in a folder.
pub fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let nested = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    nested.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// Every file below `src`, with its room.
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

/// The rooms that a file names after `crate::`, in one import or many.
fn looks_into(text: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for after in text.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            None => rooms.push(word(after)),
            // A group of imports: the names at its first level.
            Some(group) => {
                let mut depth = 0;
                let mut start = true;
                for (index, character) in group.char_indices() {
                    match character {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        _ if start && character.is_alphabetic() => {
                            rooms.push(word(&group[index..]));
                            start = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    rooms
}

fn word(text: &str) -> String {
    text.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
}

#[test]
fn arrows_between_rooms_point_down() {
    let mut seen = 0;
    for (room, path, text) in files() {
        let (_, allowed) = ROOMS.iter().find(|(name, _)| *name == room).expect("a known room");
        for other in looks_into(&text) {
            seen += 1;
            let is_fine = other == room || allowed.contains(&other.as_str());
            assert!(is_fine, "{}: {room} may not look into {other}", path.display());
        }
    }
    assert!(seen > 50, "the imports were found");
}

#[test]
fn http_stops_at_the_rooms_that_know_it() {
    for (room, path, text) in files().into_iter().filter(|(room, ..)| !HTTP.contains(&room.as_str())) {
        for http in ["poem::", "poem_openapi", "http::", "hyper"] {
            assert!(!text.contains(http), "{}: {room} knows {http}", path.display());
        }
    }
}

#[test]
fn the_time_is_asked_for_in_one_place() {
    for (room, path, text) in files().into_iter().filter(|(room, ..)| room != "clock") {
        for way in ["Utc::now", "Timestamp::now", "Zoned::now", "Local::now"] {
            assert!(!text.contains(way), "{}: {room} asks by {way}; crate::clock::now does that", path.display());
        }
    }
}

#[test]
fn access_is_changed_through_the_door_that_guards_it() {
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
fn migrations_know_none_of_us() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/Cargo.toml");
    assert!(!fs::read_to_string(manifest).expect("a manifest").contains("kommando"));
}
