//! The other groups of a user, besides the main group.

use sea_orm::{
    Condition, QuerySelect, QueryTrait, Set,
    entity::prelude::*,
    sea_query::{ExprTrait, SelectStatement},
};

use super::{User, user, user_group};
use crate::store::MAX_IDS;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "memberships")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: i32,
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_group_id: i32,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(belongs_to = "user_group::Entity", from = "Column::UserGroupId", to = "user_group::Column::Id")]
    UserGroup,
}

impl ActiveModelBehavior for ActiveModel {}

/// The ids of a user's other groups.
pub async fn group_ids(db: &impl ConnectionTrait, user_id: i32) -> Result<Vec<i32>, DbErr> {
    let memberships = Entity::find().filter(Column::UserId.eq(user_id)).all(db).await?;
    Ok(memberships.into_iter().map(|membership| membership.user_group_id).collect())
}

/// Selects the ids of the users with this other group.
pub(super) fn ids_of_members(group_id: i32) -> SelectStatement {
    Entity::find().select_only().column(Column::UserId).filter(Column::UserGroupId.eq(group_id)).into_query()
}

/// The users with this group as their main group or as another group, by id. `only`: no other user than this one.
pub async fn list_members(db: &impl ConnectionTrait, group_id: i32, only: Option<i32>) -> Result<Vec<User>, DbErr> {
    let is_main = user::Column::UserGroupId.eq(group_id);
    let is_other = user::Column::Id.in_subquery(ids_of_members(group_id));
    let only = only.map(|id| user::Column::Id.eq(id));
    user::list_where(db, Condition::all().add(is_main.or(is_other)).add_option(only)).await
}

/// Makes a user a member of a group.
///
/// # Errors
/// The user is already a member.
pub async fn insert(db: &impl ConnectionTrait, user_id: i32, user_group_id: i32) -> Result<(), DbErr> {
    let membership = ActiveModel { user_id: Set(user_id), user_group_id: Set(user_group_id) };
    Entity::insert(membership).exec_without_returning(db).await.map(drop)
}

/// Replaces the memberships of a user.
pub async fn replace(db: &impl ConnectionTrait, user_id: i32, user_group_ids: &[i32]) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::UserId.eq(user_id)).exec(db).await?;
    let membership = |id: &i32| ActiveModel { user_id: Set(user_id), user_group_id: Set(*id) };
    for ids in user_group_ids.chunks(MAX_IDS) {
        Entity::insert_many(ids.iter().map(membership)).exec_without_returning(db).await?;
    }
    Ok(())
}

/// Moves the members of a group to another group, except users who have it as their main group.
pub async fn move_all(db: &impl ConnectionTrait, from: i32, to: i32) -> Result<(), DbErr> {
    user::note_changes(db, ids_of_members(from)).await?;
    let already = ids_of_members(to);
    let twice = Entity::delete_many().filter(Column::UserGroupId.eq(from)).filter(Column::UserId.in_subquery(already));
    twice.exec(db).await?;
    let others = Entity::update_many().col_expr(Column::UserGroupId, Expr::value(to));
    others.filter(Column::UserGroupId.eq(from)).exec(db).await?;
    let mains = user::ids_of_group(to);
    let redundant = Entity::delete_many().filter(Column::UserGroupId.eq(to)).filter(Column::UserId.in_subquery(mains));
    redundant.exec(db).await.map(drop)
}
