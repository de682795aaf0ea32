//! The command line of kommando.

#![warn(clippy::print_stdout)] // println! panics on a closed pipe; use cli::say

mod cli;

use std::{path::PathBuf, process::ExitCode};

use clap::{ArgMatches, Command, CommandFactory, FromArgMatches, Parser, Subcommand};
use kommando::{
    config::{self, Config, SettingsFile},
    error::with_causes,
    telemetry,
};

/// With the system's allocator, an execution takes a fifth more CPU time. mimalloc is built without huge pages
/// (`no_thp`), which would take a dozen megabytes more memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The version, and the commit that was built.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("BUILD_COMMIT"), ")");

/// Self-hosted server that speaks the SuperOffice WebAPI v1: users, and custom commands that can be run on them.
///
/// To try it: kommando serve --demo
#[derive(Parser)]
#[command(version = VERSION, after_help = after_help(), max_term_width = 110, propagate_version = true)]
struct CommandLine {
    #[command(flatten)]
    config: Config,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Serve the API, Swagger UI and the console
    Serve(cli::serve::Serve),
    /// Print the OpenAPI document, or the lines that generate a client from it
    Openapi(cli::openapi::Openapi),
    /// Apply, revert and list database migrations; on SQLite, stop the server first
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
    /// Issue a ticket to a user; may run beside a server
    #[command(subcommand)]
    Ticket(cli::ticket::Ticket),
    /// Add, list and revoke applications; may run beside a server
    #[command(subcommand)]
    App(cli::app::App),
    /// Read, verify and maintain the audit chain of executions and changes
    #[command(subcommand)]
    Audit(cli::audit::Audit),
    /// Create, list and check command definitions, and run commands; may run beside a server
    #[command(subcommand)]
    Commands(cli::commands::Commands),
    /// Back up the SQLite database into a file; may run beside a server
    Backup(cli::backup::Backup),
    /// Restore the database from a backup; stop the server first
    Restore(cli::backup::Restore),
    /// Import users from a CSV or JSON file; may run beside a server
    #[command(subcommand)]
    Import(cli::import::Import),
    /// Export executions as CSV or JSON lines; may run beside a server
    #[command(subcommand)]
    Executions(cli::executions::Executions),
    /// Check settings, definitions, targets and database; may run beside a server
    #[command(subcommand)]
    Config(cli::config::Config),
    /// Ask the server at --listen whether it is ready: exit status 0 if so, else 1
    Healthcheck(cli::healthcheck::Healthcheck),
    /// Print a systemd unit that runs this program
    SystemdUnit(cli::systemd_unit::SystemdUnit),
    /// Print a completion script for a shell
    Completions(cli::completions::Completions),
    /// Write manual pages into a folder
    #[command(hide = true)]
    Man(cli::man::Man),
}

impl Action {
    fn uses_database(&self) -> bool {
        use Action::{Completions, Config, Healthcheck, Man, Openapi, SystemdUnit};
        !matches!(self, Completions(_) | Config(_) | Healthcheck(_) | Man(_) | Openapi(_) | SystemdUnit(_))
    }
}

fn after_help() -> String {
    format!(
        "Settings: `kommando serve --help` lists them with their variables; every command takes them.\n\
         Topics of `kommando help TOPIC`:\n{}",
        cli::help::topic_list()
    )
}

/// The command line, with a help that shows each subcommand's own options, and with the values of the settings file as
/// defaults.
fn command_line(file: Option<&SettingsFile>) -> Command {
    cli::settings::prepare(CommandLine::command(), file)
}

/// The settings and what to do, as given by flags, variables and the settings file.
struct Parsed {
    config: Config,
    action: Action,
    matches: ArgMatches,
    file: Option<SettingsFile>,
}

/// Exits when the command line cannot be read or asks for help.
///
/// # Errors
/// The settings file cannot be used, or the URL of the database is set twice.
fn parse() -> anyhow::Result<Parsed> {
    let mut matches = command_line(None).get_matches();
    let file = matches.get_one::<PathBuf>("config").map(|path| SettingsFile::read(path)).transpose()?;
    if file.is_some() {
        matches = command_line(file.as_ref()).get_matches();
    }
    let parsed = CommandLine::from_arg_matches(&matches);
    let CommandLine { config, action } = parsed.unwrap_or_else(|error| error.format(&mut command_line(None)).exit());
    let config = cli::settings::choose_database_url(config, &matches, file.as_ref())?;
    Ok(Parsed { config, action, matches, file })
}

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let end = match cli::help::answer(&words, command_line(None)) {
        Ok(Some(text)) => cli::write(text),
        Ok(None) => match parse() {
            Ok(parsed) => run(parsed).await,
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    };
    match end {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<cli::OutputClosed>() => ExitCode::SUCCESS,
        Err(error) if error.is::<cli::commands::ErrorsFound>() => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {}", with_causes(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn run(Parsed { mut config, action, matches, file }: Parsed) -> anyhow::Result<()> {
    #[cfg(feature = "failpoints")]
    let _armed = fail::FailScenario::setup();
    // `config check` reports these errors itself, with all others.
    if !matches!(action, Action::Config(cli::config::Config::Check { .. })) {
        config::check_variables(std::env::vars_os().map(|(name, _)| name))?;
    }
    if !matches!(action, Action::Config(_)) {
        telemetry::start(&config)?;
    }
    if action.uses_database() {
        config = config.with_database_url_of_file()?;
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
        Action::Config(words) => words.run(&config, || cli::settings::show(&config, &matches, file.as_ref())).await,
        Action::Healthcheck(healthcheck) => healthcheck.run(&config).await,
        Action::SystemdUnit(unit) => unit.run(),
        Action::Completions(completions) => completions.run(CommandLine::command()),
        Action::Man(man) => man.run(command_line(None)),
    }
}
