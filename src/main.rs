//! The command line.

#![warn(clippy::print_stdout)] // it panics when nobody reads; cli::say does not

mod cli;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use kommando::{
    config::{self, Config},
    telemetry,
};

/// A self-hosted server for users and the custom commands that can be run on them, compatible on the wire with the
/// User resource of the SuperOffice WebAPI v1.
///
/// To see it work: kommando serve --demo
#[derive(Parser)]
#[command(version, after_help = after_help(), max_term_width = 110, propagate_version = true)]
struct CommandLine {
    #[command(flatten)]
    config: Config,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Serve the API, with Swagger UI at /docs
    Serve(cli::serve::Serve),
    /// Print the OpenAPI document; needs no database
    Openapi(cli::openapi::Openapi),
    /// Bring the database's schema up to date, or back
    #[command(subcommand)]
    Migrate(cli::migrate::Migrate),
    /// Add, list and change users
    #[command(subcommand)]
    User(cli::user::User),
    /// Issue tickets
    #[command(subcommand)]
    Ticket(cli::ticket::Ticket),
    /// Add, list and revoke applications
    #[command(subcommand)]
    App(cli::app::App),
    /// Prove that the records of executions were not changed
    #[command(subcommand)]
    Audit(cli::audit::Audit),
    /// Check command definitions, and run commands
    #[command(subcommand)]
    Commands(cli::commands::Commands),
}

fn after_help() -> String {
    let secrets = config::SECRETS.map(|(name, meaning)| format!("  {name}, or {name}_FILE\n      {meaning}\n"));
    format!("Secrets, taken from the environment only:\n{}", secrets.concat())
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(CommandLine::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<cli::OutputClosed>() => ExitCode::SUCCESS,
        Err(error) if error.is::<cli::commands::FaultsFound>() => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(CommandLine { config, action }: CommandLine) -> anyhow::Result<()> {
    #[cfg(feature = "failpoints")]
    let _armed = fail::FailScenario::setup();
    config::check_variables(std::env::vars_os().map(|(name, _)| name))?;
    telemetry::start(&config)?;
    match action {
        Action::Serve(serve) => serve.run(config).await,
        Action::Openapi(openapi) => openapi.run(),
        Action::Migrate(migrate) => migrate.run(&config).await,
        Action::User(user) => user.run(&config).await,
        Action::Ticket(ticket) => ticket.run(&config).await,
        Action::App(app) => app.run(&config).await,
        Action::Audit(audit) => audit.run(&config).await,
        Action::Commands(commands) => commands.run(&config).await,
    }
}
