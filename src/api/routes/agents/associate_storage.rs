//! What the Associate agent keeps for a user: a notepad, and a key for local storage (docs/upstream.md §1.7).

use poem_openapi::{Object, OpenApi};
use secrecy::ExposeSecret;

use crate::{
    api::{
        extract::{json_body::JsonBody, request::NoBody},
        openapi::{
            error_responses::{Done, ErrorResponse, error_responses},
            tags::Tag,
        },
        respond::format::{Formatted, ResponseFormat},
    },
    users::{Caller, UserService, note, secrets::local_storage_key},
};

#[derive(Default)]
pub struct AssociateStorage;

/// The user with a notepad.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct GetNoteRequest {
    /// The id of the user.
    associate_id: i32,
}

/// The new pages of a user's notepad.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct SaveNoteRequest {
    /// The id of the user.
    associate_id: i32,
    /// The pages: up to 100, with up to 10000 characters each.
    note: Vec<String>,
}

error_responses! {
    /// The errors of reading a notepad.
    pub enum GetNoteError {
        /// Forbidden. The caller may not manage this user.
        403 Forbidden,
        /// There is no such user.
        404 NotFound,
    }
}

error_responses! {
    /// The errors of saving a notepad.
    pub enum SaveNoteError {
        /// Bad request. There are too many pages, or too long ones.
        400 BadRequest,
        /// Forbidden. The caller may not manage this user.
        403 Forbidden,
        /// There is no such user.
        404 NotFound,
        /// The server has no room to store anything; nothing happened.
        507 InsufficientStorage,
    }
}

error_responses! {
    /// The errors of the key for local storage.
    pub enum GetEncryptionKeyError {
        /// Forbidden. Anonymous users have no key.
        403 Forbidden,
        /// The server has no room to store anything; nothing happened.
        507 InsufficientStorage,
    }
}

#[OpenApi(prefix_path = "/api/v1/Agents/Associate", tag = "Tag::AssociateAgent", ignore_case = true)]
impl AssociateStorage {
    /// Get a notepad
    ///
    /// Returns the pages of a user's notepad. The caller must be the user, or be allowed to manage the user.
    #[oai(path = "/GetNote", method = "post", operation_id = "v1AssociateAgent_GetNote")]
    async fn get(
        &self,
        caller: Caller,
        format: ResponseFormat,
        service: &UserService,
        body: JsonBody<GetNoteRequest>,
    ) -> Result<Formatted<Vec<String>>, ErrorResponse<GetNoteError>> {
        Ok(format.untranslated().answer(note::read(service, &caller, body.0.associate_id).await?))
    }

    /// Save a notepad
    ///
    /// Replaces the pages of a user's notepad. The caller must be the user, or be allowed to manage the user.
    #[oai(path = "/SaveNote", method = "post", operation_id = "v1AssociateAgent_SaveNote")]
    async fn save(
        &self,
        caller: Caller,
        service: &UserService,
        body: JsonBody<SaveNoteRequest>,
    ) -> Result<Done, ErrorResponse<SaveNoteError>> {
        let JsonBody(SaveNoteRequest { associate_id, note: pages }) = body;
        note::save(service, &caller, associate_id, pages).await?;
        Ok(Done::NoContent)
    }

    /// Get the key for local storage
    ///
    /// Returns a key with which a client can encrypt what it stores on the caller's machine. It stays the same for a user.
    #[oai(path = "/GetEncryptionKey", method = "post", operation_id = "v1AssociateAgent_GetEncryptionKey")]
    async fn get_encryption_key(
        &self,
        caller: Caller,
        format: ResponseFormat,
        service: &UserService,
        _body: NoBody,
    ) -> Result<Formatted<String>, ErrorResponse<GetEncryptionKeyError>> {
        let key = local_storage_key::find_or_create(service, &caller).await?;
        Ok(format.untranslated().answer(key.expose_secret().to_owned()))
    }
}
