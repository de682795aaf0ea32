//! What each word of the command line does.

pub mod commands;
pub mod migrate;
pub mod openapi;
pub mod serve;
pub mod ticket;
pub mod user;

use anyhow::Context;
use kommando::{config::Config, store::Store, users};

/// Opens the database for a command that works on it. It must have been made before.
async fn open(config: &Config) -> anyhow::Result<Store> {
    let store = Store::open(&config.database_url).await?;
    store.migrate_up().await.context("the database cannot be brought up to date")?;
    Ok(store)
}

/// The user of this name, or an error that says where to look.
async fn find_user(store: &Store, name: &str) -> anyhow::Result<users::User> {
    let found = users::find_by_login(store.reader(), name).await?;
    found.with_context(|| format!("there is no user {name}; `kommando user list` shows them"))
}
