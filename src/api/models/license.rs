//! Upstream's models of module licenses. This server has no licenses, so their lists are always empty
//! (docs/upstream.md §2).

use poem_openapi::{Enum, Object};

use super::datetime::LocalDateTime;
use super::rights::{FieldProperties, TableRight};

/// The licence of a vendor. This server has none.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase")]
pub struct ExtendedLicenseInfo {
    /// Why the licence is as it is.
    pub reason: String,
    /// True when the licence can be activated.
    pub can_be_activated: bool,
}

/// A vendor of licenses.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct LicenseOwner {
    /// The name of the vendor.
    pub name: String,
    /// The description of the vendor.
    pub description: String,
    /// The licenses with a limited number of users.
    pub restricted_module_licenses: Vec<ModuleLicenseLink>,
    /// The licenses without a limit.
    pub unrestricted_module_licenses: Vec<ModuleLicenseLink>,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// A license of a module.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct ModuleLicenseLink {
    /// True when the number of users is not limited.
    pub unrestricted: bool,
    /// The total number of licenses.
    pub total: i32,
    /// The tooltip of the license.
    pub tooltip: String,
    /// True when the license can be assigned to a user.
    pub can_assign: bool,
    /// The number of free licenses.
    pub free: i32,
    /// The number of licenses in use.
    pub in_use: i32,
    /// True when the license is hidden.
    pub is_hidden: bool,
    /// True when the license is assigned to the user.
    pub assigned: bool,
    /// The id of the license.
    pub module_license_id: i32,
    /// The name of the license.
    pub name: String,
    /// The description of the license.
    pub description: String,
    /// The name of the module that this license requires.
    pub prerequisite_module_name: String,
    /// The sort order of the license.
    pub sort_order: i32,
    /// 1 for a user plan.
    pub extra_flags: i32,
    /// Always null in this version.
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// A module license of the logged-in user.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "PascalCase")]
pub struct GrantedModuleLicense {
    /// The id of the vendor.
    pub owner_id: i32,
    /// The name of the vendor.
    pub owner_name: String,
    /// The description of the vendor.
    pub owner_description: String,
    /// The id of the module.
    pub module_id: i32,
    /// The name of the module.
    pub name: String,
    /// The description of the module.
    pub description: String,
    /// The version of the module.
    pub version: String,
    /// The unit that licenses are counted by.
    pub license_type: LicenseType,
    /// 1 for a user plan.
    pub extra_flags: i32,
    /// Additional information.
    pub extra_info: String,
    /// The sort order of the license.
    pub sort_order: i32,
    /// The number of licenses.
    pub license_number: i32,
    /// True when the license is hidden.
    pub is_hidden: bool,
    /// True when the number of users is not limited.
    pub is_unrestricted: bool,
    /// The expiry date.
    pub expiry_date: LocalDateTime,
    /// Always null in this version.
    #[oai(nullable)]
    pub table_right: Option<TableRight>,
    /// Always empty in this version.
    pub field_properties: FieldProperties,
}

/// The unit that licenses are counted by.
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
