//! Keeps the inputs of commands: in executions without their secrets, and beside idempotency keys as a MAC.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Columns added to tables, one statement each, as SQLite requires. Both are null for a run without inputs.
fn additions() -> [(&'static str, &'static str, ColumnDef); 2] {
    [
        ("executions", "inputs", json_null("inputs").to_owned()),
        ("idempotency_keys", "inputs_mac", char_len_null("inputs_mac", 64).to_owned()),
    ]
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        for (table, _, mut column) in additions() {
            schema.alter_table(Table::alter().table(table).add_column(&mut column).to_owned()).await?;
        }
        Ok(())
    }

    /// Fails once there are inputs, because the audit chain covers them.
    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let with_inputs = Query::select()
            .column("id")
            .from("executions")
            .and_where(Expr::col("inputs").is_not_null())
            .limit(1)
            .to_owned();
        if schema.get_connection().query_one(&with_inputs).await?.is_some() {
            return Err(DbErr::Migration(
                "there are executions with inputs, which the version before cannot verify; restore a backup from before \
                 the upgrade with that version instead"
                    .to_owned(),
            ));
        }
        for (table, column, _) in additions() {
            schema.alter_table(Table::alter().table(table).drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}
