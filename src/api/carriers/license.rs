//! Licences of modules. This server has none: the shapes are upstream's, the lists are empty (contract §2).

use poem_openapi::{Enum, Object};

use super::rights::{FieldProperties, TableRight};
use crate::api::wire::DateTime;

/// Somebody who sells licences.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase")]
pub struct LicenseOwner {
    /// Who.
    pub name: String,
    /// More about the seller.
    pub description: String,
    /// Licences that are counted.
    pub restricted_module_licenses: Vec<ModuleLicenseLink>,
    /// Licences that are not.
    pub unrestricted_module_licenses: Vec<ModuleLicenseLink>,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// A licence of a module.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase")]
pub struct ModuleLicenseLink {
    /// It is not counted.
    pub unrestricted: bool,
    /// How many there are.
    pub total: i32,
    /// A hint about it.
    pub tooltip: String,
    /// It can be given to a user.
    pub can_assign: bool,
    /// How many are left.
    pub free: i32,
    /// How many are taken.
    pub in_use: i32,
    /// It is not shown.
    pub is_hidden: bool,
    /// The user has it.
    pub assigned: bool,
    /// Its id.
    pub module_license_id: i32,
    /// Its name.
    pub name: String,
    /// More about it.
    pub description: String,
    /// The module it needs.
    pub prerequisite_module_name: String,
    /// Where it stands.
    pub sort_order: i32,
    /// 1 for a user plan.
    pub extra_flags: i32,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// A licence of a module that somebody has.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase")]
pub struct GrantedModuleLicense {
    /// Who sells it.
    pub owner_id: i32,
    /// Who sells it, by name.
    pub owner_name: String,
    /// More about the seller.
    pub owner_description: String,
    /// Its id.
    pub module_id: i32,
    /// Its name.
    pub name: String,
    /// More about it.
    pub description: String,
    /// Its version.
    pub version: String,
    /// What it is counted by.
    pub license_type: LicenseType,
    /// 1 for a user plan.
    pub extra_flags: i32,
    /// More about it.
    pub extra_info: String,
    /// Where it stands.
    pub sort_order: i32,
    /// How many there are.
    pub license_number: i32,
    /// It is not shown.
    pub is_hidden: bool,
    /// It is not counted.
    pub is_unrestricted: bool,
    /// When it ends.
    pub expiry_date: DateTime,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// What a licence is counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum LicenseType {
    Unknown,
    #[oai(rename = "SiteLicense")]
    Site,
    #[oai(rename = "SatelliteLicense")]
    Satellite,
    #[oai(rename = "UserLicense")]
    User,
}
