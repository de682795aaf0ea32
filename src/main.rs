//! The command line.

#![warn(clippy::print_stdout)] // it panics when nobody reads; cli::say does not

mod cli;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use kommando::{
    config::{self, Config},
    telemetry,
};

/// An execution costs a fifth more of the processor with the allocator of the system. Its pages are small (`no_thp`): with
/// huge ones it holds a dozen megabytes more that nobody uses.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    /// Serve the API, with Swagger UI at /docs; an SQLite file is served by one process
    Serve(cli::serve::Serve),
    /// Print the OpenAPI document; needs no database
    Openapi(cli::openapi::Openapi),
    /// Bring the database's schema up to date, or back; on SQLite, the server must not run
    #[command(subcommand)]
    Migrate(cli::migrate::Migrate),
    /// Add, list and change users; may run beside a server
    #[command(subcommand)]
    User(cli::user::User),
    /// Add, list and rename groups; may run beside a server
    #[command(subcommand)]
    Group(cli::group::Group),
    /// List roles; may run beside a server
    #[command(subcommand)]
    Role(cli::role::Role),
    /// Issue tickets; may run beside a server
    #[command(subcommand)]
    Ticket(cli::ticket::Ticket),
    /// Add, list and revoke applications; may run beside a server
    #[command(subcommand)]
    App(cli::app::App),
    /// Prove that the records of executions were not changed; may run beside a server
    #[command(subcommand)]
    Audit(cli::audit::Audit),
    /// Begin, list and check command definitions, and run commands; may run beside a server
    #[command(subcommand)]
    Commands(cli::commands::Commands),
    /// Copy the database into a file; may run beside a server
    Backup(cli::backup::Backup),
    /// Put a file that `backup` made in the place of the database; the server must not run
    Restore(cli::backup::Restore),
    /// Take users from a file; may run beside a server
    #[command(subcommand)]
    Import(cli::import::Import),
    /// Write the records of executions; may run beside a server
    #[command(subcommand)]
    Executions(cli::executions::Executions),
    /// Check the settings; may run beside a server
    #[command(subcommand)]
    Config(cli::config::Config),
    /// Ask the server on the address of --listen whether it can serve: exit status 0 if so, else 1
    Healthcheck(cli::healthcheck::Healthcheck),
    /// Print a systemd unit that runs this program
    SystemdUnit(cli::systemd_unit::SystemdUnit),
    /// Print what a shell needs to complete this command line
    Completions(cli::completions::Completions),
}

fn after_help() -> String {
    let secrets = config::SECRETS.map(|(name, meaning)| format!("  {name}, or {name}_FILE\n      {meaning}\n"));
    format!(
        "Secrets, taken from the environment only:\n{}\nTopics of `kommando help TOPIC`:\n  {}\n",
        secrets.concat(),
        cli::help::names()
    )
}

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let end = match cli::help::answer(&words, CommandLine::command()) {
        Ok(Some(text)) => cli::write(text),
        Ok(None) => run(CommandLine::parse()).await,
        Err(error) => Err(error),
    };
    match end {
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
    // A check tells of all faults by itself, a line each.
    if !matches!(action, Action::Config(_)) {
        config::check_variables(std::env::vars_os().map(|(name, _)| name))?;
        telemetry::start(&config)?;
    }
    match action {
        Action::Serve(serve) => serve.run(config).await,
        Action::Openapi(openapi) => openapi.run(),
        Action::Migrate(migrate) => migrate.run(&config).await,
        Action::User(user) => user.run(&config).await,
        Action::Group(group) => group.run(&config).await,
        Action::Role(role) => role.run(&config).await,
        Action::Ticket(ticket) => ticket.run(&config).await,
        Action::App(app) => app.run(&config).await,
        Action::Audit(audit) => audit.run(&config).await,
        Action::Commands(commands) => commands.run(&config).await,
        Action::Backup(backup) => backup.run(&config).await,
        Action::Restore(restore) => restore.run(&config).await,
        Action::Import(import) => import.run(&config).await,
        Action::Executions(executions) => executions.run(&config).await,
        Action::Config(words) => words.run(&config).await,
        Action::Healthcheck(healthcheck) => healthcheck.run(&config).await,
        Action::SystemdUnit(unit) => unit.run(),
        Action::Completions(completions) => completions.run(CommandLine::command()),
    }
}
