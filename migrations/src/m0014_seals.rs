//! Seals of records that are not final yet: executions that run, and webhooks that are to be sent.
//!
//! A seal is a MAC with the audit key. Rows of an older version have none: a migration has no key.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        schema.create_table(execution_seals()).await?;
        let seal = Table::alter().table("webhook_deliveries").add_column(string_len_null("seal", 64)).to_owned();
        schema.alter_table(seal).await
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let seal = Table::alter().table("webhook_deliveries").drop_column("seal").to_owned();
        schema.alter_table(seal).await?;
        schema.drop_table(Table::drop().table("execution_seals").to_owned()).await
    }
}

/// A table of its own, without a foreign key: a seal whose execution is gone is evidence.
fn execution_seals() -> TableCreateStatement {
    Table::create().table("execution_seals").col(pk_uuid("execution_id")).col(string_len("mac", 64)).to_owned()
}
