//! Enums that travel as names, never as numbers (contract §2.1).

use poem_openapi::Enum;

use crate::users::{self, role};

/// What kind of user this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum UserType {
    Unknown,
    /// An employee.
    InternalAssociate,
    /// A thing that can be booked.
    ResourceAssociate,
    /// Somebody from another company.
    ExternalAssociate,
    /// Somebody who did not log in.
    AnonymousAssociate,
    /// A program.
    SystemAssociate,
}

impl From<users::UserType> for UserType {
    fn from(user_type: users::UserType) -> Self {
        match user_type {
            users::UserType::InternalAssociate => Self::InternalAssociate,
            users::UserType::ResourceAssociate => Self::ResourceAssociate,
            users::UserType::ExternalAssociate => Self::ExternalAssociate,
            users::UserType::AnonymousAssociate => Self::AnonymousAssociate,
            users::UserType::SystemAssociate => Self::SystemAssociate,
        }
    }
}

/// Whether a user can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum EjUserStatus {
    StatusNone,
    StatusNormal,
    StatusNotAvailable,
    StatusDeleted,
    StatusReadOnly,
    StatusSpm,
    StatusSystem,
}

impl From<users::Presence> for EjUserStatus {
    fn from(presence: users::Presence) -> Self {
        match presence {
            users::Presence::StatusNone => Self::StatusNone,
            users::Presence::StatusNormal => Self::StatusNormal,
            users::Presence::StatusNotAvailable => Self::StatusNotAvailable,
            users::Presence::StatusDeleted => Self::StatusDeleted,
            users::Presence::StatusReadOnly => Self::StatusReadOnly,
            users::Presence::StatusSpm => Self::StatusSpm,
            users::Presence::StatusSystem => Self::StatusSystem,
        }
    }
}

/// What kind of users a role is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum RoleType {
    Employee,
    ExternalUser,
    Anonymous,
    System,
}

impl From<role::RoleType> for RoleType {
    fn from(role_type: role::RoleType) -> Self {
        match role_type {
            role::RoleType::Employee => Self::Employee,
            role::RoleType::ExternalUser => Self::ExternalUser,
            role::RoleType::Anonymous => Self::Anonymous,
            role::RoleType::System => Self::System,
        }
    }
}
