//! Lets the key of the audit chain change, and lets records of one kind be removed from the middle of the chain.

use sea_orm_migration::{prelude::*, schema::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Columns added to tables, one statement each, as SQLite requires.
///
/// The MAC of an entry with a kind covers kind, id and the digest of its content, and so stays valid without the content.
/// Entries of older versions have neither. `since` is the position of the first entry with the key; 0 for the first
/// key. The digest of an anchor covers the removed entries, if they were made with a former key.
fn additions() -> [(&'static str, &'static str, ColumnDef); 4] {
    [
        ("audit_entries", "kind", string_len_null("kind", 16).to_owned()),
        ("audit_entries", "digest", char_len_null("digest", 64).to_owned()),
        ("audit_keys", "since", big_integer("since").default(0).to_owned()),
        ("audit_anchors", "digest", char_len_null("digest", 64).to_owned()),
    ]
}

/// Returns the row of the key, and keeps the key from changing until the transaction ends. The second statement sees what
/// was committed while the first one waited for the lock.
const HOLD_KEY: &str = "
CREATE FUNCTION kommando_hold_audit_key(lock_number bigint) RETURNS SETOF audit_keys LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(lock_number);
    RETURN QUERY SELECT * FROM audit_keys;
END $$
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        for (table, _, mut column) in additions() {
            schema.alter_table(Table::alter().table(table).add_column(&mut column).to_owned()).await?;
        }
        schema.create_table(audit_marks()).await?;
        if schema.get_database_backend() == DbBackend::Postgres {
            schema.get_connection().execute_unprepared(HOLD_KEY).await?;
        }
        Ok(())
    }

    /// Fails once there are entries of the new form, which could not be verified any more.
    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let db = schema.get_connection();
        let new_form = Query::select()
            .column("id")
            .from("audit_entries")
            .and_where(Expr::col("kind").is_not_null())
            .limit(1)
            .to_owned();
        if db.query_one(&new_form).await?.is_some() {
            return Err(DbErr::Migration(
                "the audit chain has entries that the version before cannot verify; restore a backup from before the \
                 upgrade with that version instead"
                    .to_owned(),
            ));
        }
        if schema.get_database_backend() == DbBackend::Postgres {
            schema.get_connection().execute_unprepared("DROP FUNCTION kommando_hold_audit_key(bigint)").await?;
        }
        schema.drop_table(Table::drop().table("audit_marks").to_owned()).await?;
        for (table, column, _) in additions() {
            schema.alter_table(Table::alter().table(table).drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}

/// Positions in the chain: up to where the records of a kind were removed, and up to where the chain was verified.
/// `entry_mac` belongs to the entry at the position.
fn audit_marks() -> TableCreateStatement {
    Table::create()
        .table("audit_marks")
        .col(string_len("name", 16).primary_key())
        .col(big_integer("position"))
        .col(char_len("entry_mac", 64))
        .col(char_len_null("digest", 64))
        .col(timestamp_with_time_zone("made_at"))
        .col(char_len("mac", 64))
        .to_owned()
}
