//! Creates executions (one row per run of a command, with any outcome), idempotency keys, and the audit chain.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        for table in [executions(), idempotency_keys(), audit_entries()] {
            schema.create_table(table).await?;
        }
        for column in ["user_id", "caller_id", "command_name"] {
            let by_column = Index::create()
                .name(format!("ix_executions_{column}"))
                .table("executions")
                .col(column)
                .col("id")
                .to_owned();
            schema.create_index(by_column).await?;
        }
        let by_end = Index::create()
            .name("ix_idempotency_keys_expires_at")
            .table("idempotency_keys")
            .col("expires_at")
            .to_owned();
        schema.create_index(by_end).await
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        for table in ["audit_entries", "idempotency_keys", "executions"] {
            schema.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

/// `id` is a UUIDv7, so that rows are sorted by creation time.
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
        .col(json("steps"))
        .col(string_len("request_id", 64))
        .col(timestamp_with_time_zone("started_at"))
        .col(timestamp_with_time_zone("finished_at"))
        .foreign_key(ForeignKey::create().from("executions", "user_id").to("users", "id"))
        .foreign_key(ForeignKey::create().from("executions", "caller_id").to("users", "id"))
        .to_owned()
}

/// `scope` is the SHA-256 of caller, operation, user, command and the client's key.
fn idempotency_keys() -> TableCreateStatement {
    Table::create()
        .table("idempotency_keys")
        .col(char_len("scope", 64).primary_key())
        .col(string_len("action_result", 16))
        .col(uuid("execution_id"))
        .col(timestamp_with_time_zone("expires_at"))
        .foreign_key(ForeignKey::create().from("idempotency_keys", "execution_id").to("executions", "id"))
        .to_owned()
}

/// `position` and `mac` are null until the entry is linked. An entry has no foreign key, because it outlives its
/// execution.
fn audit_entries() -> TableCreateStatement {
    Table::create()
        .table("audit_entries")
        .col(pk_uuid("id"))
        .col(big_integer_null("position").unique_key())
        .col(char_len_null("mac", 64))
        .col(text("content"))
        .to_owned()
}
