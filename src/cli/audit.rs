//! `kommando audit`.

mod export;
mod tail;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use chrono::SecondsFormat;
use clap::{Subcommand, ValueEnum, builder::NonEmptyStringValueParser};
use kommando::{
    app::audit_key::{self, KeyPlace},
    config::Config,
    executions::{
        audit::{
            self, Action, Actor, Anchor, AuditKey, AuditLog, Change, ChangedFields, FormerEntries, Head, KeyCheck,
            OldRecords, Sealed, Subject, SubjectType, Unsealed, Way, change,
        },
        retention::{self, Horizons, Retention},
    },
    store::{self, FileLock, Store, Touched},
};

use self::{export::Export, tail::Tail};
use super::operator;

#[derive(Subcommand)]
pub enum Audit {
    /// Verify that no audit record was changed, removed or inserted
    ///
    /// Checks the chain with the key of KOMMANDO_AUDIT_KEY, or of the file beside the database. Prints the head of the
    /// chain, or names the first invalid entry. If records at the end were removed, the shorter chain is still valid:
    /// note the head and give it to --expect the next time. Also checks the seals of running executions and pending
    /// webhooks, and names triggers and views in an SQLite database that kommando did not create. May run beside a
    /// server.
    Verify {
        /// Head printed before, which the chain must still contain
        #[arg(long, value_name = "HEAD")]
        expect: Option<Head>,
        /// File with the key from before the last change of the key: also check that it sealed the change
        #[arg(long, value_name = "FILE")]
        former_key_file: Option<PathBuf>,
    },
    /// Write the audit records to standard output, newest first: who did what, by what way
    Export(Export),
    /// Write the audit records as JSON lines in the order of the chain, oldest first, for a log collector
    ///
    /// Each line has its `position` in the chain. With --position-file, the next start continues after the last line
    /// that was written. After a crash, the last lines may come again, with the same positions. An entry whose
    /// record was removed after its retention has `"removed": true` instead.
    Tail(Tail),
    /// Remove old audit records, once; with KOMMANDO_RETENTION the server does it
    ///
    /// The chain then begins with the oldest record that is kept, and can be verified from there. Fails at an
    /// invalid record; that record and all later ones are kept. May run beside a server.
    Cut {
        /// Age from which records are removed, such as 365d, at least 2d
        #[arg(long, value_name = "LENGTH")]
        older_than: Retention,
        /// Remove only records of this kind; the others are kept
        #[arg(long, value_name = "KIND")]
        only: Option<Kind>,
    },
    /// Continue the chain with another key
    ///
    /// Verifies the chain, then writes an entry that both keys seal. The entries from before can be verified with the new
    /// key alone, and cannot be changed with the former key any more. The key file beside an SQLite database is replaced;
    /// stop its server first. With PostgreSQL, servers go on: put the new key into the file of KOMMANDO_AUDIT_KEY_FILE on
    /// each of them, then run this with --former-key-file. A server takes the new key when it meets the entry; until it
    /// has it, its writes are answered with 503.
    Rekey {
        /// File with the new key, at least 32 bytes; only its owner may read it. `openssl rand -hex 32` makes a key
        #[arg(long, value_name = "FILE")]
        new_key_file: PathBuf,
        /// File with the key of the chain [default: the key of KOMMANDO_AUDIT_KEY, or the file beside the database]
        #[arg(long, value_name = "FILE")]
        former_key_file: Option<PathBuf>,
    },
    /// Begin the chain anew after its key was lost
    ///
    /// Closes the entries that exist: that they were not changed before this moment cannot be proven any more, but a
    /// change after it is found. The chain continues with the key of KOMMANDO_AUDIT_KEY, or of the file beside the
    /// database, which is created if it is missing. Its first entry has the reason, and the number and the head of the
    /// closed entries; `kommando audit verify` reports both parts. Running executions and webhooks lose their seals: see
    /// `kommando audit seal --help`. Stop all servers first.
    BeginAnew {
        /// Why the key is lost, for the record
        #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
        reason: String,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
        /// Remove all executions and changes of the old chain, for a chain that is not in order even without its key
        #[arg(long)]
        discard: bool,
    },
    /// List running executions and pending webhooks without a seal, and seal them with --yes
    ///
    /// Such rows were written by an older version, or inserted into the database without the key. The server neither
    /// closes nor sends them. Once sealed, they count as written by the server: look at each of them first. May run
    /// beside a server.
    Seal {
        /// Seal what is listed
        #[arg(long)]
        yes: bool,
    },
}

/// A kind of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    Executions,
    Changes,
}

impl Audit {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        let store = super::open_existing(config).await?;
        let key = async || {
            let key = audit_key::load(&config.database_url)?;
            audit_key::check(store.reader(), &key, &config.database_url).await?;
            anyhow::Ok(key)
        };
        let actor = Actor::of(operator::source(Way::CommandLine));
        match self {
            Self::Export(export) => export.write(&store).await?,
            Self::Tail(tail) => tail.write(&store).await?,
            Self::Verify { expect, former_key_file } => {
                let former = former_key_file.as_deref().map(audit_key::read).transpose()?;
                verify(&store, &key().await?, expect.as_ref(), former.as_ref()).await?;
            }
            Self::Cut { older_than, only } => {
                let (mut removed, horizon) = (0, Some(older_than.horizon()));
                let horizons = Horizons {
                    executions: horizon.filter(|_| only != Some(Kind::Changes)),
                    changes: horizon.filter(|_| only != Some(Kind::Executions)),
                };
                let key = key().await?.into();
                retention::remove_older(&store, &key, &actor, horizons, |more| removed += more).await?;
                super::say(format_args!("{removed} records were removed"))?;
            }
            Self::Rekey { new_key_file, former_key_file } => {
                let former = match former_key_file {
                    Some(file) => audit_key::read(&file)?,
                    None => audit_key::load(&config.database_url)?,
                };
                rekey(&store, config, &actor, &former, &new_key_file).await?;
            }
            Self::BeginAnew { reason, yes, discard } => {
                let old = if discard { OldRecords::Discard } else { OldRecords::Keep };
                begin_anew(&store, config, &actor, &reason, yes, old).await?;
            }
            Self::Seal { yes } => seal(&store, &key().await?, yes).await?,
        }
        Ok(store.close().await?)
    }
}

/// Changes the key, and puts it in place of the file beside an SQLite database.
async fn rekey(
    store: &Store,
    config: &Config,
    actor: &Actor,
    former: &AuditKey,
    new_key_file: &Path,
) -> anyhow::Result<()> {
    let _lock = FileLock::of_url(&config.database_url).await?;
    let (new, place) = (audit_key::read_new(new_key_file)?, audit_key::place(&config.database_url)?);
    // After an interruption, only the file is left to replace.
    if let KeyCheck::Known { first } = audit::check_key(store.reader(), &new).await? {
        super::say("the chain already has this key")?;
        return put_in_place(&place, new_key_file, &new, first);
    }
    ensure!(
        matches!(audit::check_key(store.reader(), former).await?, KeyCheck::Known { .. }),
        "this is not the key of the audit chain; give the file with the key to --former-key-file"
    );
    let bar = super::progress_bar(audit::count(store.reader()).await?);
    let changed = audit::change_key(store, former, &new, actor, |more| bar.inc(more)).await;
    bar.finish_and_clear();
    let FormerEntries { count, head } = changed?;
    super::say(format_args!("{count} entries are valid, up to head {head}; the chain continues with the new key"))?;
    put_in_place(&place, new_key_file, &new, head.position + 1)
}

/// Replaces the key file beside an SQLite database, or says what to do elsewhere. The new key makes the entries from the
/// position `first` on.
fn put_in_place(place: &KeyPlace, new_key_file: &Path, new: &AuditKey, first: i64) -> anyhow::Result<()> {
    match place {
        KeyPlace::DefaultFile(file) => {
            let is_there = audit_key::read(file).is_ok_and(|key| key.is_same(new));
            if is_there {
                return super::say(format_args!("{} has it", file.display()));
            }
            let former = audit_key::replace_file(file, new_key_file, first)
                .with_context(|| format!("failed to replace {}; run this again", file.display()))?;
            let (file, former) = (file.display(), former.display());
            super::say(format_args!("{file} has the new key; the former one, for old backups, is {former}"))?;
            super::say(format_args!(
                "back up the new key, in another place than the database; {} is not needed here any more",
                new_key_file.display()
            ))
        }
        KeyPlace::NamedFile(_) => super::say(
            "servers take the new key from the file of KOMMANDO_AUDIT_KEY_FILE when they write; put it there now if it is \
             not there yet",
        ),
        KeyPlace::Variable => super::say(
            "servers with KOMMANDO_AUDIT_KEY_FILE take the new key from there when they write; set KOMMANDO_AUDIT_KEY to the \
             new key where it is used, and restart those servers",
        ),
    }
}

/// Begins the chain anew, once the operator has confirmed it.
async fn begin_anew(
    store: &Store,
    config: &Config,
    actor: &Actor,
    reason: &str,
    yes: bool,
    old: OldRecords,
) -> anyhow::Result<()> {
    let url = &config.database_url;
    let _lock = FileLock::of_url(url).await?;
    let count = audit::count(store.reader()).await?;
    let loss = match old {
        OldRecords::Keep => "stay, but can no longer be proven",
        OldRecords::Discard => "are removed with their records",
    };
    let question = format!("The {count} entries of the chain {loss}. Begin anew after them, with another key?");
    if !yes && !super::confirm(&question)? {
        bail!("nothing was changed");
    }
    let new = audit_key::load_or_make_anew(url)?;
    let FormerEntries { count, head } = audit::begin_anew(store, &new, actor, reason, old).await?;
    super::say(format_args!("{count} entries are closed, up to head {head}; the chain continues with a new key"))?;
    super::say(format_args!("back up the key, in another place than the database: {}", audit_key::place(url)?))
}

/// What a change of the key means for the entries before it.
fn say_key_change(position: i64, change: &change::Model, before: i64) -> anyhow::Result<()> {
    let time = change.recorded_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    if change.action != Action::ChainBegunAnew {
        return super::say(format_args!("the key was changed at entry {position} of {time}"));
    }
    let reason = change.after.0.get("reason").and_then(|reason| reason.as_str()).unwrap_or_default();
    super::say(format_args!(
        "the chain was begun anew at entry {position} of {time}: {before} entries before it cannot be proven, because their \
         key is lost, but were not changed since then. The reason given was: {reason:?}"
    ))
}

async fn verify(
    store: &Store,
    key: &AuditKey,
    expected: Option<&Head>,
    former: Option<&AuditKey>,
) -> anyhow::Result<()> {
    let bar = super::progress_bar(audit::count(store.reader()).await?);
    let found = audit::verify(store, key, expected, |more| bar.inc(more)).await?;
    bar.finish_and_clear();
    if let Some(error) = found.broken {
        bail!("verification failed at {error}");
    }
    let beginning = found.anchor.as_ref().map_or(0, |anchor| anchor.position);
    let begun_anew = found.key_changes.iter().rev().find(|(_, change)| change.action == Action::ChainBegunAnew);
    let unproven = begun_anew.map_or(beginning, |(position, _)| position - 1);
    let valid = found.head.position - unproven;
    super::say(format_args!("{valid} entries are valid, {} are not linked yet", found.unlinked))?;
    if let Some(expected) = expected {
        super::say(format_args!("the chain contains the expected head {expected}"))?;
    }
    if let Some(Anchor { position, finished_at, .. }) = found.anchor {
        let finished_at = finished_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        super::say(format_args!(
            "the chain begins after entry {position} of {finished_at}; older entries were removed"
        ))?;
    }
    for (position, change) in &found.key_changes {
        say_key_change(*position, change, position - 1 - beginning)?;
    }
    if let Some(former) = former {
        let (position, change) = found.key_changes.last().context("the chain has no change of the key")?;
        ensure!(
            audit::is_sealed_by_former(former, key, change),
            "the records are valid, but the change of the key at entry {position} was not sealed by the key in \
             --former-key-file"
        );
        super::say("the last change of the key was sealed by the former key")?;
    }
    if found.sealed != Sealed::default() {
        let Sealed { executions, deliveries } = found.sealed;
        super::say(format_args!("the seals of {executions} running executions and {deliveries} webhooks are valid"))?;
    }
    super::say(format_args!("head {}", found.head))?;
    let found = store::schema_differences(store.reader()).await?;
    let active: Vec<_> = found.iter().filter(|one| one.object().is_active()).map(ToString::to_string).collect();
    ensure!(
        active.is_empty(),
        "the records are valid, but the database contains objects that can change data: {}",
        active.join("; ")
    );
    Ok(())
}

/// Lists the rows without a seal, and with `yes` seals exactly these.
async fn seal(store: &Store, key: &AuditKey, yes: bool) -> anyhow::Result<()> {
    let key = key.clone();
    let seal = store.write(move |transaction| {
        Box::pin(async move {
            let unsealed = audit::find_unsealed(transaction, &key).await?;
            list(&unsealed)?;
            if yes {
                audit::seal_all(transaction, &key, &unsealed).await?;
                if !unsealed.executions.is_empty() || !unsealed.deliveries.is_empty() {
                    let fields = ChangedFields::from([
                        ("executions", unsealed.executions.len().into()),
                        ("webhooks", unsealed.deliveries.len().into()),
                    ]);
                    let sealed = Change::new(Action::RowsSealed, Subject::new(SubjectType::Chain, "", ""));
                    let sealed = sealed.fields(ChangedFields::default(), fields);
                    let actor = Actor::of(operator::source(Way::CommandLine));
                    AuditLog::new(key).record(transaction, &actor, vec![sealed]).await?;
                }
            }
            Ok::<_, anyhow::Error>((unsealed.executions.len() + unsealed.deliveries.len(), Touched::Nothing))
        })
    });
    let count = seal.await?;
    match (count, yes) {
        (0, _) => super::say("all rows have seals"),
        (_, true) => super::say(format_args!("{count} rows were sealed")),
        (_, false) => super::say(format_args!("{count} rows have no seal; check each, then seal them with --yes")),
    }
}

fn list(Unsealed { executions, deliveries }: &Unsealed) -> anyhow::Result<()> {
    // Escaped, because such a row may contain terminal control sequences.
    for one in executions {
        super::say(format_args!(
            "execution {} of {}: {:?} on user {} by user {}",
            one.id, one.started_at, one.command_name, one.user_id, one.caller_id
        ))?;
    }
    for one in deliveries {
        super::say(format_args!("webhook {:?} to {:?} of {}: {:?}", one.id, one.target, one.created_at, one.body))?;
    }
    Ok(())
}
