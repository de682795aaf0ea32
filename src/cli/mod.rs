//! The subcommands of the command line.

pub mod app;
pub mod audit;
pub mod backup;
pub mod commands;
pub mod completions;
pub mod config;
pub mod executions;
pub mod group;
pub mod healthcheck;
pub mod help;
pub mod import;
pub mod man;
pub mod migrate;
pub mod openapi;
mod operator;
pub mod role;
pub mod serve;
pub mod settings;
pub mod systemd_unit;
pub mod ticket;
pub mod user;

use std::io::{IsTerminal, Write, stderr, stdin, stdout};

use anyhow::{Context, ensure};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use kommando::{
    app::prepare_database,
    config::Config,
    executions::audit::AuditLog,
    store::{self, Store, WriteTransaction},
    users,
};
use sea_orm::ConnectionTrait;

/// Prints a line.
///
/// # Errors
/// [`OutputClosed`] if the output is a closed pipe, which ends the command without a failure.
fn say(line: impl std::fmt::Display) -> anyhow::Result<()> {
    write(format_args!("{line}\n"))
}

/// Prints a text without a line end.
pub fn write(text: impl std::fmt::Display) -> anyhow::Result<()> {
    write!(stdout(), "{text}").map_err(|error| match error.kind() {
        std::io::ErrorKind::BrokenPipe => OutputClosed.into(),
        _ => error.into(),
    })
}

/// Asks a question on the terminal; true if the answer is yes.
///
/// # Errors
/// There is no terminal to ask on.
fn confirm(question: &str) -> anyhow::Result<bool> {
    ensure!(stdin().is_terminal(), "there is no terminal to confirm on; add --yes");
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

/// A progress bar on a terminal; hidden elsewhere.
fn progress_bar(all: u64) -> ProgressBar {
    let target = if stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template("{wide_bar} {human_pos}/{human_len} {eta}");
    ProgressBar::with_draw_target(Some(all), target).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// The reader of the output has closed it.
#[derive(Debug, thiserror::Error)]
#[error("the output was closed")]
pub struct OutputClosed;

/// Fails if there is no database, so that a command that needs data does not create an empty one.
fn must_exist(config: &Config) -> anyhow::Result<()> {
    let Some(file) = store::sqlite_path(&config.database_url)? else { return Ok(()) };
    ensure!(
        file.exists(),
        "there is no database at {}; create it with `kommando migrate up` or `kommando serve`, or name another with \
         --database-url",
        file.display()
    );
    Ok(())
}

/// Opens the database, which must exist.
async fn open_existing(config: &Config) -> anyhow::Result<Store> {
    must_exist(config)?;
    open(config).await
}

/// Opens the database, and creates it if it is missing.
async fn open(config: &Config) -> anyhow::Result<Store> {
    let store = Store::open(&config.database_url).await?;
    store.ensure_schema(config.migrate).await?;
    Ok(store)
}

/// The audit log of the database, in which every change by the command line is recorded.
async fn audit_log(config: &Config, store: &Store) -> anyhow::Result<AuditLog> {
    Ok(AuditLog::new(prepare_database(store, config).await?))
}

/// Finds the user with this name.
async fn find_user(db: &impl ConnectionTrait, name: &str) -> anyhow::Result<users::User> {
    let found = users::find_by_login(db, name).await?;
    found.with_context(|| format!("there is no user {name}; `kommando user list` shows them"))
}

/// Finds the user with this name, and locks the row until the transaction ends.
async fn hold_user(transaction: &WriteTransaction, name: &str) -> anyhow::Result<users::User> {
    let id = find_user(transaction, name).await?.user.id;
    users::lock(transaction, id).await?;
    users::find(transaction, id).await?.with_context(|| format!("the user {name} no longer exists"))
}
