//! Stores the state of the login rate limiter across restarts: the addresses from which users logged in, and the failed
//! logins of the last minute. Addresses and names are stored only as keyed digests.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        schema.create_table(login_addresses()).await?;
        let by_last_login = Index::create()
            .name("ix_login_addresses_last_login_at")
            .table("login_addresses")
            .col("last_login_at")
            .to_owned();
        schema.create_index(by_last_login).await?;
        schema.create_table(login_failures()).await
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        schema.drop_table(Table::drop().table("login_failures").to_owned()).await?;
        schema.drop_table(Table::drop().table("login_addresses").to_owned()).await
    }
}

/// A few rows for each user. There is no foreign key, because rows are written after the login, when the user of a demo
/// may already be deleted.
fn login_addresses() -> TableCreateStatement {
    Table::create()
        .table("login_addresses")
        .col(integer("user_id"))
        .col(big_integer("address"))
        .col(timestamp_with_time_zone("last_login_at"))
        .primary_key(Index::create().col("user_id").col("address"))
        .to_owned()
}

/// One row for each account, address, or pair of both with a failed login in the last minute.
fn login_failures() -> TableCreateStatement {
    Table::create()
        .table("login_failures")
        .col(big_integer("bucket").primary_key())
        .col(integer("failures"))
        .col(timestamp_with_time_zone("last_failed_at"))
        .to_owned()
}
