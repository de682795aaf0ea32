//! The users table, and `User`: a user with role, group and person.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use sea_orm::{
    Condition, DerivePartialModel, FromJsonQueryResult, IdenStatic, QueryOrder, QuerySelect, QueryTrait, Statement,
    Value,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait, Func, SelectStatement},
};
use serde::{Deserialize, Serialize};

use super::{folded, login_name, person, role, user_group};
use crate::{
    clock,
    store::{MAX_IDS, id_in},
};

/// Columns of folded texts.
const NAME_FOLDED: &str = "name_folded";
const USER_NAME_FOLDED: &str = "user_name_folded";
const NICK_NAME_FOLDED: &str = "nick_name_folded";
const TOOLTIP_FOLDED: &str = "tooltip_folded";

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    /// The short name; upstream's archive id.
    pub name: String,
    /// A second login name, often an e-mail address; may be empty.
    pub user_name: String,
    pub nick_name: String,
    pub tooltip: String,
    pub rank: i32,
    pub user_type: UserType,
    pub deleted: bool,
    pub is_on_travel: bool,
    pub waiting_for_approval: bool,
    pub last_login: Option<DateTimeUtc>,
    pub last_logout: Option<DateTimeUtc>,
    pub ej_user_id: i32,
    pub presence_status: Presence,
    pub presence_message: String,
    #[sea_orm(column_type = "Json")]
    pub extra_fields: Fields,
    #[sea_orm(column_type = "Json")]
    pub custom_fields: Fields,
    pub role_id: i32,
    pub user_group_id: i32,
    pub person_id: Option<i32>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(belongs_to = "role::Entity", from = "Column::RoleId", to = "role::Column::Id")]
    Role,
    #[sea_orm(belongs_to = "user_group::Entity", from = "Column::UserGroupId", to = "user_group::Column::Id")]
    UserGroup,
    #[sea_orm(belongs_to = "person::Entity", from = "Column::PersonId", to = "person::Column::Id")]
    Person,
}

impl Related<role::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Role.def()
    }
}

impl Related<user_group::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::UserGroup.def()
    }
}

impl Related<person::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Person.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}

/// The kind of a user. The names are upstream's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(32))", rename_all = "PascalCase")]
pub enum UserType {
    InternalAssociate,
    ResourceAssociate,
    ExternalAssociate,
    AnonymousAssociate,
    SystemAssociate,
}

/// Whether a user can be reached. The names are upstream's (EjUserStatus).
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize, Deserialize, JsonSchema)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(32))", rename_all = "PascalCase")]
pub enum Presence {
    StatusNone,
    StatusNormal,
    StatusNotAvailable,
    StatusDeleted,
    StatusReadOnly,
    StatusSpm,
    StatusSystem,
}

/// Values of custom or extra fields by field name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Fields(pub BTreeMap<String, String>);

/// A user with role, group and person.
#[derive(Clone, Debug, PartialEq, Eq, DerivePartialModel)]
pub struct User {
    #[sea_orm(nested)]
    pub user: Model,
    #[sea_orm(nested)]
    pub role: role::Model,
    #[sea_orm(nested)]
    pub group: user_group::Model,
    #[sea_orm(nested)]
    pub person: Option<person::Model>,
}

/// Estimated memory of a user with role, group and person, without custom and extra fields.
const USUAL_BYTES: usize = 2048;

impl User {
    /// Estimated memory in bytes.
    pub fn bytes(&self) -> usize {
        let fields = self.user.custom_fields.0.iter().chain(&self.user.extra_fields.0);
        USUAL_BYTES + fields.map(|(name, value)| name.len() + value.len()).sum::<usize>()
    }

    /// Whether the user or the person is retired. Retired users cannot log in.
    pub fn is_retired(&self) -> bool {
        self.user.deleted || self.is_person_retired()
    }

    /// Whether Name or UserName equals this folded name. An empty name never matches.
    pub fn is_called(&self, folded: &str) -> bool {
        let names = [&self.user.name, &self.user.user_name].map(|name| login_name::fold(name));
        !folded.is_empty() && names.iter().any(|name| name == folded)
    }

    /// Whether the user's person is retired.
    pub fn is_person_retired(&self) -> bool {
        self.person.as_ref().is_some_and(|person| person.retired)
    }

    /// The person's full name, or the short name of a user without a person.
    pub fn full_name(&self) -> String {
        match &self.person {
            Some(person) => person.full_name(),
            None => self.user.name.clone(),
        }
    }
}

/// The user with this id, in one statement.
pub async fn find(db: &impl ConnectionTrait, id: i32) -> Result<Option<User>, DbErr> {
    Ok(select(db, Entity::find().filter(Column::Id.eq(id))).await?.pop())
}

/// The user with this Name or UserName, ignoring case, in one statement.
pub async fn find_by_login(db: &impl ConnectionTrait, name: &str) -> Result<Option<User>, DbErr> {
    Ok(select(db, Entity::find().filter(Column::Id.in_subquery(login_name::ids(name)))).await?.pop())
}

/// Like [`find_by_login`], for logins: an unknown name takes the same statement and the same time.
pub async fn find_by_login_constant_time(db: &impl ConnectionTrait, name: &str) -> Result<Option<User>, DbErr> {
    let any_user = Entity::find().select_only().column_as(Column::Id.min(), "id").into_query();
    let id = Func::coalesce([Expr::from(login_name::ids(name)), Expr::from(any_user)]);
    let found = select(db, Entity::find().filter(Expr::col((Entity, Column::Id)).eq(id))).await?.pop();
    Ok(found.filter(|user| user.is_called(&login_name::fold(name))))
}

/// The user with exactly this Name or UserName, byte by byte. For names from another system, which may distinguish
/// names that are equal here.
pub async fn find_by_exact_login(db: &impl ConnectionTrait, name: &str) -> Result<Option<User>, DbErr> {
    let found = find_by_login(db, name).await?;
    Ok(found.filter(|User { user, .. }| !name.is_empty() && (user.name == name || user.user_name == name)))
}

/// The users with these ids, by id.
pub async fn find_many(db: &impl ConnectionTrait, mut ids: Vec<i32>) -> Result<Vec<User>, DbErr> {
    ids.sort_unstable();
    ids.dedup();
    let mut users = Vec::new();
    for ids in ids.chunks(MAX_IDS) {
        let some = Entity::find().filter(id_in(db, Column::Id, ids)).order_by_asc(Column::Id);
        users.extend(select(db, some).await?);
    }
    Ok(users)
}

/// The users that meet a condition, by id.
pub(super) async fn list_where(db: &impl ConnectionTrait, which: Condition) -> Result<Vec<User>, DbErr> {
    select(db, Entity::find().filter(which).order_by_asc(Column::Id)).await
}

/// The users in `ids`, and the users in `sharers_of` together with all users who share their persons.
pub(super) async fn list_with_sharers(
    db: &impl ConnectionTrait,
    ids: &[i32],
    sharers_of: &[i32],
) -> Result<Vec<User>, DbErr> {
    if sharers_of.is_empty() {
        return find_many(db, ids.to_vec()).await;
    }
    let persons = Entity::find().select_only().column(Column::PersonId).filter(id_in(db, Column::Id, sharers_of));
    let shares = Condition::any()
        .add(id_in(db, Column::Id, &[ids, sharers_of].concat()))
        .add(Column::PersonId.in_subquery(persons.into_query()));
    select(db, Entity::find().filter(shares)).await
}

/// Selects the ids of the users with this main group.
pub(super) fn ids_of_group(id: i32) -> SelectStatement {
    Entity::find().select_only().column(Column::Id).filter(Column::UserGroupId.eq(id)).into_query()
}

/// Changes a column from one value to another for all users who have the first.
pub(super) async fn move_all(db: &impl ConnectionTrait, column: Column, from: i32, to: i32) -> Result<(), DbErr> {
    let update = Entity::update_many().col_expr(column, Expr::value(to)).filter(column.eq(from));
    update.col_expr(Column::UpdatedAt, Expr::value(clock::now())).exec(db).await.map(drop)
}

/// Sets the time of a user's last change, after a change in another table.
pub(super) async fn note_change(db: &impl ConnectionTrait, id: i32) -> Result<(), DbErr> {
    set_columns(db, id, Vec::new()).await
}

/// Sets the time of the last change of all users of a person.
pub(super) async fn note_changed_person(db: &impl ConnectionTrait, person_id: i32) -> Result<(), DbErr> {
    note_changed_where(db, Column::PersonId.eq(person_id)).await
}

/// As [`note_change`], for the users that `ids` selects.
pub(super) async fn note_changes(db: &impl ConnectionTrait, ids: SelectStatement) -> Result<(), DbErr> {
    note_changed_where(db, Column::Id.in_subquery(ids)).await
}

async fn note_changed_where(db: &impl ConnectionTrait, which: Expr) -> Result<(), DbErr> {
    let update = Entity::update_many().col_expr(Column::UpdatedAt, Expr::value(clock::now()));
    update.filter(which).exec(db).await.map(drop)
}

/// The names of all custom fields that have a value for some user.
pub async fn custom_field_names(db: &impl ConnectionTrait) -> Result<Vec<String>, DbErr> {
    let names = "SELECT DISTINCT field.key AS name FROM users, json_each(users.custom_fields) AS field";
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), names)).await?;
    let mut names: Vec<_> = rows.iter().map(|row| row.try_get("", "name")).collect::<Result<_, _>>()?;
    // Sorted here, because databases sort differently.
    names.sort();
    Ok(names)
}

/// The number of users.
pub async fn count(db: &impl ConnectionTrait) -> Result<u64, DbErr> {
    Entity::find().count(db).await
}

/// All users, by id.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<User>, DbErr> {
    select(db, Entity::find().order_by_asc(Column::Id)).await
}

/// The users with this person, by id.
pub(super) async fn list_by_person(db: &impl ConnectionTrait, person_id: i32) -> Result<Vec<User>, DbErr> {
    select(db, Entity::find().filter(Column::PersonId.eq(person_id)).order_by_asc(Column::Id)).await
}

/// Joins role, group and person.
pub(super) fn with_relations(users: Select<Entity>) -> Select<Entity> {
    users.inner_join(role::Entity).inner_join(user_group::Entity).left_join(person::Entity)
}

// `all` instead of `one`, because SQLite would prepare a statement with a bound LIMIT again each time.
async fn select(db: &impl ConnectionTrait, users: Select<Entity>) -> Result<Vec<User>, DbErr> {
    with_relations(users).into_partial_model().all(db).await
}

impl Model {
    /// A new user with empty values.
    pub fn blank(user_type: UserType) -> Self {
        let now = clock::now();
        Self {
            id: 0,
            name: String::new(),
            user_name: String::new(),
            nick_name: String::new(),
            tooltip: String::new(),
            rank: 0,
            user_type,
            deleted: false,
            is_on_travel: false,
            waiting_for_approval: false,
            last_login: None,
            last_logout: None,
            ej_user_id: 0,
            presence_status: Presence::StatusNormal,
            presence_message: String::new(),
            extra_fields: Fields::default(),
            custom_fields: Fields::default(),
            role_id: 0,
            user_group_id: 0,
            person_id: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// Sets columns and the time of the last change.
    pub(super) fn set_columns(&mut self, values: &[(Column, Value)], time: DateTimeUtc) {
        for (column, value) in values {
            self.set(*column, value.clone());
        }
        self.updated_at = time;
    }

    /// The texts with a folded copy, by folded column.
    fn folded_texts(&self) -> [(&'static str, &str); 4] {
        [
            (NAME_FOLDED, &self.name),
            (USER_NAME_FOLDED, &self.user_name),
            (NICK_NAME_FOLDED, &self.nick_name),
            (TOOLTIP_FOLDED, &self.tooltip),
        ]
    }
}

/// Inserts a row; its `id` is assigned by the database.
pub(super) async fn insert(db: &impl ConnectionTrait, row: Model) -> Result<i32, DbErr> {
    let mut new = ActiveModel::from(row.clone()).reset_all();
    new.id = sea_orm::NotSet;
    folded::insert(db, new, &row.folded_texts()).await
}

/// Updates the row with this `id`.
pub(super) async fn update(db: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    let row = Model { updated_at: clock::now(), ..row };
    folded::update(db, ActiveModel::from(row.clone()).reset_all(), &row.folded_texts()).await
}

/// Whether another user has this NickName.
pub async fn has_nick_name(db: &impl ConnectionTrait, nick_name: &str, except: i32) -> Result<bool, DbErr> {
    Ok(Entity::find().filter(Column::NickName.eq(nick_name)).filter(Column::Id.ne(except)).count(db).await? > 0)
}

/// Records a login of the user.
pub async fn set_last_login(db: &impl ConnectionTrait, id: i32) -> Result<(), DbErr> {
    set_columns(db, id, vec![(Column::LastLogin, clock::now().into())]).await
}

/// Records a logout of the user.
pub async fn set_last_logout(db: &impl ConnectionTrait, id: i32) -> Result<(), DbErr> {
    set_columns(db, id, vec![(Column::LastLogout, clock::now().into())]).await
}

/// Changes columns of a user.
pub async fn set_columns(db: &impl ConnectionTrait, id: i32, values: Vec<(Column, Value)>) -> Result<(), DbErr> {
    let mut update = Entity::update_many().filter(Column::Id.eq(id));
    for (column, value) in with_derived_columns(values, clock::now()) {
        update = update.col_expr(column, Expr::value(value));
    }
    update.exec(db).await.map(drop)
}

/// Adds the folded copies of texts and the time of the change to changed columns.
pub(super) fn with_derived_columns(values: Vec<(Column, Value)>, time: DateTimeUtc) -> Vec<(&'static str, Value)> {
    let folded = |(column, value): &(Column, Value)| Some((folded_column(*column)?, folded::value(value)));
    let copies: Vec<_> = values.iter().filter_map(folded).collect();
    let changed = values.into_iter().map(|(column, value)| (column.as_str(), value));
    changed.chain(copies).chain([(Column::UpdatedAt.as_str(), time.into())]).collect()
}

/// The column of a text's folded copy.
fn folded_column(column: Column) -> Option<&'static str> {
    match column {
        Column::Name => Some(NAME_FOLDED),
        Column::UserName => Some(USER_NAME_FOLDED),
        Column::NickName => Some(NICK_NAME_FOLDED),
        Column::Tooltip => Some(TOOLTIP_FOLDED),
        _ => None,
    }
}
