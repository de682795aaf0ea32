//! The error responses of operations that read users.

use crate::api::openapi::error_responses::error_responses;

error_responses! {
    /// The errors of reading users.
    pub enum ReadUserError {
        /// Forbidden. The caller may not see this user; the answer is the same for users that do not exist.
        403 Forbidden,
    }
}
