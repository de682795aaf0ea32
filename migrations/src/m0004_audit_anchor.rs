//! Creates audit anchors, which mark the start of a chain with removed entries, and an index of keys by execution.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        schema.create_table(audit_anchors()).await?;
        // Without this index, deleting an execution scans all keys for a reference to it.
        let by_execution = Index::create()
            .name("ix_idempotency_keys_execution_id")
            .table("idempotency_keys")
            .col("execution_id")
            .to_owned();
        schema.create_index(by_execution).await
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let by_execution = Index::drop().name("ix_idempotency_keys_execution_id").table("idempotency_keys").to_owned();
        schema.drop_index(by_execution).await?;
        schema.drop_table(Table::drop().table("audit_anchors").to_owned()).await
    }
}

/// `position` and `entry_mac` belong to the last removed entry.
fn audit_anchors() -> TableCreateStatement {
    Table::create()
        .table("audit_anchors")
        .col(big_integer("position").primary_key())
        .col(char_len("entry_mac", 64))
        .col(timestamp_with_time_zone("finished_at"))
        .col(char_len("mac", 64))
        .to_owned()
}
