//! `kommando audit export`.

use chrono::{DateTime, Utc};
use clap::Args;
use kommando::{
    api::export::{self, DisplayNames},
    executions::audit::{Action, Record, SubjectType, Way, change::ChangeFilter, trail},
    store::Store,
};
use sea_orm::{ActiveEnum, Iterable};

use crate::cli::{
    self,
    executions::{Format, time, user_id},
};

/// Number of records read by one query.
const PAGE: u64 = 1000;

#[derive(Args)]
pub struct Export {
    /// Format: a table for spreadsheets, or one JSON object per line
    #[arg(long, value_name = "csv|jsonl")]
    format: Format,
    /// Only what this user did: Name or UserName
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Only what was done to this user: Name or UserName
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Only this action, such as user.deactivated or command.executed
    #[arg(long, value_parser = word::<Action>)]
    action: Option<Action>,
    /// Only by this way: rest, agent, console, command_line, import, identity_provider or system
    #[arg(long, value_parser = word::<Way>)]
    way: Option<Way>,
    /// Only from this time on, such as 2026-11-23T14:52:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<DateTime<Utc>>,
    /// Only before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<DateTime<Utc>>,
}

/// Parses one of the words of an enum, in any case.
fn word<E: ActiveEnum<Value = String> + Iterable>(text: &str) -> Result<E, String> {
    E::try_from_value(&text.to_lowercase()).map_err(|_| {
        let known: Vec<_> = E::iter().map(|known| known.to_value()).collect();
        format!("`{text}` must be one of {}", known.join(", "))
    })
}

impl Export {
    pub async fn write(self, store: &Store) -> anyhow::Result<()> {
        let format = self.format.into();
        let subject = user_id(store, self.user.as_deref()).await?.map(|id| (SubjectType::User, id.to_string()));
        let mut filter = ChangeFilter {
            actor_id: user_id(store, self.actor.as_deref()).await?,
            subject,
            action: self.action,
            way: self.way,
            from: self.from,
            to: self.to,
            ..ChangeFilter::default()
        };
        let head = export::head_of_records(format);
        if !head.is_empty() {
            cli::write(&head)?;
        }
        let applications = DisplayNames::of_applications(store.reader()).await?;
        loop {
            let page = trail::list(store.reader(), &filter, PAGE).await?;
            let (read, last) = (page.len() as u64, page.last().map(Record::id));
            let users = export::user_names(store.reader(), &page, |_| true).await?;
            let lines = page.into_iter().map(|one| export::record_line(format, one, None, &users, &applications));
            cli::write(lines.collect::<String>())?;
            if read < PAGE {
                return Ok(());
            }
            filter.older_than = last;
        }
    }
}
