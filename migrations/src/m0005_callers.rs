//! Creates applications, and adds the kind and the application of tickets and the application of executions.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Columns added to existing tables, one statement each, as SQLite requires. Older rows are tickets, and have no
/// application.
fn additions() -> [(&'static str, &'static str, ColumnDef); 3] {
    [
        ("tickets", "kind", string_len("kind", 16).default("Ticket").to_owned()),
        ("tickets", "application_id", integer_null("application_id").to_owned()),
        ("executions", "application_id", integer_null("application_id").to_owned()),
    ]
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        schema.create_table(applications()).await?;
        for (table, _, mut column) in additions() {
            schema.alter_table(Table::alter().table(table).add_column(&mut column).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        for (table, column, _) in additions() {
            schema.alter_table(Table::alter().table(table).drop_column(column).to_owned()).await?;
        }
        schema.drop_table(Table::drop().table("applications").to_owned()).await
    }
}

/// The token is stored as its SHA-256. A revoked application is kept, because executions refer to it.
fn applications() -> TableCreateStatement {
    Table::create()
        .table("applications")
        .col(pk_auto("id"))
        .col(string_len_uniq("name", 239))
        .col(char_len("token_hash", 64).unique_key())
        .col(boolean("has_user_agent").default(false))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("revoked_at"))
        .to_owned()
}
