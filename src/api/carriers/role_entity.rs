//! A role with all of it (contract §1.2).

use poem_openapi::Object;

use super::{
    Associate, RoleType,
    rights::{FieldProperties, TableRight},
};
use crate::{
    api::wire::UtcDateTime,
    users::role::{self, FunctionRights},
};

/// A role, with all of it.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase")]
pub struct RoleEntity {
    /// The role's id.
    pub role_id: i32,
    /// Its name.
    pub name: String,
    /// A hint about it.
    pub tooltip: String,
    /// What kind of users it is for. Later changes have no effect.
    pub role_type: RoleType,
    /// Always 0: roles are deleted for good.
    pub deleted: i32,
    /// Where it stands: a higher one outranks a lower one.
    pub rank: i32,
    /// Always `0001-01-01T00:00:00Z`: it is not kept.
    pub created: UtcDateTime,
    /// Always 0.
    pub use_categories: i32,
    /// Always null: it is not kept.
    pub created_by: Option<Associate>,
    /// Always `0001-01-01T00:00:00Z`: it is not kept.
    pub updated: UtcDateTime,
    /// Always null: it is not kept.
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
#[oai(rename_all = "PascalCase")]
pub struct DataRights {
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

impl RoleEntity {
    /// A role of this type of which nothing is known yet.
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
