//! `kommando config`.

use clap::Subcommand;
use kommando::{
    app::config_check::{self, Finding},
    config,
};

use super::commands::ErrorsFound;

#[derive(Subcommand)]
pub enum Config {
    /// Check settings, secrets, definitions, targets and database: one line per error, and exit status 1 on errors
    ///
    /// Finds everything that keeps `serve` from starting. Changes nothing and calls no target. Takes all settings of
    /// `serve`: run it with those of the server, before you start the server with them.
    Check {
        /// Check for `serve --demo`
        #[arg(long)]
        demo: bool,
    },
    /// Show each setting as a line of a settings file, and where its value comes from; secrets are left out
    Show,
}

impl Config {
    /// `settings` makes the lines of `show`.
    pub async fn run(self, config: &config::Config, settings: impl FnOnce() -> Vec<String>) -> anyhow::Result<()> {
        match self {
            Self::Check { demo } => check(config, demo).await,
            Self::Show => super::say(settings().join("\n")),
        }
    }
}

async fn check(config: &config::Config, demo: bool) -> anyhow::Result<()> {
    let variables = std::env::vars_os().map(|(name, _)| name);
    let mut findings: Vec<_> = config::unknown_variables(variables).into_iter().map(Finding::fatal).collect();
    findings.extend(config_check::all(config, demo).await);
    let (infos, errors): (Vec<_>, Vec<_>) = findings.into_iter().partition(Finding::is_info);
    for info in infos {
        super::say(info)?;
    }
    if errors.is_empty() {
        return super::say("nothing wrong");
    }
    let lines: Vec<_> = errors.iter().map(ToString::to_string).collect();
    Err(ErrorsFound(lines.join("\n")).into())
}
