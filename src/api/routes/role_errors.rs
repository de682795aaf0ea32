//! The errors of changing roles and groups.

use crate::api::openapi::error_responses::error_responses;

error_responses! {
    /// The errors of saving and deleting a role.
    pub enum ChangeRoleError {
        /// Bad request. A property is missing or wrong; the message names it.
        400 BadRequest,
        /// Forbidden. The caller is not an administrator.
        403 Forbidden,
        /// The server has no room to store anything; nothing happened.
        507 InsufficientStorage,
    }
}

error_responses! {
    /// The errors of saving and deleting a group.
    pub enum ChangeGroupError {
        /// Bad request. A property is missing or wrong; the message names it.
        400 BadRequest,
        /// Forbidden. The caller is not an administrator.
        403 Forbidden,
        /// The server has no room to store anything; nothing happened.
        507 InsufficientStorage,
    }
}
