//! Indexes the tickets of a user by kind and age: a login ends the oldest, and a list begins with the newest. The index
//! replaces the one by user, so that writing a ticket costs the same as before.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const OLD: &str = "ix_tickets_user_id";
const NEW: &str = "ix_tickets_user_id_kind_created_at";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        replace(schema, OLD, Index::create().name(NEW).table("tickets").col("user_id").col("kind").col("created_at"))
            .await
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        replace(schema, NEW, Index::create().name(OLD).table("tickets").col("user_id")).await
    }
}

async fn replace(schema: &SchemaManager<'_>, old: &str, new: &mut IndexCreateStatement) -> Result<(), DbErr> {
    schema.create_index(new.to_owned()).await?;
    schema.drop_index(Index::drop().name(old).table("tickets").to_owned()).await
}
