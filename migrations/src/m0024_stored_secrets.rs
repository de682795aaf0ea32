//! Secrets that users keep on the server, encrypted with a key that is not in the database; and the pages of their
//! notepads.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let of_user = |table: &'static str| {
            ForeignKey::create()
                .from(table, "user_id")
                .to("users", "id")
                .on_delete(ForeignKeyAction::Cascade)
                .to_owned()
        };
        let secrets = Table::create()
            .table("stored_secrets")
            .col(pk_auto("id"))
            .col(string_len("kind", 32))
            .col(integer_null("user_id"))
            .col(text("name"))
            .col(text("properties"))
            .col(text("encrypted"))
            .foreign_key(&mut of_user("stored_secrets"))
            .to_owned();
        schema.create_table(secrets).await?;
        let index = |name: &'static str, column: &'static str| {
            Index::create().name(name).table("stored_secrets").col("kind").col(column).to_owned()
        };
        schema.create_index(index("ix_stored_secrets_user_id", "user_id")).await?;
        schema.create_index(index("ix_stored_secrets_name", "name")).await?;
        let notes = Table::create()
            .table("notes")
            .col(integer("user_id").primary_key())
            .col(json("pages"))
            .foreign_key(&mut of_user("notes"))
            .to_owned();
        schema.create_table(notes).await
    }

    /// Fails once there are entries about secrets or notes, which the version before cannot read.
    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let about_them = Query::select()
            .column("id")
            .from("audit_changes")
            .and_where(Expr::col("action").is_in(["secret.saved", "secret.deleted", "note.saved"]))
            .limit(1)
            .to_owned();
        if schema.get_connection().query_one(&about_them).await?.is_some() {
            return Err(DbErr::Migration(
                "the audit chain has entries about secrets or notes, which the version before cannot verify; restore a \
                 backup from before the upgrade with that version instead"
                    .to_owned(),
            ));
        }
        for table in ["notes", "stored_secrets"] {
            schema.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}
