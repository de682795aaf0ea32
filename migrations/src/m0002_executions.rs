//! What was run: one row per run of a custom command, whatever came of it.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        schema.create_table(executions()).await?;
        let by_user =
            Index::create().name("ix_executions_user_id").table("executions").col("user_id").col("id").to_owned();
        schema.create_index(by_user).await
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        schema.drop_table(Table::drop().table("executions").to_owned()).await
    }
}

/// `id` is a UUID of version 7, so that rows sort by the time they were made.
fn executions() -> TableCreateStatement {
    Table::create()
        .table("executions")
        .col(pk_uuid("id"))
        .col(integer("user_id"))
        .col(integer("caller_id"))
        .col(string_len("command_name", 64))
        .col(char_len("definition_hash", 64))
        .col(string_len("action_result", 16))
        .col(string_len("outcome", 16))
        .col(text("message"))
        .col(string_len("request_id", 64))
        .col(timestamp_with_time_zone("started_at"))
        .col(timestamp_with_time_zone("finished_at"))
        .foreign_key(ForeignKey::create().from("executions", "user_id").to("users", "id"))
        .foreign_key(ForeignKey::create().from("executions", "caller_id").to("users", "id"))
        .to_owned()
}
