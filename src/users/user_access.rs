//! Reads from the database how users can log in.

use sea_orm::{
    Condition, DbErr, FromQueryResult, JoinType::LeftJoin, QuerySelect, entity::prelude::*, sea_query::ExprTrait,
};

use super::{
    User, credential,
    last_administrator::{Login, ProviderNames, UserAccess},
    person,
    role::{self, ADMINISTRATOR},
    user::{Column, Entity},
};
use crate::store::id_in;

/// A user's access, assuming a permanent password.
pub(super) fn of(user: &User, provider: ProviderNames) -> UserAccess {
    UserAccess {
        user_id: user.user.id,
        is_administrator: user.role.name == ADMINISTRATOR,
        is_deleted: user.user.deleted,
        person_id: user.user.person_id,
        is_person_retired: user.is_person_retired(),
        password: Login::Lasting,
        is_known_to_provider: provider.can_name([&user.user.name, &user.user.user_name]),
    }
}

/// The active administrators, in one statement.
pub(super) async fn administrators(
    db: &impl ConnectionTrait,
    provider: ProviderNames,
) -> Result<Vec<UserAccess>, DbErr> {
    read(db, provider, &[]).await
}

/// The columns of user, role, person and password that decide about access.
#[derive(FromQueryResult)]
struct AccessRow {
    id: i32,
    name: String,
    user_name: String,
    deleted: bool,
    person_id: Option<i32>,
    role: String,
    is_person_retired: Option<bool>,
    password_id: Option<i32>,
    expires_at: Option<DateTimeUtc>,
}

/// The access of the active administrators and of these users, in one statement.
pub(super) async fn read(
    db: &impl ConnectionTrait,
    provider: ProviderNames,
    also: &[i32],
) -> Result<Vec<UserAccess>, DbErr> {
    let is_password =
        |_, _| Expr::col((credential::Entity, credential::Column::CredentialType)).eq(credential::PASSWORD).into();
    let passwords = credential::Entity::belongs_to(Entity)
        .from(credential::Column::UserId)
        .to(Column::Id)
        .on_condition(is_password);
    let is_active_administrator = Condition::all()
        .add(role::Column::Name.eq(ADMINISTRATOR))
        .add(Column::Deleted.eq(false))
        .add(person::Column::Retired.eq(false).or(person::Column::Retired.is_null()));
    let is_wanted = (!also.is_empty()).then(|| id_in(db, Column::Id, also));
    let rows: Vec<AccessRow> = Entity::find()
        .select_only()
        .columns([Column::Id, Column::Name, Column::UserName, Column::Deleted, Column::PersonId])
        .column_as(role::Column::Name, "role")
        .column_as(person::Column::Retired, "is_person_retired")
        .column_as(credential::Column::Id, "password_id")
        .column(credential::Column::ExpiresAt)
        .inner_join(role::Entity)
        .left_join(person::Entity)
        .join_rev(LeftJoin, passwords.into())
        .filter(Condition::any().add(is_active_administrator).add_option(is_wanted))
        .into_model()
        .all(db)
        .await?;
    let access = |row: AccessRow| UserAccess {
        user_id: row.id,
        is_administrator: row.role == ADMINISTRATOR,
        is_deleted: row.deleted,
        person_id: row.person_id,
        is_person_retired: row.is_person_retired.unwrap_or_default(),
        password: row.password_id.map_or(Login::Impossible, |_| credential::login(row.expires_at)),
        is_known_to_provider: provider.can_name([&row.name, &row.user_name]),
    };
    Ok(rows.into_iter().map(access).collect())
}
