//! User groups. Each user has a main group and can be a member of others.

use std::collections::BTreeSet;

use sea_orm::{NotSet, QueryOrder, entity::prelude::*, sea_query::SelectStatement};

use super::folded;

/// The column of the folded name.
const NAME_FOLDED: &str = "name_folded";
/// The group that the first start creates.
pub const DEFAULT: &str = "Users";

use crate::store::{MAX_IDS, id_in};

#[derive(Clone, Debug, Default, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_groups")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    #[sea_orm(unique)]
    pub name: String,
    pub tooltip: String,
    pub rank: i32,
    pub deleted: bool,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The first group. Creates the default group if there is none.
pub async fn ensure_default(db: &impl ConnectionTrait) -> Result<Model, DbErr> {
    match first(db).await? {
        Some(group) => Ok(group),
        None => insert(db, DEFAULT, "Users who are in no other group").await,
    }
}

/// The first group that is not deleted. It is the default group of new users.
pub async fn first(db: &impl ConnectionTrait) -> Result<Option<Model>, DbErr> {
    Entity::find().filter(Column::Deleted.eq(false)).order_by_asc(Column::Id).one(db).await
}

/// Creates a group.
///
/// # Errors
/// The name is taken.
pub async fn insert(db: &impl ConnectionTrait, name: &str, tooltip: &str) -> Result<Model, DbErr> {
    let group = Model { name: name.to_owned(), tooltip: tooltip.to_owned(), ..Model::default() };
    store(db, group).await
}

/// The groups with these names.
pub(super) async fn list_named(db: &impl ConnectionTrait, names: &BTreeSet<String>) -> Result<Vec<Model>, DbErr> {
    match names.is_empty() {
        true => Ok(Vec::new()),
        false => Entity::find().filter(Column::Name.is_in(names)).all(db).await,
    }
}

/// The group of this name.
pub async fn find_by_name(db: &impl ConnectionTrait, name: &str) -> Result<Option<Model>, DbErr> {
    Entity::find().filter(Column::Name.eq(name)).one(db).await
}

/// The group with this id.
pub async fn find(db: &impl ConnectionTrait, id: i32) -> Result<Option<Model>, DbErr> {
    Ok(Entity::find().filter(Column::Id.eq(id)).all(db).await?.pop())
}

/// The groups with these ids, unordered.
pub async fn find_some(db: &impl ConnectionTrait, mut ids: Vec<i32>) -> Result<Vec<Model>, DbErr> {
    ids.sort_unstable();
    ids.dedup();
    let mut groups = Vec::new();
    for ids in ids.chunks(MAX_IDS) {
        groups.extend(Entity::find().filter(id_in(db, Column::Id, ids)).all(db).await?);
    }
    Ok(groups)
}

/// The groups with the ids that a statement selects, by rank and name.
pub(super) async fn list_among(db: &impl ConnectionTrait, ids: SelectStatement) -> Result<Vec<Model>, DbErr> {
    let among = Entity::find().filter(Column::Id.in_subquery(ids));
    among.order_by_asc(Column::Rank).order_by_asc(Column::Name).all(db).await
}

/// All groups, by rank and name.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<Model>, DbErr> {
    Entity::find().order_by_asc(Column::Rank).order_by_asc(Column::Name).all(db).await
}

/// Inserts a group if its `id` is 0, otherwise updates it.
pub(super) async fn store(db: &impl ConnectionTrait, group: Model) -> Result<Model, DbErr> {
    let mut row = ActiveModel::from(group.clone()).reset_all();
    let texts = [(NAME_FOLDED, group.name.as_str())];
    if group.id != 0 {
        folded::update(db, row, &texts).await?;
        return Ok(group);
    }
    row.id = NotSet;
    let id = folded::insert(db, row, &texts).await?;
    Ok(Model { id, ..group })
}
