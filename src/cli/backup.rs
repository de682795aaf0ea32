//! `kommando backup` and `kommando restore`.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use kommando::{
    app::audit_key::{self, AuditKeyError},
    config::Config,
    error::with_causes,
    executions::audit::{self, Action, Actor, Change, ChangedFields, Subject, SubjectType, Way},
    store::{self, Store, Touched},
};
use sea_orm::DbErr;

use super::{audit_log, operator};

/// May run beside a server: the backup is the database at one moment. Only its owner can read it. It has a MAC made
/// with the audit key, which is not in the backup: keep the key elsewhere.
#[derive(Args)]
pub struct Backup {
    /// File to create
    file: PathBuf,
    /// Replace a file that exists
    #[arg(long)]
    force: bool,
}

/// Stop the server first. Refuses a file that is damaged, was made by a newer kommando or with another audit key, or
/// contains tables, indices, triggers or views that kommando did not create. Migrates an old schema, and records the
/// restoration in the audit chain.
#[derive(Args)]
pub struct Restore {
    /// File that `kommando backup` created
    file: PathBuf,
    /// Replace a database that exists; its content is lost
    #[arg(long)]
    force: bool,
    /// Restore without checking the MAC. Then anyone who could write the file decides who the users are and what they
    /// may do
    #[arg(long)]
    unverified: bool,
}

impl Backup {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        ensure_sqlite(config)?;
        super::must_exist(config)?;
        let store = Store::open(&config.database_url).await?;
        // Read before the copy, which therefore contains it. An old schema may have no chain.
        let head = audit::head(store.reader()).await;
        let differences = store::schema_differences(store.reader()).await.unwrap_or_default();
        store.close().await?;
        let key = match audit_key::load(config) {
            Ok(key) => Some(key),
            Err(AuditKeyError::Missing(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let bar = super::progress_bar(0);
        let mac_of = |manifest: &store::BackupManifest| Some(key?.seal_backup(manifest.signed()));
        let manifest = store::back_up(&config.database_url, &self.file, self.force, mac_of, |done, all| {
            bar.set_length(all);
            bar.set_position(done);
        });
        bar.finish_and_clear();
        let (manifest, size) = (manifest?, std::fs::metadata(&self.file)?.len());
        super::say(format_args!("{}: {size} bytes, schema {}", self.file.display(), manifest.schema))?;
        if manifest.mac.is_none() {
            eprintln!(
                "warning: there is no audit key, so the backup has no MAC and can be restored only with --unverified"
            );
        }
        for difference in differences {
            eprintln!("warning: {difference}; restore refuses the backup because of it");
        }
        if let Ok(head) = head {
            super::say(format_args!("it contains the audit chain up to head {head}, or further"))?;
        }
        let place = audit_key::place(config)?;
        super::say(format_args!("also back up the key of the chain, in another place: {place}"))
    }
}

impl Restore {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        ensure_sqlite(config)?;
        store::BackupManifest::of(&self.file)?;
        let key = match self.unverified {
            true => None,
            false => Some(audit_key::load(config).context(
                "the audit key proves who made a backup; --unverified restores it without the key, see `kommando help \
                 backup`",
            )?),
        };
        let mac_of = key.map(|key| move |manifest: &store::BackupManifest| key.seal_backup(manifest.signed()));
        let mac_of = mac_of.as_ref().map(|mac_of| mac_of as &dyn Fn(&store::BackupManifest) -> String);
        let bar = super::progress_bar(0);
        let restored = store::restore(&config.database_url, &self.file, self.force, mac_of, |done, all| {
            bar.set_length(all);
            bar.set_position(done);
        });
        let manifest = restored.await;
        bar.finish_and_clear();
        let (manifest, database) = (manifest?, store::sqlite_path(&config.database_url)?.unwrap_or_default());
        let store::BackupManifest { program, schema, .. } = manifest;
        super::say(format_args!("{}: restored; made by kommando {program}, schema {schema}", database.display()))?;
        match audit_key::load(config) {
            Ok(_) => {
                record_restoration(config, &self.file, !self.unverified).await?;
                super::say("run `kommando audit verify` to verify its records")
            }
            Err(AuditKeyError::Missing(key)) => super::say(format_args!(
                "the key of its audit chain is missing: put it at {}; the server does not start without it",
                key.display()
            )),
            Err(error) => Err(error.into()),
        }
    }
}

/// Records the restoration in the chain of the restored database, after migrating its schema.
async fn record_restoration(config: &Config, file: &Path, is_verified: bool) -> anyhow::Result<()> {
    let store = super::open(config).await?;
    match audit_log(config, &store).await {
        Ok(audit_log) => {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let fields = ChangedFields::from([("file", name.into()), ("verified", is_verified.into())]);
            let restored = Change::new(Action::BackupRestored, Subject::new(SubjectType::Database, "", ""));
            let restored = restored.fields(ChangedFields::default(), fields);
            let actor = Actor::of(operator::source(Way::CommandLine));
            let record = store.write(move |transaction| {
                Box::pin(async move {
                    audit_log.record(transaction, &actor, vec![restored]).await?;
                    Ok::<_, DbErr>(((), Touched::Nothing))
                })
            });
            record.await?;
        }
        Err(error) => {
            eprintln!("warning: the restoration is not recorded in the audit chain: {}", with_causes(error.as_ref()))
        }
    }
    Ok(store.close().await?)
}

/// Refuses PostgreSQL, which has its own tools for backups.
fn ensure_sqlite(config: &Config) -> anyhow::Result<()> {
    let is_postgres = config.database_url.starts_with("postgres");
    ensure!(!is_postgres, "this command is for SQLite; use pg_dump and pg_restore for PostgreSQL");
    Ok(())
}
