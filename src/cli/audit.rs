//! `kommando audit`.

mod begin_anew;
mod cut;
mod export;
mod rekey;
mod seal;
mod tail;
mod verify;

use clap::Subcommand;
use kommando::{
    app::audit_key,
    config::Config,
    executions::audit::{Actor, AuditKey, Way},
    store::Store,
};

use self::{begin_anew::BeginAnew, cut::Cut, export::Export, rekey::Rekey, seal::Seal, tail::Tail, verify::Verify};
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
    Verify(Verify),
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
    Cut(Cut),
    /// Continue the chain with another key
    ///
    /// Verifies the chain, then writes an entry that both keys seal. The entries from before can be verified with the new
    /// key alone, and cannot be changed with the former key any more. The key file beside an SQLite database is replaced;
    /// stop its server first. With PostgreSQL, servers go on: put the new key into the file of KOMMANDO_AUDIT_KEY_FILE on
    /// each of them, then run this with --former-key-file. A server takes the new key when it meets the entry; until it
    /// has it, its writes are answered with 503.
    Rekey(Rekey),
    /// Begin the chain anew after its key was lost
    ///
    /// Closes the entries that exist: that they were not changed before this moment cannot be proven any more, but a
    /// change after it is found. The chain continues with the key of KOMMANDO_AUDIT_KEY, or of the file beside the
    /// database, which is created if it is missing. Its first entry has the reason, and the number and the head of the
    /// closed entries; `kommando audit verify` reports both parts. Running executions and webhooks lose their seals: see
    /// `kommando audit seal --help`. Stop all servers first.
    BeginAnew(BeginAnew),
    /// List running executions and pending webhooks without a seal, and seal them with --yes
    ///
    /// Such rows were written by an older version, or inserted into the database without the key. The server neither
    /// closes nor sends them. Once sealed, they count as written by the server: look at each of them first. May run
    /// beside a server.
    Seal(Seal),
}

impl Audit {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        let store = super::open_existing(config).await?;
        match self {
            Self::Verify(verify) => verify.run(&store, config).await?,
            Self::Export(export) => export.write(&store).await?,
            Self::Tail(tail) => tail.write(&store).await?,
            Self::Cut(cut) => cut.run(&store, config).await?,
            Self::Rekey(rekey) => rekey.run(&store, config).await?,
            Self::BeginAnew(begin) => begin.run(&store, config).await?,
            Self::Seal(seal) => seal.run(&store, config).await?,
        }
        Ok(store.close().await?)
    }
}

/// The key of the chain, from the settings.
async fn key(store: &Store, config: &Config) -> anyhow::Result<AuditKey> {
    let key = audit_key::load(config)?;
    audit_key::check(store.reader(), &key, config).await?;
    Ok(key)
}

/// The user of the operating system.
fn actor() -> Actor {
    Actor::of(operator::source(Way::CommandLine))
}
