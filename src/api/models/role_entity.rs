//! `RoleEntity`: a role with all its properties (docs/upstream.md §1.2).

use poem_openapi::Object;

use super::datetime::UtcDateTime;
use super::{
    Associate, RoleType,
    rights::{FieldProperties, TableRight},
};
use crate::users::role::{self, FunctionRights};

/// A role with all its properties.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct RoleEntity {
    /// The id of the role.
    pub role_id: i32,
    /// The name of the role.
    pub name: String,
    /// The tooltip of the role.
    pub tooltip: String,
    /// The type of users that the role is for. It cannot be changed later.
    pub role_type: RoleType,
    /// Always 0: deleted roles do not exist any more.
    pub deleted: i32,
    /// The rank of the role. A role with a higher rank outranks one with a lower rank.
    pub rank: i32,
    /// Always `0001-01-01T00:00:00Z`: this server does not store it.
    pub created: UtcDateTime,
    /// Always 0.
    pub use_categories: i32,
    /// Always null: this server does not store it.
    pub created_by: Option<Associate>,
    /// Always `0001-01-01T00:00:00Z`: this server does not store it.
    pub updated: UtcDateTime,
    /// Always null: this server does not store it.
    pub updated_by: Option<Associate>,
    /// Always null: this server has function rights only.
    pub data_rights: Option<DataRights>,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// Rights by table and owner. This server has none.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct DataRights {
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

impl RoleEntity {
    /// A new, empty role of this type.
    pub fn blank(role_type: RoleType) -> Self {
        Self {
            role_id: 0,
            name: String::new(),
            tooltip: String::new(),
            role_type,
            deleted: 0,
            rank: 0,
            created: UtcDateTime(None),
            use_categories: 0,
            created_by: None,
            updated: UtcDateTime(None),
            updated_by: None,
            data_rights: None,
            table_right: None,
            field_properties: FieldProperties::new(),
        }
    }
}

impl From<role::Model> for RoleEntity {
    fn from(role: role::Model) -> Self {
        Self {
            role_id: role.id,
            name: role.name,
            tooltip: role.tooltip,
            rank: role.rank,
            ..Self::blank(role.role_type.into())
        }
    }
}

impl From<RoleEntity> for role::Model {
    fn from(role: RoleEntity) -> Self {
        Self {
            id: role.role_id,
            name: role.name,
            tooltip: role.tooltip,
            role_type: role.role_type.into(),
            rank: role.rank,
            function_rights: FunctionRights::default(),
        }
    }
}
