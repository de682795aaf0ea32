//! The data rights of roles: what users with a role may do with the records of a table, by the owner of the record.
//!
//! They are stored for clients that keep a whole role here. This server has none of these tables, so the rights have no
//! effect in it (docs/upstream.md §1.6).

use std::collections::BTreeMap;

use sea_orm::{ActiveEnum, Iterable, Set, entity::prelude::*, sea_query::OnConflict};

use super::role::{self, ADMINISTRATOR};

/// The tables with data rights, in the order of the matrix.
pub const TABLES: [&str; 9] =
    ["contact", "person", "project", "projectmember", "selection", "sale", "appointment", "document", "relation"];

/// The values of a right, each with what it allows: create, read, update and delete.
pub const VALUES: [&str; 5] = ["", "R", "CR", "CRU", FULL];
const FULL: &str = "CRUD";

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "data_rights")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub role_id: i32,
    #[sea_orm(primary_key, auto_increment = false)]
    pub table_name: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub relation: RelationToOwner,
    pub value: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// How a user is related to the owner of a record. The names are upstream's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(32))", rename_all = "PascalCase")]
pub enum RelationToOwner {
    MyOwn,
    PrimaryGroup,
    OtherAssociates,
    OtherGroups,
    ExternalUser,
    Anonymous,
    MyCompany,
    SameProject,
}

impl RelationToOwner {
    /// The name in the database and the API.
    pub fn word(self) -> String {
        self.to_value()
    }

    /// All relations, in the order of the matrix.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::iter()
    }
}

/// The rights of a role, by table and relation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataRights(BTreeMap<(String, RelationToOwner), String>);

impl DataRights {
    /// Everything: the rights of administrators.
    fn full() -> Self {
        let all = TABLES.into_iter().flat_map(|table| RelationToOwner::all().map(move |relation| (table, relation)));
        Self(all.map(|(table, relation)| ((table.to_owned(), relation), FULL.to_owned())).collect())
    }

    /// The rights that are set.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, RelationToOwner, &str)> {
        self.0.iter().map(|((table, relation), value)| (table.as_str(), *relation, value.as_str()))
    }

    /// The value of a right; empty, for no right, when none was set.
    pub fn get(&self, table: &str, relation: RelationToOwner) -> &str {
        self.0.get(&(table.to_owned(), relation)).map(String::as_str).unwrap_or_default()
    }
}

/// The table with this name, ignoring case.
pub fn table_named(name: &str) -> Option<&'static str> {
    TABLES.into_iter().find(|table| table.eq_ignore_ascii_case(name.trim()))
}

/// The value with these letters, in any case.
pub fn value_named(text: &str) -> Option<&'static str> {
    VALUES.into_iter().find(|value| value.eq_ignore_ascii_case(text.trim()))
}

/// The rights of a role. The role of administrators, which cannot be changed, has all rights.
pub async fn of_role(db: &impl ConnectionTrait, role: &role::Model) -> Result<DataRights, DbErr> {
    if role.name == ADMINISTRATOR {
        return Ok(DataRights::full());
    }
    let rows = Entity::find().filter(Column::RoleId.eq(role.id)).all(db).await?.into_iter();
    Ok(DataRights(rows.map(|row| ((row.table_name, row.relation), row.value)).collect()))
}

/// Sets a right of a role.
pub(super) async fn set(
    db: &impl ConnectionTrait,
    role_id: i32,
    table: &str,
    relation: RelationToOwner,
    value: &str,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        role_id: Set(role_id),
        table_name: Set(table.to_owned()),
        relation: Set(relation),
        value: Set(value.to_owned()),
    };
    let replace = OnConflict::columns([Column::RoleId, Column::TableName, Column::Relation])
        .update_column(Column::Value)
        .to_owned();
    Entity::insert(row).on_conflict(replace).exec_without_returning(db).await.map(drop)
}
