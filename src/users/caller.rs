//! The authenticated caller of a request, and the caller's rights.

use super::{
    User,
    role::{self, ADMINISTRATOR, FunctionRight, RoleType},
};
use crate::executions::audit::{Actor, Source};

/// An authenticated user. `auth` makes it from a request. Callers are not compared as a whole, because each request has a
/// source of its own.
#[derive(Clone, Debug)]
pub struct Caller {
    pub user_id: i32,
    /// The user's Name.
    pub name: String,
    /// The name of the user's role.
    pub role: String,
    /// The rank of the role. Higher ranks outrank lower ones.
    pub role_rank: i32,
    /// The application that sent the request.
    pub application_id: Option<i32>,
    /// Where the request comes from.
    pub source: Source,
    role_type: RoleType,
    rights: Vec<FunctionRight>,
}

impl Caller {
    /// This user as the caller; `None` for a retired user.
    pub fn of(user: &User) -> Option<Self> {
        if user.is_retired() {
            return None;
        }
        Some(Self {
            user_id: user.user.id,
            name: user.user.name.clone(),
            role: user.role.name.clone(),
            role_rank: user.role.rank,
            application_id: None,
            source: Source::system(),
            role_type: user.role.role_type,
            rights: user.role.function_rights.0.clone(),
        })
    }

    /// The operator of the command line, or the server itself: has all rights but is not a user.
    pub fn operator(source: Source) -> Self {
        Self {
            user_id: 0,
            name: String::new(),
            role: ADMINISTRATOR.to_owned(),
            role_rank: i32::MAX,
            application_id: None,
            source,
            role_type: RoleType::Employee,
            rights: FunctionRight::all().collect(),
        }
    }

    /// The same caller with another source.
    #[must_use]
    pub fn with_source(self, source: Source) -> Self {
        Self { source, ..self }
    }

    /// Whether this is the same user with the same rights, in whatever request.
    pub fn has_same_rights(&self, other: &Self) -> bool {
        let Self { user_id, name, role, role_rank, application_id, source: _, role_type, rights } = self;
        (user_id, role_rank, application_id, role_type)
            == (&other.user_id, &other.role_rank, &other.application_id, &other.role_type)
            && (name, role, rights) == (&other.name, &other.role, &other.rights)
    }

    /// The caller as the actor of a change.
    pub fn actor(&self) -> Actor {
        if self.user_id == 0 {
            return Actor::of(self.source.clone());
        }
        Actor {
            user_id: Some(self.user_id),
            name: self.name.clone(),
            application_id: self.application_id,
            source: self.source.clone(),
        }
    }

    /// Callers may always read themselves, and other users with the right to read users.
    pub fn may_read(&self, user_id: i32) -> bool {
        self.user_id == user_id || self.may_read_others()
    }

    /// Callers may manage themselves unless they are anonymous, and with the right to manage users all users with a
    /// role that they may give.
    pub fn may_manage(&self, user: &User) -> bool {
        let is_self = self.user_id == user.user.id && self.role_type != RoleType::Anonymous;
        is_self || self.may_manage_others() && self.may_give(&user.role)
    }

    /// Whether a caller with the right to manage users may give them this role. It must not outrank the caller's role. Only
    /// administrators and system users may give roles for system users, because system users get secrets of other users.
    pub fn may_give(&self, role: &role::Model) -> bool {
        let is_closed = role.role_type == RoleType::System && !self.is_system_user() && !self.is_administrator();
        role.rank <= self.role_rank && !is_closed
    }

    /// Whether the caller's role has the right to manage users.
    pub fn may_manage_others(&self) -> bool {
        self.rights.contains(&FunctionRight::ManageUsers)
    }

    /// Whether the caller has the role `Administrator`.
    pub fn is_administrator(&self) -> bool {
        self.role == ADMINISTRATOR
    }

    /// Whether the caller's role is for system users.
    pub fn is_system_user(&self) -> bool {
        self.role_type == RoleType::System
    }

    /// Whether the caller's role has the right to read users.
    pub fn may_read_others(&self) -> bool {
        self.rights.contains(&FunctionRight::ReadUsers)
    }
}
