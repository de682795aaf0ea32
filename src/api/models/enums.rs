//! Upstream's enums. Responses have their names, never their numbers (docs/upstream.md §2.1).

use poem_openapi::{Enum, types::ParseFromJSON};

use crate::users::{self, role};

/// A type of user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum UserType {
    Unknown,
    /// An employee.
    InternalAssociate,
    /// A resource that can be booked, such as a room.
    ResourceAssociate,
    /// A person from another company.
    ExternalAssociate,
    /// An anonymous user.
    AnonymousAssociate,
    /// A program.
    SystemAssociate,
}

impl UserType {
    /// The type with this name; the case must match.
    pub fn named(name: &str) -> Option<Self> {
        Self::parse_from_json(Some(name.into())).ok()
    }
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

/// Fails for [`UserType::Unknown`].
impl TryFrom<UserType> for users::UserType {
    type Error = ();

    fn try_from(user_type: UserType) -> Result<Self, ()> {
        match user_type {
            UserType::Unknown => Err(()),
            UserType::InternalAssociate => Ok(Self::InternalAssociate),
            UserType::ResourceAssociate => Ok(Self::ResourceAssociate),
            UserType::ExternalAssociate => Ok(Self::ExternalAssociate),
            UserType::AnonymousAssociate => Ok(Self::AnonymousAssociate),
            UserType::SystemAssociate => Ok(Self::SystemAssociate),
        }
    }
}

impl From<EjUserStatus> for users::Presence {
    fn from(status: EjUserStatus) -> Self {
        match status {
            EjUserStatus::StatusNone => Self::StatusNone,
            EjUserStatus::StatusNormal => Self::StatusNormal,
            EjUserStatus::StatusNotAvailable => Self::StatusNotAvailable,
            EjUserStatus::StatusDeleted => Self::StatusDeleted,
            EjUserStatus::StatusReadOnly => Self::StatusReadOnly,
            EjUserStatus::StatusSpm => Self::StatusSpm,
            EjUserStatus::StatusSystem => Self::StatusSystem,
        }
    }
}

/// The presence of a user.
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

/// The type of users that a role is for.
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

impl From<RoleType> for role::RoleType {
    fn from(role_type: RoleType) -> Self {
        match role_type {
            RoleType::Employee => Self::Employee,
            RoleType::ExternalUser => Self::ExternalUser,
            RoleType::Anonymous => Self::Anonymous,
            RoleType::System => Self::System,
        }
    }
}
