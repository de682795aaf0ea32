//! `kommando commands`.

use std::path::PathBuf;

use clap::Subcommand;
use kommando::{
    commands::{self, Catalog, Faults},
    config::{Config, DEFAULT_COMMANDS},
    webhooks,
};

#[derive(Subcommand)]
pub enum Commands {
    /// Check the definitions in a folder: one line per fault on standard error, and exit status 1
    Check {
        /// The folder [default: that of --commands, or commands.d]
        folder: Option<PathBuf>,
    },
    /// Print the JSON Schema of a definition, for editors
    Schema,
}

impl Commands {
    pub fn run(self, config: &Config) -> anyhow::Result<()> {
        let Self::Check { folder } = self else {
            return super::say(format_args!("{:#}", commands::schema()));
        };
        let folder = folder.or_else(|| config.commands.clone()).unwrap_or_else(|| DEFAULT_COMMANDS.into());
        let catalog = Catalog::from_folder(&folder).map_err(FaultsFound)?;
        // Without a file of targets, nobody here knows which there are.
        if let Some(file) = &config.targets {
            let targets = webhooks::read(file)?;
            let known: Vec<_> = targets.keys().map(String::as_str).collect();
            catalog.check_targets(&known).map_err(FaultsFound)?;
        }
        for entry in catalog.entries().iter().filter(|entry| entry.definition.allow_roles.is_empty()) {
            eprintln!("{}: warning: nobody may run it; name roles in `allow_roles`", entry.file);
        }
        super::say(format_args!("{}: nothing wrong; definitions: {}", folder.display(), catalog.entries().len()))
    }
}

/// The lines of the faults, and nothing before them.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct FaultsFound(Faults);
