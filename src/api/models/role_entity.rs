//! `RoleEntity`: a role with all its properties (docs/upstream.md §1.2).

use std::collections::BTreeMap;

use poem_openapi::Object;

use super::datetime::UtcDateTime;
use super::{
    Associate, DataRights, RoleType,
    rights::{FieldProperties, TableRight},
};
use crate::users::{
    data_right,
    role::{self, FunctionRights},
};

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
    /// The data rights of the role; null for a role that is not saved. `SetDataRight` changes them: saving the role does
    /// not.
    pub data_rights: Option<DataRights>,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// A role with links.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(nullable_all)]
pub struct RoleEntityWithLinks {
    #[oai(flatten)]
    pub role: RoleEntity,
    /// Absolute URLs: `Self` of this role, and `Archive` of all roles.
    #[oai(rename = "_Links")]
    pub links: BTreeMap<String, String>,
}

impl RoleEntityWithLinks {
    /// Adds links. As upstream's, they are absolute and have the entity in lower case (docs/upstream.md §1.1).
    pub fn new(role: RoleEntity, base: &str) -> Self {
        let archive = format!("{base}/api/v1/role");
        let this = format!("{archive}/{}", role.role_id);
        Self { role, links: BTreeMap::from([("Archive".to_owned(), archive), ("Self".to_owned(), this)]) }
    }
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

impl RoleEntity {
    /// A stored role with its data rights.
    pub fn new(role: role::Model, rights: &data_right::DataRights) -> Self {
        Self { data_rights: Some(rights.into()), ..Self::from(role) }
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
