//! One run of a custom command on a user, whatever came of it.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "executions")]
pub struct Model {
    /// A UUID of version 7: newer executions sort behind older ones.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub user_id: i32,
    pub caller_id: i32,
    pub command_name: String,
    /// SHA-256 of the definition that ran, in hexadecimal.
    pub definition_hash: String,
    pub action_result: String,
    pub outcome: Outcome,
    /// What the caller was told, without secrets.
    pub message: String,
    pub request_id: String,
    pub started_at: DateTimeUtc,
    pub finished_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

/// What came of an attempt to run a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "snake_case")]
pub enum Outcome {
    /// The command waits for a confirmation; nothing ran.
    Asked,
    /// The caller answered that it shall not run.
    Declined,
    /// The caller may not run it on this user.
    Denied,
    /// It ran, and its effect is stored.
    Succeeded,
    /// It ran and could not do its work; its effect was undone.
    Failed,
}

/// Stores an execution, in the transaction of its effect.
///
/// # Errors
/// The database does not answer, or the caller or the user no longer exists.
pub async fn insert(db: &impl ConnectionTrait, execution: Model) -> Result<(), DbErr> {
    Entity::insert(ActiveModel::from(execution)).exec_without_returning(db).await.map(drop)
}
