//! Roles and their rights.

use std::collections::BTreeSet;

use sea_orm::{FromJsonQueryResult, Iterable, NotSet, QueryOrder, Set, entity::prelude::*};
use serde::{Deserialize, Serialize};

use super::folded;

/// The column of the folded name.
const NAME_FOLDED: &str = "name_folded";

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "roles")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    #[sea_orm(unique)]
    pub name: String,
    pub tooltip: String,
    pub role_type: RoleType,
    pub rank: i32,
    #[sea_orm(column_type = "Json")]
    pub function_rights: FunctionRights,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Whether the role has this right.
    pub fn has(&self, right: FunctionRight) -> bool {
        self.function_rights.0.contains(&right)
    }
}

/// The kind of users that a role is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(32))", rename_all = "PascalCase")]
pub enum RoleType {
    Employee,
    ExternalUser,
    Anonymous,
    System,
}

/// A right of a role. Without rights, users may only read and change themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumIter, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FunctionRight {
    /// Read other users.
    ReadUsers,
    /// Manage other users, unless their role outranks the caller's role.
    ManageUsers,
}

impl FunctionRight {
    /// All rights.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::iter()
    }

    /// The right with this name, ignoring case.
    pub fn named(name: &str) -> Option<Self> {
        Self::iter().find(|right| right.name().eq_ignore_ascii_case(name))
    }

    /// The id in the API, from 1.
    pub fn id(self) -> i32 {
        self as i32 + 1
    }

    /// The name in the API and the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReadUsers => "read-users",
            Self::ManageUsers => "manage-users",
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct FunctionRights(pub Vec<FunctionRight>);

/// The role of administrators.
pub const ADMINISTRATOR: &str = "Administrator";
/// The default role.
pub const EMPLOYEE: &str = "Employee";
/// The role of users from outside the company.
pub const EXTERNAL_USER: &str = "ExternalUser";

/// The role of users who manage other users.
pub const USER_ADMIN: &str = "UserAdmin";
/// The role of anonymous users.
pub const ANONYMOUS: &str = "Anonymous";
/// The role of programs.
pub const SYSTEM: &str = "System";

/// The roles that every installation has.
pub const BUILT_IN: [&str; 6] = [ADMINISTRATOR, EMPLOYEE, EXTERNAL_USER, USER_ADMIN, ANONYMOUS, SYSTEM];

/// Creates the missing built-in roles.
pub async fn ensure_defaults(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    use FunctionRight::{ManageUsers, ReadUsers};
    let built_in = [
        (ADMINISTRATOR, "May read and act on every user", RoleType::Employee, 30, vec![ReadUsers, ManageUsers]),
        (EMPLOYEE, "Works here", RoleType::Employee, 20, vec![ReadUsers]),
        (EXTERNAL_USER, "Sees only their own user", RoleType::ExternalUser, 10, vec![]),
        (USER_ADMIN, "Manages users, but no administrators", RoleType::Employee, 25, vec![ReadUsers, ManageUsers]),
        (ANONYMOUS, "A user who did not log in", RoleType::Anonymous, 0, vec![]),
        (SYSTEM, "A program that manages users", RoleType::System, 30, vec![ReadUsers, ManageUsers]),
    ];
    let known: Vec<_> = list(db).await?.into_iter().map(|role| role.name).collect();
    for (name, tooltip, role_type, rank, rights) in built_in {
        if !known.iter().any(|known| known == name) {
            insert(db, NewRole { name, tooltip, role_type, rank, rights }).await?;
        }
    }
    Ok(())
}

/// A role that does not exist yet.
#[derive(Clone, Debug)]
pub struct NewRole<'a> {
    pub name: &'a str,
    pub tooltip: &'a str,
    pub role_type: RoleType,
    pub rank: i32,
    pub rights: Vec<FunctionRight>,
}

/// Creates a role.
///
/// # Errors
/// The name is taken.
pub async fn insert(db: &impl ConnectionTrait, new: NewRole<'_>) -> Result<(), DbErr> {
    let row = ActiveModel {
        name: Set(new.name.to_owned()),
        tooltip: Set(new.tooltip.to_owned()),
        role_type: Set(new.role_type),
        rank: Set(new.rank),
        function_rights: Set(FunctionRights(new.rights)),
        id: NotSet,
    };
    folded::insert(db, row, &[(NAME_FOLDED, new.name)]).await.map(drop)
}

/// All roles, by rank.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<Model>, DbErr> {
    Entity::find().order_by_desc(Column::Rank).order_by_asc(Column::Id).all(db).await
}

/// The roles with these names.
pub(super) async fn list_named(db: &impl ConnectionTrait, names: &BTreeSet<String>) -> Result<Vec<Model>, DbErr> {
    match names.is_empty() {
        true => Ok(Vec::new()),
        false => Entity::find().filter(Column::Name.is_in(names)).all(db).await,
    }
}

/// The role of this name.
pub async fn find_by_name(db: &impl ConnectionTrait, name: &str) -> Result<Option<Model>, DbErr> {
    Entity::find().filter(Column::Name.eq(name)).one(db).await
}

/// The role with this id.
pub async fn find(db: &impl ConnectionTrait, id: i32) -> Result<Option<Model>, DbErr> {
    Ok(Entity::find().filter(Column::Id.eq(id)).all(db).await?.pop())
}

/// The default role for new users: `Employee`, or for other kinds of users the lowest role of that kind.
pub async fn default_of(db: &impl ConnectionTrait, role_type: RoleType) -> Result<Option<Model>, DbErr> {
    if role_type == RoleType::Employee
        && let Some(employee) = find_by_name(db, EMPLOYEE).await?
    {
        return Ok(Some(employee));
    }
    Ok(list(db).await?.into_iter().rfind(|role| role.role_type == role_type))
}

/// Inserts a role if its `id` is 0, otherwise updates it.
pub(super) async fn store(db: &impl ConnectionTrait, role: Model) -> Result<Model, DbErr> {
    let mut row = ActiveModel::from(role.clone()).reset_all();
    let texts = [(NAME_FOLDED, role.name.as_str())];
    if role.id != 0 {
        folded::update(db, row, &texts).await?;
        return Ok(role);
    }
    row.id = NotSet;
    let id = folded::insert(db, row, &texts).await?;
    Ok(Model { id, ..role })
}

/// Deletes a role. No user may have it.
pub(super) async fn delete(db: &impl ConnectionTrait, id: i32) -> Result<(), DbErr> {
    Entity::delete_by_id(id).exec(db).await.map(drop)
}
