//! `kommando backup` and `kommando restore`.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;
use kommando::{
    app::audit_key::{self, AuditKeyError},
    config::Config,
    records::audit,
    store::{self, Store},
};

/// May run beside a server: the copy is as the database is at one moment. It is for its owner alone to read, since it holds
/// what the database holds, and has a MAC with the key of the audit chain. The key is not in it: keep that elsewhere.
#[derive(Args)]
pub struct Backup {
    /// The file to make
    file: PathBuf,
    /// Put it in the place of a file that is there already
    #[arg(long)]
    force: bool,
}

/// The server must not run. A file is refused that is damaged, was made by a newer kommando, was not made with this audit key,
/// or holds tables, indices, triggers or views that kommando did not make. The schema of an older one is brought up to date
/// at the next start.
#[derive(Args)]
pub struct Restore {
    /// The file that `kommando backup` made
    file: PathBuf,
    /// Put it in the place of a database that is there already, which is then lost
    #[arg(long)]
    force: bool,
    /// Restore it without the audit key, or a file without a MAC, of an older version. Nothing proves then who made it:
    /// whoever could write the file decides who the users are and what they may do
    #[arg(long)]
    unverified: bool,
}

impl Backup {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        ensure_sqlite(config)?;
        super::must_exist(config)?;
        let store = Store::open(&config.database_url).await?;
        // It is in the copy, which is made later. An old schema may have none.
        let head = audit::head(store.reader()).await;
        let differences = store::schema_differences(store.reader()).await.unwrap_or_default();
        store.close().await?;
        let key = match audit_key::load(&config.database_url) {
            Ok(key) => Some(key),
            Err(AuditKeyError::Missing(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let bar = super::progress_bar(0);
        let mac_of = |tag: &store::Tag| Some(key?.seal_backup(tag.signed()));
        let tag = store::back_up(&config.database_url, &self.file, self.force, mac_of, |done, all| {
            bar.set_length(all);
            bar.set_position(done);
        });
        bar.finish_and_clear();
        let (tag, size) = (tag?, std::fs::metadata(&self.file)?.len());
        super::say(format_args!("{}: {size} bytes, schema {}", self.file.display(), tag.schema))?;
        if tag.mac.is_none() {
            eprintln!(
                "warning: there is no audit key here, so the backup has no MAC; restore takes it with --unverified only"
            );
        }
        for difference in differences {
            eprintln!("warning: {difference}; restore refuses the backup because of it");
        }
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
        store::Tag::of(&self.file)?;
        let key = match self.unverified {
            true => None,
            false => Some(audit_key::load(&config.database_url).context(
                "the audit key proves who made a backup; --unverified restores one without it, and `kommando help backup` \
                 tells what that means",
            )?),
        };
        let mac_of = key.map(|key| move |tag: &store::Tag| key.seal_backup(tag.signed()));
        let mac_of = mac_of.as_ref().map(|mac_of| mac_of as &dyn Fn(&store::Tag) -> String);
        let bar = super::progress_bar(0);
        let restored = store::restore(&config.database_url, &self.file, self.force, mac_of, |done, all| {
            bar.set_length(all);
            bar.set_position(done);
        });
        let tag = restored.await;
        bar.finish_and_clear();
        let (tag, database) = (tag?, store::file(&config.database_url)?.unwrap_or_default());
        let store::Tag { program, schema, .. } = tag;
        super::say(format_args!("{}: restored; made by kommando {program}, schema {schema}", database.display()))?;
        match audit_key::load(&config.database_url) {
            Ok(_) => super::say("`kommando audit verify` proves the records in it"),
            Err(AuditKeyError::Missing(key)) => super::say(format_args!(
                "the key of its chain of records is missing: put it at {} before the server starts, which does not start \
                 without it",
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
