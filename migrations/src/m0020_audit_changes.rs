//! Creates the changes of users, roles, groups and applications that are in the audit chain beside executions, and adds
//! the way in which an execution was run.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Columns added to executions, one statement each, as SQLite requires. Older rows have neither.
fn additions() -> [(&'static str, ColumnDef); 2] {
    [("way", string_len_null("way", 16).to_owned()), ("operator", string_len_null("operator", 64).to_owned())]
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        schema.create_table(audit_changes()).await?;
        for index in indexes() {
            schema.create_index(index).await?;
        }
        for (_, mut column) in additions() {
            schema.alter_table(Table::alter().table("executions").add_column(&mut column).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        for (column, _) in additions() {
            schema.alter_table(Table::alter().table("executions").drop_column(column).to_owned()).await?;
        }
        schema.drop_table(Table::drop().table("audit_changes").to_owned()).await
    }
}

/// Actor and subject have no foreign keys: a change outlives them, and some have no id.
fn audit_changes() -> TableCreateStatement {
    Table::create()
        .table("audit_changes")
        .col(pk_uuid("id"))
        .col(timestamp_with_time_zone("recorded_at"))
        .col(string_len("way", 16))
        .col(integer_null("actor_id"))
        .col(string_len("actor_name", 254))
        .col(integer_null("application_id"))
        .col(string_len("request_id", 64))
        .col(string_len("action", 32))
        .col(string_len("subject_type", 16))
        .col(string_len("subject_id", 64))
        .col(string_len("subject_name", 254))
        .col(json("before"))
        .col(json("after"))
        .to_owned()
}

/// Each index ends with the id, so that a filtered page of the newest changes is read in order.
fn indexes() -> [IndexCreateStatement; 2] {
    let index = |name: &str, columns: &[&'static str]| {
        let mut index = Index::create();
        index.name(name).table("audit_changes");
        for column in columns {
            index.col(*column);
        }
        index.to_owned()
    };
    [
        index("ix_audit_changes_subject", &["subject_type", "subject_id", "id"]),
        index("ix_audit_changes_actor", &["actor_id", "id"]),
    ]
}
