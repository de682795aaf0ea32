//! The data rights of roles: what users with a role may do with the records of a table, by the owner of the record.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("data_rights")
            .col(integer("role_id"))
            .col(string_len("table_name", 32))
            .col(string_len("relation", 32))
            .col(string_len("value", 4))
            .primary_key(Index::create().col("role_id").col("table_name").col("relation"))
            .foreign_key(
                ForeignKey::create()
                    .from("data_rights", "role_id")
                    .to("roles", "id")
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .to_owned();
        schema.create_table(table).await
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        schema.drop_table(Table::drop().table("data_rights").to_owned()).await
    }
}
