//! Adds seals to records that are not final: running executions and pending webhooks.
//!
//! A seal is a MAC with the audit key. Rows of an older version have none, because a migration does not know the key.

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

/// A separate table without a foreign key: a seal without its execution is evidence that the execution was deleted.
fn execution_seals() -> TableCreateStatement {
    Table::create().table("execution_seals").col(pk_uuid("execution_id")).col(string_len("mac", 64)).to_owned()
}
