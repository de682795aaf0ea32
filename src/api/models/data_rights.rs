//! The data rights of a role as a matrix (docs/upstream.md §1.6).

use poem_openapi::{Enum, Object};

use super::rights::{FieldProperties, TableRight};
use crate::users::data_right::{self, TABLES};

/// How a user is related to the owner of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum RoleRelationToOwner {
    MyOwn,
    PrimaryGroup,
    OtherAssociates,
    OtherGroups,
    ExternalUser,
    Anonymous,
    MyCompany,
    SameProject,
    /// Upstream's custom objects, which have no data rights here.
    CustomObjects,
}

/// What users with a role may do with the records of a table, by the owner of the record. This server stores these rights
/// for other systems; they have no effect in it.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct DataRights {
    /// The columns of the matrix: how a user is related to the owner.
    pub columns_info: Vec<RelationToOwner>,
    /// The rows of the matrix: the tables.
    pub rows_info: Vec<EntityName>,
    /// The rights, a list for each row.
    pub rights: Vec<Vec<DataRight>>,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// A column of the matrix.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct RelationToOwner {
    /// The number of the relation, from 0.
    pub id: i32,
    /// The name of the relation.
    pub value: String,
    /// Always empty.
    pub tooltip: String,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// A row of the matrix.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct EntityName {
    /// The name of the table.
    pub table_name: String,
    /// Always empty.
    pub table_description: String,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// A right.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct DataRight {
    /// What is allowed: letters for create, read, update and delete, or nothing.
    pub value: String,
    /// Always empty.
    pub description: String,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

impl DataRights {
    /// Whether there is any right.
    pub fn is_any_set(&self) -> bool {
        self.rights.iter().flatten().any(|right| !right.value.is_empty())
    }

    /// The tables, the relations, and the rights in each row: what is stored.
    pub fn stored(&self) -> (Vec<&str>, Vec<&str>, Vec<Vec<&str>>) {
        let rights = self.rights.iter().map(|row| row.iter().map(|right| right.value.as_str()).collect());
        (
            self.rows_info.iter().map(|table| table.table_name.as_str()).collect(),
            self.columns_info.iter().map(|relation| relation.value.as_str()).collect(),
            rights.collect(),
        )
    }
}

/// Fails for [`RoleRelationToOwner::CustomObjects`].
impl TryFrom<RoleRelationToOwner> for data_right::RelationToOwner {
    type Error = ();

    fn try_from(relation: RoleRelationToOwner) -> Result<Self, ()> {
        Ok(match relation {
            RoleRelationToOwner::MyOwn => Self::MyOwn,
            RoleRelationToOwner::PrimaryGroup => Self::PrimaryGroup,
            RoleRelationToOwner::OtherAssociates => Self::OtherAssociates,
            RoleRelationToOwner::OtherGroups => Self::OtherGroups,
            RoleRelationToOwner::ExternalUser => Self::ExternalUser,
            RoleRelationToOwner::Anonymous => Self::Anonymous,
            RoleRelationToOwner::MyCompany => Self::MyCompany,
            RoleRelationToOwner::SameProject => Self::SameProject,
            RoleRelationToOwner::CustomObjects => return Err(()),
        })
    }
}

impl From<&data_right::DataRights> for DataRights {
    fn from(rights: &data_right::DataRights) -> Self {
        let relations = || data_right::RelationToOwner::all();
        let right = |value: &str| DataRight {
            value: value.to_owned(),
            description: String::new(),
            table_right: None,
            field_properties: FieldProperties::new(),
        };
        let row = |table: &str| relations().map(|relation| right(rights.get(table, relation))).collect();
        let column = |(id, relation): (i32, data_right::RelationToOwner)| RelationToOwner {
            id,
            value: relation.word(),
            tooltip: String::new(),
            table_right: None,
            field_properties: FieldProperties::new(),
        };
        let name = |table: &str| EntityName {
            table_name: table.to_owned(),
            table_description: String::new(),
            table_right: None,
            field_properties: FieldProperties::new(),
        };
        Self {
            columns_info: (0..).zip(relations()).map(column).collect(),
            rows_info: TABLES.into_iter().map(name).collect(),
            rights: TABLES.into_iter().map(row).collect(),
            table_right: None,
            field_properties: FieldProperties::new(),
        }
    }
}
