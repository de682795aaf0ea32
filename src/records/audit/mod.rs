//! The audit chain: each record of an execution is bound to the one before it by a key that is not in the database.
//!
//! Whoever changes, removes or inserts a record without the key breaks the chain at that place, and [`verify`] finds
//! it. Whoever cuts records off the end leaves a shorter chain that holds: compare its head with one that was noted
//! before. What is not in the chain yet, executions that run and webhooks to be sent, has a [`seal`].

pub mod anchor;
mod fault;
mod known_key;
mod link;
pub mod seal;
mod verify;
pub(super) mod walk;

use std::{fmt, str::FromStr};

use hmac::{Hmac, KeyInit, Mac};
use sea_orm::{QuerySelect, QueryTrait, entity::prelude::*};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sha2::Sha256;

use super::execution;
use crate::store::insert_all;

pub use anchor::Anchor;
pub use fault::{Fault, Place, ProofError};
pub use known_key::{KeyStanding, begin, has_entries, is_begun, standing};
pub use link::{keep_linking, link};
pub use seal::{FORGED, UNSEALED, Unsealed, find_unsealed, remove_seals, running, seal_all, seal_runs};
pub use verify::{Sealed, Verification, verify};

/// The place in which what has none is bound: entries and anchors have places above.
const NOWHERE: i64 = 0;
/// What the first entry is bound to.
const ORIGIN: &str = "";

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "audit_entries")]
pub struct Model {
    /// The id of the execution it tells of.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Its place in the chain, from 1; none until it is linked.
    pub position: Option<i64>,
    /// HMAC-SHA-256 over place, the one before, and content, in hexadecimal; over the content alone until it is linked.
    pub mac: Option<String>,
    /// The execution, as JSON.
    pub content: String,
}

impl ActiveModelBehavior for ActiveModel {}

/// The key of the chain.
#[derive(Clone)]
pub struct AuditKey(SecretString);

/// A new chain takes a key of so many bytes at least.
pub const SHORTEST_KEY: usize = 32;

impl AuditKey {
    pub fn new(key: SecretString) -> Self {
        Self(key)
    }

    /// A key for another purpose, which tells nothing of this one. The same for all who share the database.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let key = self.0.expose_secret().as_bytes();
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { unreachable!("HMAC takes keys of any length") };
        mac.update(b"key for ");
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// How many bytes it has.
    pub fn length(&self) -> usize {
        self.0.expose_secret().len()
    }

    /// Whether it is too short for a new chain.
    pub fn is_short(&self) -> bool {
        self.length() < SHORTEST_KEY
    }

    /// Binds parts to a place. Each is told with its length, so that no other parts, nor more or fewer, bind alike.
    fn bind(&self, position: i64, parts: &[&str]) -> String {
        let key = self.0.expose_secret().as_bytes();
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { unreachable!("HMAC takes keys of any length") };
        mac.update(&position.to_le_bytes());
        for part in parts {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part.as_bytes());
        }
        hex::encode(mac.finalize().into_bytes())
    }
}

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditKey")
    }
}

/// The newest place of a chain, written as `position:mac`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub position: i64,
    pub mac: String,
}

impl Head {
    /// Where a chain begins: the first entry comes behind it.
    fn origin() -> Self {
        Self { position: 0, mac: ORIGIN.to_owned() }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.position, self.mac)
    }
}

impl FromStr for Head {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once(':').and_then(|(position, mac)| Some((position.parse().ok()?, mac.to_owned())));
        let (position, mac) = parts.ok_or_else(|| format!("`{text}` is no head: 12:5f… is what verify prints"))?;
        Ok(Self { position, mac })
    }
}

fn content(execution: &execution::Model) -> Result<String, DbErr> {
    serde_json::to_string(execution).map_err(|error| DbErr::Custom(format!("an execution is no JSON: {error}")))
}

/// Adds executions to the chain, in their order. The head is read in the same transaction, so that there is one chain
/// however many write; or they are linked later, by [`link`].
///
/// # Errors
/// The database does not answer.
pub async fn append(db: &impl ConnectionTrait, key: &AuditKey, executions: &[execution::Model]) -> Result<(), DbErr> {
    if executions.is_empty() {
        return Ok(());
    }
    let is_late = link::is_late(db);
    let entry = |execution: &execution::Model| {
        let content = content(execution)?;
        let mac = is_late.then(|| link::seal(key, &content));
        Ok::<_, DbErr>(Model { id: execution.id, position: None, mac, content })
    };
    let mut entries = executions.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    if !is_late {
        entries = link::bind(key, head(db).await?, entries);
    }
    insert_all::<Entity>(db, entries, None).await.map(drop)
}

/// The newest place of the chain: that of the anchor when all entries were removed, position 0 when there never were any.
///
/// # Errors
/// The database does not answer.
pub async fn head(db: &impl ConnectionTrait) -> Result<Head, DbErr> {
    // Not by a limit: SQLite would prepare it anew each time.
    let last = Entity::find().select_only().column_as(Column::Position.max(), "last").into_query();
    let newest = Entity::find().filter(Column::Position.in_subquery(last)).all(db).await?.pop();
    Ok(match newest.map(|entry| (entry.position, entry.mac)) {
        Some((Some(position), Some(mac))) => Head { position, mac },
        _ => anchor::find(db).await?.map_or_else(Head::origin, Anchor::claimed_head),
    })
}

/// How many entries there are, linked or not.
///
/// # Errors
/// The database does not answer.
pub async fn count(db: &impl ConnectionTrait) -> Result<u64, DbErr> {
    Entity::find().count(db).await
}
