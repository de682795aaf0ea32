//! The request bodies that several operations of the agent share.

use poem_openapi::Object;

use crate::api::{
    extract::json_body::PartialUpdate,
    models::{User, UserType},
};

/// A user by id.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct AssociateRequest {
    /// The id of the user.
    pub associate_id: i32,
}

/// A user by name.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct AssociateNameRequest {
    /// The Name or UserName of the user.
    pub associate_name: String,
}

/// A whole user.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct UserRequest {
    /// The user.
    pub user: PartialUpdate<User>,
}

/// A type of user.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct UserTypeRequest {
    /// The type of user.
    pub user_type: UserType,
}

/// A name to check for a user.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct UserNameRequest {
    /// The id of the user to check the name for; 0 for a new user. The user's own present name is valid.
    #[oai(nullable)]
    pub associate_id: Option<i32>,
    /// Accepted, but has no effect.
    #[oai(nullable)]
    pub r#type: Option<UserType>,
    /// Accepted, but has no effect.
    #[oai(nullable)]
    pub person_id: Option<i32>,
    /// The name to check.
    pub user_name: String,
}
