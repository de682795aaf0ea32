//! `kommando systemd-unit`.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;

const UNIT: &str = include_str!("kommando.service");
/// The path of the program in the unit.
const PROGRAM: &str = "/usr/local/bin/kommando";

/// The settings in the unit.
const SETTINGS: &str = "Environment=KOMMANDO_DATABASE_URL=sqlite:///var/lib/kommando/kommando.db?mode=rwc
Environment=KOMMANDO_COMMANDS=/etc/kommando/commands.d";
/// The user in the unit.
const USER: &str = "DynamicUser=yes";

/// For example: kommando systemd-unit > /etc/systemd/system/kommando.service. See `kommando help systemd`.
#[derive(Args)]
pub struct SystemdUnit {
    /// User that runs the server [default: one that systemd creates]
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Path of the program [default: this program]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Settings file that the service reads, instead of the settings in the unit
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
}

impl SystemdUnit {
    /// Prints the unit with the path of this program.
    pub fn run(self) -> anyhow::Result<()> {
        let program = match self.program {
            Some(program) => program,
            None => std::env::current_exe().context("failed to find the path of this program")?,
        };
        let user = self.user.map_or_else(|| USER.to_owned(), |user| format!("User={user}"));
        let unit = replace(UNIT, PROGRAM, &program.display().to_string())?;
        let unit = replace(&unit, USER, &user)?;
        super::write(match self.settings {
            Some(file) => replace(&unit, SETTINGS, &format!("Environment=KOMMANDO_CONFIG={}", file.display()))?,
            None => unit,
        })
    }
}

/// # Errors
/// The unit does not have this part; a test prints the unit with every flag.
fn replace(unit: &str, part: &str, by: &str) -> anyhow::Result<String> {
    ensure!(unit.contains(part), "the unit has no `{part}`; this is a bug in kommando");
    Ok(unit.replace(part, by))
}
