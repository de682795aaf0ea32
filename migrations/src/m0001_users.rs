//! Creates persons, roles, user groups, users with their login names and memberships, credentials and tickets.
//!
//! The column limits are upstream's: associate.name 239, tooltip and userName 254, credential secret 2000, … (see
//! docs/upstream.md).

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        for table in
            [persons(), roles(), user_groups(), users(), login_names(), memberships(), credentials(), tickets()]
        {
            schema.create_table(table).await?;
        }
        schema.create_index(index("credentials", &["user_id", "credential_type"]).unique().to_owned()).await?;
        schema.create_index(index("login_names", &["user_id"]).to_owned()).await?;
        schema.create_index(index("tickets", &["expires_at"]).to_owned()).await?;
        schema.create_index(index("tickets", &["user_id"]).to_owned()).await
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let tables =
            ["tickets", "credentials", "memberships", "login_names", "users", "user_groups", "roles", "persons"];
        for table in tables {
            schema.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

fn persons() -> TableCreateStatement {
    Table::create()
        .table("persons")
        .col(pk_auto("id"))
        .col(string_len("firstname", 99))
        .col(string_len("middle_name", 99))
        .col(string_len("lastname", 99))
        .col(string_len("mrmrs", 239))
        .col(string_len("title", 239))
        .col(string_len("position", 239))
        .col(string_len("description", 2047))
        .col(string_len("email", 254))
        .col(string_len("direct_phone", 254))
        .col(string_len("mobile_phone", 254))
        .col(integer("contact_id").default(0))
        .col(string_len("contact_name", 239))
        .col(string_len("contact_department", 239))
        .col(integer("country_id").default(0))
        .col(integer("rank").default(0))
        .col(boolean("retired").default(false))
        .to_owned()
}

fn roles() -> TableCreateStatement {
    Table::create()
        .table("roles")
        .col(pk_auto("id"))
        .col(string_len_uniq("name", 239))
        .col(string_len("tooltip", 254))
        .col(string_len("role_type", 32))
        .col(integer("rank").default(0))
        .col(json("function_rights"))
        .to_owned()
}

fn user_groups() -> TableCreateStatement {
    Table::create()
        .table("user_groups")
        .col(pk_auto("id"))
        .col(string_len_uniq("name", 239))
        .col(string_len("tooltip", 254))
        .col(integer("rank").default(0))
        .col(boolean("deleted").default(false))
        .to_owned()
}

fn users() -> TableCreateStatement {
    Table::create()
        .table("users")
        .col(pk_auto("id"))
        .col(string_len("name", 239))
        .col(string_len("user_name", 254))
        .col(string_len("nick_name", 254))
        .col(string_len("tooltip", 254))
        .col(integer("rank").default(0))
        .col(string_len("user_type", 32))
        .col(boolean("deleted").default(false))
        .col(boolean("is_on_travel").default(false))
        .col(boolean("waiting_for_approval").default(false))
        .col(timestamp_with_time_zone_null("last_login"))
        .col(timestamp_with_time_zone_null("last_logout"))
        .col(integer("ej_user_id").default(0))
        .col(string_len("presence_status", 32))
        .col(string_len("presence_message", 254))
        .col(json("extra_fields"))
        .col(json("custom_fields"))
        .col(integer("role_id"))
        .col(integer("user_group_id"))
        .col(integer_null("person_id"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .foreign_key(&mut reference("users", "role_id", "roles"))
        .foreign_key(&mut reference("users", "user_group_id", "user_groups"))
        .foreign_key(&mut reference("users", "person_id", "persons"))
        .to_owned()
}

/// Name and UserName share one key space, so that a login name finds at most one user.
fn login_names() -> TableCreateStatement {
    Table::create()
        .table("login_names")
        .col(string_len("folded", 254).primary_key())
        .col(integer("user_id"))
        .foreign_key(&mut reference("login_names", "user_id", "users"))
        .to_owned()
}

fn memberships() -> TableCreateStatement {
    Table::create()
        .table("memberships")
        .col(integer("user_id"))
        .col(integer("user_group_id"))
        .primary_key(Index::create().col("user_id").col("user_group_id"))
        .foreign_key(&mut reference("memberships", "user_id", "users"))
        .foreign_key(&mut reference("memberships", "user_group_id", "user_groups"))
        .to_owned()
}

fn credentials() -> TableCreateStatement {
    Table::create()
        .table("credentials")
        .col(pk_auto("id"))
        .col(integer("user_id"))
        .col(string_len("credential_type", 254))
        .col(string_len("display_value", 254))
        .col(string_len("secret", 2000))
        .col(timestamp_with_time_zone_null("expires_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .foreign_key(&mut reference("credentials", "user_id", "users"))
        .to_owned()
}

/// The key is the SHA-256 of the ticket, so that a reader of this table cannot use the tickets.
fn tickets() -> TableCreateStatement {
    Table::create()
        .table("tickets")
        .col(char_len("hash", 64).primary_key())
        .col(integer("user_id"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .foreign_key(&mut reference("tickets", "user_id", "users"))
        .to_owned()
}

fn reference(table: &'static str, column: &'static str, target: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create().from(table, column).to(target, "id").to_owned()
}

fn index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(format!("ix_{table}_{}", columns.join("_"))).table(table);
    for column in columns {
        index.col(*column);
    }
    index
}
