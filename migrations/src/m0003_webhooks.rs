//! Creates webhook deliveries, and an index of the running executions, which wait for a sync webhook.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        schema.create_table(webhook_deliveries()).await?;
        let by_due_time = Index::create()
            .name("ix_webhook_deliveries_state_due_at")
            .table("webhook_deliveries")
            .col("state")
            .col("due_at")
            .to_owned();
        schema.create_index(by_due_time).await?;
        let by_end = Index::create()
            .name("ix_webhook_deliveries_updated_at")
            .table("webhook_deliveries")
            .col("updated_at")
            .to_owned();
        schema.create_index(by_end).await?;
        // A partial index, because only a few of millions of rows are running at any time.
        let running = Index::create()
            .name("ix_executions_running")
            .table("executions")
            .col("finished_at")
            .and_where(Expr::cust("outcome = 'running'"))
            .to_owned();
        schema.create_index(running).await
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        schema.drop_index(Index::drop().name("ix_executions_running").table("executions").to_owned()).await?;
        schema.drop_table(Table::drop().table("webhook_deliveries").to_owned()).await
    }
}

/// `id` is the `webhook-id` header: the execution's id without hyphens, and the number of the step.
fn webhook_deliveries() -> TableCreateStatement {
    Table::create()
        .table("webhook_deliveries")
        .col(string_len("id", 48).primary_key())
        .col(uuid("execution_id"))
        .col(string_len("target", 64))
        .col(text("body"))
        .col(integer("timeout_ms"))
        .col(string_len("state", 16))
        .col(integer("attempts"))
        .col(timestamp_with_time_zone("due_at"))
        .col(timestamp_with_time_zone_null("claimed_until"))
        .col(text_null("last_error"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .to_owned()
}
