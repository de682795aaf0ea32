//! `kommando backup` and `kommando restore`.

use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;
use kommando::{
    app::audit_key::{self, AuditKeyError},
    config::Config,
    records::audit,
    store::{self, Store},
};

/// The server may go on meanwhile: the copy is as the database is at one moment. It is for its owner alone to read, since
/// it holds what the database holds. The key of the audit chain is not in it: keep that elsewhere.
#[derive(Args)]
pub struct Backup {
    /// The file to make
    file: PathBuf,
    /// Put it in the place of a file that is there already
    #[arg(long)]
    force: bool,
}

/// The server must not run. A file that is damaged, or was made by a newer kommando, is refused; the schema of an older one
/// is brought up to date at the next start.
#[derive(Args)]
pub struct Restore {
    /// The file that `kommando backup` made
    file: PathBuf,
    /// Put it in the place of a database that is there already, which is then lost
    #[arg(long)]
    force: bool,
}

impl Backup {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        ensure_sqlite(config)?;
        super::must_exist(config)?;
        let store = Store::open(&config.database_url).await?;
        // It is in the copy, which is made later. An old schema may have none.
        let head = audit::head(store.reader()).await;
        store.close().await?;
        let bar = super::progress_bar(0);
        let tag = store::back_up(&config.database_url, &self.file, self.force, |done, all| {
            bar.set_length(all);
            bar.set_position(done);
        });
        bar.finish_and_clear();
        let (tag, size) = (tag?, std::fs::metadata(&self.file)?.len());
        super::say(format_args!("{}: {size} bytes, schema {}", self.file.display(), tag.schema))?;
        if let Ok(head) = head {
            super::say(format_args!("the chain of records in it goes to head {head}, or beyond"))?;
        }
        super::say(match audit_key::place(&config.database_url)? {
            Some(key) => format!("keep the key of that chain, too, but elsewhere: {}", key.display()),
            None => "keep the key of that chain, too, but elsewhere: it is the secret KOMMANDO_AUDIT_KEY".to_owned(),
        })
    }
}

impl Restore {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        ensure_sqlite(config)?;
        let bar = super::progress_bar(0);
        let tag = store::restore(&config.database_url, &self.file, self.force, |done, all| {
            bar.set_length(all);
            bar.set_position(done);
        });
        bar.finish_and_clear();
        let (tag, database) = (tag?, store::file(&config.database_url)?.unwrap_or_default());
        let store::Tag { program, schema, .. } = tag;
        super::say(format_args!("{}: restored; made by kommando {program}, schema {schema}", database.display()))?;
        match audit_key::load(&config.database_url) {
            Ok(_) => super::say("`kommando audit verify` proves the records in it"),
            Err(AuditKeyError::Missing(key)) => super::say(format_args!(
                "the key of its chain of records is missing: put it at {} before the server starts, which makes another \
                 key otherwise, and the records can no longer be proven",
                key.display()
            )),
            Err(error) => Err(error.into()),
        }
    }
}

/// PostgreSQL has tools of its own for this.
fn ensure_sqlite(config: &Config) -> anyhow::Result<()> {
    let is_postgres = config.database_url.starts_with("postgres");
    ensure!(
        !is_postgres,
        "this is for SQLite; a PostgreSQL database is backed up by pg_dump and restored by pg_restore"
    );
    Ok(())
}
