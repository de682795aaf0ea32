//! Compresses the pages, and rebuilds the binary when an embedded file changes: an example definition, a page, or a file
//! for generating clients.

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::Command,
};

use flate2::{Compression, write::GzEncoder};

const PAGES: &str = "src/api/pages";
/// The variable with the commit, for builds without git.
const COMMIT: &str = "GIT_COMMIT";
/// The variable that the program reads at compile time.
const BUILD: &str = "BUILD_COMMIT";

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=commands.d");
    println!("cargo:rerun-if-changed=openapi/clients");
    println!("cargo:rerun-if-changed={PAGES}");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?).join("pages");
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    for folder in fs::read_dir(PAGES)? {
        let folder = folder?;
        compress(&folder.path(), &out.join(folder.file_name()))?;
    }
    println!("cargo:rerun-if-env-changed={COMMIT}");
    println!("cargo:rustc-env={BUILD}={}", build_name());
    Ok(())
}

/// What `--version` shows: the commit, or that this is a debug build, which is not made anew for each commit.
fn build_name() -> String {
    if let Some(commit) = env::var(COMMIT).ok().filter(|commit| !commit.is_empty()) {
        return commit;
    }
    if env::var("PROFILE").as_deref() != Ok("release") {
        return "debug build".to_owned();
    }
    println!("cargo:rerun-if-changed=.git/logs/HEAD");
    let output = Command::new("git").args(["rev-parse", "--short=10", "HEAD"]).output();
    let commit =
        output.ok().filter(|output| output.status.success()).and_then(|output| String::from_utf8(output.stdout).ok());
    commit.map_or_else(|| "unknown commit".to_owned(), |commit| commit.trim().to_owned())
}

/// Writes each file of a folder into another one, compressed.
fn compress(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for file in fs::read_dir(from)? {
        let file = file?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&fs::read(file.path())?)?;
        fs::write(to.join(file.file_name()), encoder.finish()?)?;
    }
    Ok(())
}
