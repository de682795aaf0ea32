//! `kommando man`, for packages.

use std::{fs, path::PathBuf};

use anyhow::Context;
use clap::{Args, Command};

/// For example: kommando man target/man
#[derive(Args)]
pub struct Man {
    /// Folder for the pages; it is created if it is missing
    folder: PathBuf,
}

impl Man {
    /// Writes a page for the program and for each subcommand.
    pub fn run(self, command: Command) -> anyhow::Result<()> {
        let write = || {
            fs::create_dir_all(&self.folder)?;
            clap_mangen::generate_to(command, &self.folder)
        };
        write().with_context(|| format!("failed to write into {}", self.folder.display()))
    }
}
