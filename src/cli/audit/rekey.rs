//! `kommando audit rekey`.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use kommando::{
    app::audit_key::{self, KeyPlace},
    config::Config,
    executions::audit::{self, AuditKey, FormerEntries, KeyCheck},
    store::{FileLock, Store},
};

use crate::cli;

#[derive(Args)]
pub struct Rekey {
    /// File with the new key, at least 32 bytes; only its owner may read it. `openssl rand -hex 32` makes a key
    #[arg(long, value_name = "FILE")]
    new_key_file: PathBuf,
    /// File with the key of the chain [default: the key of KOMMANDO_AUDIT_KEY, or the file beside the database]
    #[arg(long, value_name = "FILE")]
    former_key_file: Option<PathBuf>,
}

impl Rekey {
    pub async fn run(self, store: &Store, config: &Config) -> anyhow::Result<()> {
        let _lock = FileLock::of_url(&config.database_url).await?;
        let (new, place) = (audit_key::read_new(&self.new_key_file)?, audit_key::place(config)?);
        // After an interruption, only the file is left to replace.
        if let KeyCheck::Known { first } = audit::check_key(store.reader(), &new).await? {
            cli::say("the chain already has this key")?;
            return put_in_place(&place, &self.new_key_file, &new, first);
        }
        let former = match &self.former_key_file {
            Some(file) => audit_key::read(file)?,
            None => audit_key::load(config)?,
        };
        ensure!(
            matches!(audit::check_key(store.reader(), &former).await?, KeyCheck::Known { .. }),
            "this is not the key of the audit chain; give the file with the key to --former-key-file"
        );
        let bar = cli::progress_bar(audit::count(store.reader()).await?);
        let changed = audit::change_key(store, &former, &new, &super::actor(), |more| bar.inc(more)).await;
        bar.finish_and_clear();
        let (FormerEntries { count, head }, unreadable) = changed?;
        cli::say(format_args!(
            "{count} entries were verified, up to head {head}; the chain continues with the new key"
        ))?;
        if unreadable > 0 {
            eprintln!(
                "warning: {unreadable} stored secrets cannot be read, and stay as they are; the log names their ids, see \
                 `kommando help secrets`"
            );
        }
        put_in_place(&place, &self.new_key_file, &new, head.position + 1)
    }
}

/// Replaces the key file beside an SQLite database, or says what to do elsewhere. The new key makes the entries from the
/// position `first` on.
fn put_in_place(place: &KeyPlace, new_key_file: &Path, new: &AuditKey, first: i64) -> anyhow::Result<()> {
    match place {
        KeyPlace::DefaultFile(file) => {
            let is_there = audit_key::read(file).is_ok_and(|key| key.is_same(new));
            if is_there {
                return cli::say(format_args!("{} has it", file.display()));
            }
            let former = audit_key::replace_file(file, new_key_file, first)
                .with_context(|| format!("failed to replace {}; run this again", file.display()))?;
            let (file, former) = (file.display(), former.display());
            cli::say(format_args!("{file} has the new key; the former one, for old backups, is {former}"))?;
            cli::say(format_args!(
                "back up the new key, in another place than the database; {} is not needed here any more",
                new_key_file.display()
            ))
        }
        KeyPlace::NamedFile(_) => cli::say(
            "servers take the new key from the file of KOMMANDO_AUDIT_KEY_FILE when they write; put it there now if it is \
             not there yet",
        ),
        KeyPlace::Variable => cli::say(
            "servers with KOMMANDO_AUDIT_KEY_FILE take the new key from there when they write; set KOMMANDO_AUDIT_KEY to the \
             new key where it is used, and restart those servers",
        ),
    }
}
