//! Checks and suggestions of user names and nick names.

use poem_openapi::{Object, OpenApi};

use super::{
    read_user_error::ReadUserError,
    requests::{UserNameRequest, UserRequest},
};
use crate::{
    api::{
        extract::json_body::JsonBody,
        models::UserValidationResult,
        openapi::error_responses::ErrorResponse,
        openapi::tags::Tag,
        respond::format::{Formatted, ResponseFormat},
    },
    auth::AgentCaller,
    error::Error,
    store::Store,
    users::{self, Caller},
};

#[derive(Default)]
pub struct Names;

/// A NickName to check for a user.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct IsNickNameUniqueRequest {
    /// The id of the user to check the NickName for; 0 for a new user. The user's own present NickName is valid.
    #[oai(nullable)]
    associate_id: Option<i32>,
    /// The NickName to check.
    nick_name: String,
}

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl Names {
    /// Check a user name
    ///
    /// Tells whether a user can have this name: it is valid, and no other user has it as Name or UserName.
    #[oai(path = "/IsUserNameValid", method = "post", operation_id = "v1UserAgent_IsUserNameValid")]
    async fn is_valid(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<UserNameRequest>,
    ) -> Result<Formatted<bool>, ErrorResponse<ReadUserError>> {
        Ok(format.answer(validate(store, &caller, body.0).await?.is_none()))
    }

    /// Check a user name, with a reason
    ///
    /// Tells whether a user can have this name and, if not, why.
    #[oai(path = "/IsUserNameValidWithReason", method = "post", operation_id = "v1UserAgent_IsUserNameValidWithReason")]
    async fn is_valid_with_reason(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<UserNameRequest>,
    ) -> Result<Formatted<UserValidationResult>, ErrorResponse<ReadUserError>> {
        Ok(format.answer(validate(store, &caller, body.0).await?.into()))
    }

    /// Get a valid user name
    ///
    /// Returns this name, changed only as far as needed to be valid and free.
    #[oai(path = "/GetValidUserName", method = "post", operation_id = "v1UserAgent_GetValidUserName")]
    async fn valid(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<UserNameRequest>,
    ) -> Result<Formatted<String>, ErrorResponse<ReadUserError>> {
        let UserNameRequest { associate_id, user_name, .. } = body.0;
        Ok(format.answer(suggest(store, &caller, &user_name, associate_id.unwrap_or_default()).await?))
    }

    /// Get a valid user name for a new user
    ///
    /// Returns a valid, free name for a user that is not saved yet. It is made from UserName, else from the e-mail
    /// address, else from Name.
    #[oai(
        path = "/GetValidUserNameForNewUser",
        method = "post",
        operation_id = "v1UserAgent_GetValidUserNameForNewUser"
    )]
    async fn valid_for_new(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<UserRequest>,
    ) -> Result<Formatted<String>, ErrorResponse<ReadUserError>> {
        let user = body.0.user;
        let texts = [user.text("/UserName"), user.text("/Person/Email"), user.text("/Name")];
        let wanted = texts.into_iter().flatten().find(|text| !text.is_empty()).unwrap_or_default();
        Ok(format.answer(suggest(store, &caller, wanted, user.number("AssociateId")).await?))
    }

    /// Get a default name for a user
    ///
    /// Returns a valid, free short name, made from the person's first and last name.
    #[oai(
        path = "/GetDefaultAssociateUserName",
        method = "post",
        operation_id = "v1UserAgent_GetDefaultAssociateUserName"
    )]
    async fn default_name(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<UserRequest>,
    ) -> Result<Formatted<String>, ErrorResponse<ReadUserError>> {
        let user = body.0.user;
        let names = [user.text("/Person/Firstname"), user.text("/Person/Lastname")].map(Option::unwrap_or_default);
        let wanted = names.concat().to_lowercase();
        Ok(format.answer(suggest(store, &caller, &wanted, user.number("AssociateId")).await?))
    }

    /// Check a NickName
    ///
    /// Tells whether no other user has this NickName.
    #[oai(path = "/IsNickNameUnique", method = "post", operation_id = "v1UserAgent_IsNickNameUnique")]
    async fn is_nick_name_unique(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<IsNickNameUniqueRequest>,
    ) -> Result<Formatted<bool>, ErrorResponse<ReadUserError>> {
        check_may_read_others(&caller)?;
        let IsNickNameUniqueRequest { associate_id, nick_name } = body.0;
        let is_taken = users::has_nick_name(store.reader(), &nick_name, associate_id.unwrap_or_default()).await?;
        Ok(format.answer(!is_taken))
    }
}

/// Only for callers who may see other users, because these operations reveal which names exist.
fn check_may_read_others(caller: &Caller) -> Result<(), Error> {
    if caller.may_read_others() { Ok(()) } else { Err(Error::MayNotReadUser) }
}

/// The reason why a user cannot have a name; `None` for a valid name.
async fn validate(store: &Store, caller: &Caller, request: UserNameRequest) -> Result<Option<String>, Error> {
    check_may_read_others(caller)?;
    let UserNameRequest { associate_id, user_name, .. } = request;
    Ok(users::validate_name(store.reader(), &user_name, associate_id.unwrap_or_default()).await?)
}

async fn suggest(store: &Store, caller: &Caller, wanted: &str, id: i32) -> Result<String, Error> {
    check_may_read_others(caller)?;
    Ok(users::suggest_name(store.reader(), wanted, id).await?)
}
