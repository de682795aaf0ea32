//! `kommando config`.

use clap::Subcommand;
use kommando::{
    app::check::{self, Finding},
    config,
};

use super::commands::FaultsFound;

#[derive(Subcommand)]
pub enum Config {
    /// Check settings, secrets, definitions, targets and the database: a line per fault, and exit status 1
    ///
    /// Whatever keeps `serve` from starting is among them. Nothing is changed or made, and no target is called. Run it with
    /// the settings of the server, before the server is started with them.
    Check {
        /// Check what `serve --demo` would use
        #[arg(long)]
        demo: bool,
    },
}

impl Config {
    pub async fn run(self, config: &config::Config) -> anyhow::Result<()> {
        let Self::Check { demo } = self;
        let variables = std::env::vars_os().map(|(name, _)| name);
        let mut findings: Vec<_> = config::unknown_variables(variables).into_iter().map(Finding::refusal).collect();
        findings.extend(check::all(config, demo).await);
        let (remarks, faults): (Vec<_>, Vec<_>) = findings.into_iter().partition(Finding::is_remark);
        for remark in remarks {
            super::say(remark)?;
        }
        if faults.is_empty() {
            return super::say("nothing wrong");
        }
        let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
        Err(FaultsFound(lines.join("\n")).into())
    }
}
