//! `kommando executions`.

use std::io::{IsTerminal, stderr, stdout};

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand, ValueEnum};
use indicatif::ProgressBar;
use kommando::{
    api::export::{self, Form, Names},
    config::Config,
    localization::{Clock, Language, Locale, Wishes, Zone},
    records::execution::{self, Filter, Outcome},
    store::Store,
};
use sea_orm::ActiveEnum;

/// How many are read at once.
const PAGE: u64 = 1000;

#[derive(Subcommand)]
pub enum Executions {
    /// Write executions to standard output, newest first: all that the options let through
    Export(Export),
}

#[derive(Args)]
pub struct Export {
    /// A table for people and spreadsheets, with names beside ids, or a JSON object on each line
    #[arg(long, value_name = "csv|jsonl")]
    format: Format,
    /// The language of messages, such as nb [default: en for csv; for jsonl, every language that was stored]
    #[arg(long, value_name = "LANGUAGE", value_parser = language)]
    language: Option<Language>,
    /// The user they were about: Name or UserName
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// The command's name
    #[arg(long, value_name = "NAME")]
    command: Option<String>,
    /// The user who called: Name or UserName
    #[arg(long, value_name = "NAME")]
    caller: Option<String>,
    /// What came of them: asked, declined, denied, succeeded, failed, running or unknown
    #[arg(long, value_parser = outcome)]
    outcome: Option<Outcome>,
    /// Began at this time or later, such as 2026-11-23T14:52:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<DateTime<Utc>>,
    /// Began before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Csv,
    Jsonl,
}

fn outcome(text: &str) -> Result<Outcome, String> {
    let unknown = || format!("`{text}` is none of asked, declined, denied, succeeded, failed, running and unknown");
    Outcome::try_from_value(&text.to_lowercase()).map_err(|_| unknown())
}

fn language(text: &str) -> Result<Language, String> {
    Language::from_iso(text).ok_or_else(|| format!("`{text}` is none of {}", Language::known_iso_codes()))
}

/// As over HTTP: without a time zone in UTC, and a day alone is its beginning.
fn time(text: &str) -> Result<DateTime<Utc>, String> {
    let clock = Clock::of(Zone::utc());
    clock.read(text).ok_or_else(|| format!("`{text}` is no time such as 2026-11-23T14:52:00Z"))
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
        let form = match self.format {
            Format::Csv => Form::Table,
            Format::Jsonl => Form::Lines,
        };
        let language = self.language.or((form == Form::Table).then_some(Language::US));
        let any = Locale::new(Wishes::default(), &Zone::utc())?;
        let locale = language.map(|language| any.in_language(language));
        let mut filter = Filter {
            user_id: user_id(store, self.user.as_deref()).await?,
            command_name: self.command,
            caller_id: user_id(store, self.caller.as_deref()).await?,
            outcome: self.outcome,
            from: self.from,
            to: self.to,
            older_than: None,
        };
        // Between the lines on a terminal, a bar would only disturb.
        let is_seen = stderr().is_terminal() && !stdout().is_terminal();
        let bar = if is_seen {
            super::progress_bar(execution::count(store.reader(), &filter).await?)
        } else {
            ProgressBar::hidden()
        };
        let head = export::head(form);
        if !head.is_empty() {
            super::write(&head)?;
        }
        loop {
            let page = execution::list(store.reader(), filter.clone(), PAGE).await?;
            let (read, last) = (page.len() as u64, page.last().map(|last| last.id));
            let names = match form {
                Form::Table => Names::of(store.reader(), &page, |_| true).await?,
                Form::Lines => Names::default(),
            };
            let lines = page.into_iter().map(|one| export::line(form, one, &names, locale.as_ref()));
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

async fn user_id(store: &Store, name: Option<&str>) -> anyhow::Result<Option<i32>> {
    Ok(match name {
        Some(name) => Some(super::find_user(store.reader(), name).await?.user.id),
        None => None,
    })
}
