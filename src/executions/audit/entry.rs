//! The entries of the chain, and the head, which identifies an entry.

use std::{fmt, str::FromStr};

use sea_orm::entity::prelude::*;
use serde::Serialize;

/// The MAC before the first entry.
const GENESIS_MAC: &str = "";

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "audit_entries")]
pub struct Model {
    /// The id of its record.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The position in the chain, from 1; `None` until the entry is linked.
    pub position: Option<i64>,
    /// HMAC-SHA-256 in hexadecimal, over position, MAC of the previous entry and content; before linking over the
    /// content only.
    pub mac: Option<String>,
    /// The record, as JSON.
    pub content: String,
}

impl ActiveModelBehavior for ActiveModel {}

/// The newest entry of a chain, written as `position:mac`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub position: i64,
    pub mac: String,
}

impl Head {
    /// The head of an empty chain.
    pub fn origin() -> Self {
        Self { position: 0, mac: GENESIS_MAC.to_owned() }
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
        let (position, mac) =
            parts.ok_or_else(|| format!("`{text}` is not a head; verify prints heads in the form 12:5f…"))?;
        Ok(Self { position, mac })
    }
}

/// The content of an entry: its record as JSON.
pub fn content(record: &impl Serialize) -> Result<String, DbErr> {
    serde_json::to_string(record)
        .map_err(|error| DbErr::Custom(format!("failed to serialize an audit record as JSON: {error}")))
}

/// The number of entries, linked or not.
pub async fn count(db: &impl ConnectionTrait) -> Result<u64, DbErr> {
    Entity::find().count(db).await
}
