//! Names that users might have.

use poem_openapi::{Object, OpenApi};

use super::{
    super::{
        Tag,
        body::Body,
        carriers::UserValidationResult,
        reader::{Answer, Reader},
        refusals::ErrorResponse,
    },
    Look,
    requests::{UserNameRequest, UserRequest},
};
use crate::{
    auth::UserAgent,
    error::Error,
    store::Store,
    users::{self, Caller},
};

#[derive(Default)]
pub struct Names;

/// A NickName that a user might have.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct IsNickNameUniqueRequest {
    /// The user who has it already, if it is nobody else; 0 for a new one.
    associate_id: Option<i32>,
    /// The NickName.
    nick_name: String,
}

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl Names {
    /// Check a user name
    ///
    /// Tells whether a user can have this name: it can be one, and is nobody else's Name or UserName.
    #[oai(path = "/IsUserNameValid", method = "post", operation_id = "v1UserAgent_IsUserNameValid")]
    async fn is_valid(
        &self,
        caller: UserAgent,
        reader: Reader,
        store: &Store,
        body: Body<UserNameRequest>,
    ) -> Result<Answer<bool>, ErrorResponse<Look>> {
        Ok(reader.answer(fault(store, &caller, body.0).await?.is_none()))
    }

    /// Check a user name, and say why not
    ///
    /// Tells whether a user can have this name, and if not, why.
    #[oai(path = "/IsUserNameValidWithReason", method = "post", operation_id = "v1UserAgent_IsUserNameValidWithReason")]
    async fn is_valid_with_reason(
        &self,
        caller: UserAgent,
        reader: Reader,
        store: &Store,
        body: Body<UserNameRequest>,
    ) -> Result<Answer<UserValidationResult>, ErrorResponse<Look>> {
        Ok(reader.answer(fault(store, &caller, body.0).await?.into()))
    }

    /// Get a valid user name
    ///
    /// Gets this name, corrected as far as it must be so that a user can have it.
    #[oai(path = "/GetValidUserName", method = "post", operation_id = "v1UserAgent_GetValidUserName")]
    async fn valid(
        &self,
        caller: UserAgent,
        reader: Reader,
        store: &Store,
        body: Body<UserNameRequest>,
    ) -> Result<Answer<String>, ErrorResponse<Look>> {
        let UserNameRequest { associate_id, user_name, .. } = body.0;
        Ok(reader.answer(suggest(store, &caller, &user_name, associate_id.unwrap_or_default()).await?))
    }

    /// Get a valid user name for a new user
    ///
    /// Gets a name that this user, who is not saved yet, can have: UserName, else the e-mail address, else Name.
    #[oai(
        path = "/GetValidUserNameForNewUser",
        method = "post",
        operation_id = "v1UserAgent_GetValidUserNameForNewUser"
    )]
    async fn valid_for_new(
        &self,
        caller: UserAgent,
        reader: Reader,
        store: &Store,
        body: Body<UserRequest>,
    ) -> Result<Answer<String>, ErrorResponse<Look>> {
        let user = body.0.user;
        let texts = [user.text("/UserName"), user.text("/Person/Email"), user.text("/Name")];
        let wish = texts.into_iter().flatten().find(|text| !text.is_empty()).unwrap_or_default();
        Ok(reader.answer(suggest(store, &caller, wish, user.number("AssociateId")).await?))
    }

    /// Get a default name for a user
    ///
    /// Gets a short name that this user can have, made of the person's first and last name.
    #[oai(
        path = "/GetDefaultAssociateUserName",
        method = "post",
        operation_id = "v1UserAgent_GetDefaultAssociateUserName"
    )]
    async fn default_name(
        &self,
        caller: UserAgent,
        reader: Reader,
        store: &Store,
        body: Body<UserRequest>,
    ) -> Result<Answer<String>, ErrorResponse<Look>> {
        let user = body.0.user;
        let names = [user.text("/Person/Firstname"), user.text("/Person/Lastname")].map(Option::unwrap_or_default);
        let wish = names.concat().to_lowercase();
        Ok(reader.answer(suggest(store, &caller, &wish, user.number("AssociateId")).await?))
    }

    /// Check a NickName
    ///
    /// Tells whether nobody else has this NickName.
    #[oai(path = "/IsNickNameUnique", method = "post", operation_id = "v1UserAgent_IsNickNameUnique")]
    async fn is_nick_name_unique(
        &self,
        caller: UserAgent,
        reader: Reader,
        store: &Store,
        body: Body<IsNickNameUniqueRequest>,
    ) -> Result<Answer<bool>, ErrorResponse<Look>> {
        check(&caller)?;
        let IsNickNameUniqueRequest { associate_id, nick_name } = body.0;
        let is_taken = users::has_nick_name(store.reader(), &nick_name, associate_id.unwrap_or_default()).await?;
        Ok(reader.answer(!is_taken))
    }
}

/// Whether a name is taken tells who exists.
fn check(caller: &Caller) -> Result<(), Error> {
    if caller.may_read_others() { Ok(()) } else { Err(Error::MayNotReadUser) }
}

async fn fault(store: &Store, caller: &Caller, request: UserNameRequest) -> Result<Option<String>, Error> {
    check(caller)?;
    let UserNameRequest { associate_id, user_name, .. } = request;
    Ok(users::fault_of_name(store.reader(), &user_name, associate_id.unwrap_or_default()).await?)
}

async fn suggest(store: &Store, caller: &Caller, wish: &str, id: i32) -> Result<String, Error> {
    check(caller)?;
    Ok(users::suggest_name(store.reader(), wish, id).await?)
}
