//! `kommando commands`.

use std::{
    io::{Write, stdout},
    path::PathBuf,
};

use clap::Subcommand;
use kommando::{
    commands::{self, Catalog},
    config::{Config, DEFAULT_COMMANDS},
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
            return Ok(writeln!(stdout(), "{:#}", commands::schema())?);
        };
        let folder = folder.or_else(|| config.commands.clone()).unwrap_or_else(|| DEFAULT_COMMANDS.into());
        match Catalog::from_folder(&folder) {
            Ok(catalog) => {
                println!("{} definitions in {}, all right", catalog.entries().len(), folder.display());
                Ok(())
            }
            Err(faults) => {
                eprintln!("{faults}");
                std::process::exit(1);
            }
        }
    }
}
