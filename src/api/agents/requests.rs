//! The bodies that several operations of the agent take.

use poem_openapi::{Object, types::Example};

use super::super::{
    body::Partial,
    carriers::{User, UserType},
};

/// A user, by id.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase", example)]
pub struct AssociateRequest {
    /// The user's id.
    pub associate_id: i32,
}

/// A user, by name.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase", example)]
pub struct AssociateNameRequest {
    /// The user's Name or UserName.
    pub associate_name: String,
}

impl Example for AssociateRequest {
    fn example() -> Self {
        Self { associate_id: 2 }
    }
}

impl Example for AssociateNameRequest {
    fn example() -> Self {
        Self { associate_name: "anna".to_owned() }
    }
}

/// A user, whole.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct UserRequest {
    /// The user.
    pub user: Partial<User>,
}

/// A type of users.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct UserTypeRequest {
    /// The type.
    pub user_type: UserType,
}

/// A name that a user might have.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct UserNameRequest {
    /// The user who has the name already, if it is nobody else; 0 for a new one.
    pub associate_id: Option<i32>,
    /// Accepted; makes no difference.
    pub r#type: Option<UserType>,
    /// Accepted; makes no difference.
    pub person_id: Option<i32>,
    /// The name.
    pub user_name: String,
}
