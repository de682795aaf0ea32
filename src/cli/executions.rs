//! `kommando executions`.

use std::io::{IsTerminal, stderr, stdout};

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand, ValueEnum};
use indicatif::ProgressBar;
use kommando::{
    api::export::{self, DisplayNames, ExportFormat},
    config::Config,
    executions::execution::{self, ExecutionFilter, Outcome},
    localization::{Clock, Language, Locale, LocalePreferences, Zone},
    store::Store,
};
use sea_orm::ActiveEnum;

/// Number of executions read by one query.
const PAGE: u64 = 1000;

#[derive(Subcommand)]
pub enum Executions {
    /// Write executions to standard output, newest first
    Export(Export),
}

#[derive(Args)]
pub struct Export {
    /// Format: a table for spreadsheets with names beside ids, or one JSON object per line
    #[arg(long, value_name = "csv|jsonl")]
    format: Format,
    /// Language of messages, such as nb [default: en for csv, all stored languages for jsonl]
    #[arg(long, value_name = "LANGUAGE", value_parser = language)]
    language: Option<Language>,
    /// Only executions on this user: Name or UserName
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Only executions of this command
    #[arg(long, value_name = "NAME")]
    command: Option<String>,
    /// Only executions by this caller: Name or UserName
    #[arg(long, value_name = "NAME")]
    caller: Option<String>,
    /// Only this outcome: asked, declined, denied, succeeded, failed, running or unknown
    #[arg(long, value_parser = outcome)]
    outcome: Option<Outcome>,
    /// Only executions that began at this time or later, such as 2026-11-23T14:52:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<DateTime<Utc>>,
    /// Only executions that began before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Format {
    Csv,
    Jsonl,
}

impl From<Format> for ExportFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Csv => Self::Csv,
            Format::Jsonl => Self::JsonLines,
        }
    }
}

fn outcome(text: &str) -> Result<Outcome, String> {
    let unknown = || format!("`{text}` must be one of asked, declined, denied, succeeded, failed, running, unknown");
    Outcome::try_from_value(&text.to_lowercase()).map_err(|_| unknown())
}

fn language(text: &str) -> Result<Language, String> {
    Language::from_iso(text).ok_or_else(|| format!("`{text}` must be one of {}", Language::known_iso_codes()))
}

/// Reads a time as the API does: without a time zone it is in UTC, and a date alone means its midnight.
pub fn time(text: &str) -> Result<DateTime<Utc>, String> {
    let clock = Clock::of(Zone::utc());
    clock.read(text).ok_or_else(|| format!("`{text}` is not a time such as 2026-11-23T14:52:00Z"))
}

impl Executions {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        let Self::Export(export) = self;
        let store = super::open_existing(config).await?;
        export.write(&store).await?;
        Ok(store.close().await?)
    }
}

impl Export {
    async fn write(self, store: &Store) -> anyhow::Result<()> {
        let format: ExportFormat = self.format.into();
        let language = self.language.or((format == ExportFormat::Csv).then_some(Language::US));
        let any = Locale::new(LocalePreferences::default(), &Zone::utc())?;
        let locale = language.map(|language| any.in_language(language));
        let mut filter = ExecutionFilter {
            user_id: user_id(store, self.user.as_deref()).await?,
            command_name: self.command,
            caller_id: user_id(store, self.caller.as_deref()).await?,
            outcome: self.outcome,
            from: self.from,
            to: self.to,
            ..ExecutionFilter::default()
        };
        // If the output goes to the terminal, a progress bar would mix with it.
        let is_seen = stderr().is_terminal() && !stdout().is_terminal();
        let bar = if is_seen {
            super::progress_bar(execution::count(store.reader(), &filter).await?)
        } else {
            ProgressBar::hidden()
        };
        let head = export::head_of_executions(format);
        if !head.is_empty() {
            super::write(&head)?;
        }
        loop {
            let page = execution::list(store.reader(), filter.clone(), PAGE).await?;
            let (read, last) = (page.len() as u64, page.last().map(|last| last.id));
            let names = match format {
                ExportFormat::Csv => DisplayNames::of(store.reader(), &page, |_| true).await?,
                ExportFormat::JsonLines => DisplayNames::default(),
            };
            let lines = page.into_iter().map(|one| export::line(format, one, &names, locale.as_ref()));
            super::write(lines.collect::<String>())?;
            bar.inc(read);
            if read < PAGE {
                bar.finish_and_clear();
                return Ok(());
            }
            filter.older_than = last;
        }
    }
}

pub async fn user_id(store: &Store, name: Option<&str>) -> anyhow::Result<Option<i32>> {
    Ok(match name {
        Some(name) => Some(super::find_user(store.reader(), name).await?.user.id),
        None => None,
    })
}
