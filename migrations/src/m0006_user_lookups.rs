//! Indexes users by person, NickName, group and role, and memberships by group.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const INDICES: [(&str, &str); 5] = [
    ("users", "person_id"),
    ("users", "nick_name"),
    ("users", "user_group_id"),
    ("users", "role_id"),
    ("memberships", "user_group_id"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in INDICES {
            let index = Index::create().name(name(table, column)).table(table).col(column).to_owned();
            schema.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in INDICES {
            schema.drop_index(Index::drop().name(name(table, column)).table(table).to_owned()).await?;
        }
        Ok(())
    }
}

fn name(table: &str, column: &str) -> String {
    format!("ix_{table}_{column}")
}
