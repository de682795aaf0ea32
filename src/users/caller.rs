//! Who calls.

use super::{
    User,
    role::{ADMINISTRATOR, FunctionRight, RoleType},
};

/// A user who has proved to be that user. `auth` makes one from a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub user_id: i32,
    /// The user's Name.
    pub name: String,
    /// The name of the user's role.
    pub role: String,
    /// Its rank: higher outranks lower.
    pub role_rank: i32,
    /// The application that the call came through.
    pub application_id: Option<i32>,
    is_anonymous: bool,
    rights: Vec<FunctionRight>,
}

impl Caller {
    /// The caller that a user becomes, unless deleted or with a retired person.
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
            is_anonymous: user.role.role_type == RoleType::Anonymous,
            rights: user.role.function_rights.0.clone(),
        })
    }

    /// Whoever works on the database itself: nobody in it, who may do everything.
    pub fn operator() -> Self {
        Self {
            user_id: 0,
            name: String::new(),
            role: ADMINISTRATOR.to_owned(),
            role_rank: i32::MAX,
            application_id: None,
            is_anonymous: false,
            rights: FunctionRight::all().collect(),
        }
    }

    /// Oneself always; others with the right to read users.
    pub fn may_read(&self, user_id: i32) -> bool {
        self.user_id == user_id || self.may_read_others()
    }

    /// Oneself, unless anonymous; with the right to manage users, everybody whose role does not outrank the own one.
    pub fn may_manage(&self, user: &User) -> bool {
        let is_self = self.user_id == user.user.id && !self.is_anonymous;
        is_self || self.may_manage_others() && user.role.rank <= self.role_rank
    }

    /// The role has the right to manage users.
    pub fn may_manage_others(&self) -> bool {
        self.rights.contains(&FunctionRight::ManageUsers)
    }

    /// The role is that of administrators.
    pub fn is_administrator(&self) -> bool {
        self.role == ADMINISTRATOR
    }

    /// The role has the right to read users.
    pub fn may_read_others(&self) -> bool {
        self.rights.contains(&FunctionRight::ReadUsers)
    }
}
