//! Finding the users that have a credential, as a picker of another system shows them.

use poem_openapi::{Object, OpenApi};

use super::{credentials::check_type, read_user_error::ReadUserError};
use crate::{
    api::{
        extract::json_body::JsonBody,
        models::{CredentialUser, CredentialsGroup, CredentialsGroupUsers},
        openapi::{error_responses::ErrorResponse, tags::Tag},
        respond::format::{Formatted, ResponseFormat},
    },
    auth::AgentCaller,
    error::Error,
    store::Store,
    users::{
        Caller,
        credential_owners::{self, MAX_OWNERS},
        query::{ListError, QueryContext},
        user_group,
    },
};

#[derive(Default)]
pub struct CredentialSearch;

/// A type of credential, and a part of a name.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct FindCredentialUsersRequest {
    /// The type of the credential: `CRM5/PASSWORD`.
    r#type: String,
    /// A part of the Name, UserName or full name, in any case; all users when omitted.
    #[oai(nullable)]
    search_string: Option<String>,
}

/// A type of credential, and a part of a name.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct FindCredentialsGroupsRequest {
    /// The type of the credential: `CRM5/PASSWORD`.
    r#type: String,
    /// A part of the Name, UserName or full name of the users, in any case; all users when omitted.
    #[oai(nullable)]
    search_string: Option<String>,
}

/// A type of credential, and a group of users.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct GetCredentialUsersInGroupRequest {
    /// The type of the credential: `CRM5/PASSWORD`.
    r#type: String,
    /// The name of the group.
    group_name: String,
}

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl CredentialSearch {
    /// Find the groups of users with a credential
    ///
    /// Returns the main groups of the active users with a password and with SearchString in their name.
    #[oai(path = "/FindCredentialsGroups", method = "post", operation_id = "v1UserAgent_FindCredentialsGroups")]
    async fn find_groups(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<FindCredentialsGroupsRequest>,
    ) -> Result<Formatted<Vec<CredentialsGroup>>, ErrorResponse<ReadUserError>> {
        let JsonBody(FindCredentialsGroupsRequest { r#type, search_string }) = body;
        check(&caller, &r#type)?;
        let search = search_string.unwrap_or_default();
        let names = credential_owners::find_groups(store.reader(), context(&caller, &format), &search).await;
        let names = names.map_err(search_error)?;
        // As stored, because GetCredentialUsersInGroup takes the Name.
        Ok(format.untranslated().answer(names.into_iter().map(CredentialsGroup::named).collect()))
    }

    /// Find the users with a credential
    ///
    /// Returns the active users with a password and with SearchString in their name, by Name. More than 1000 are refused.
    #[oai(path = "/FindCredentialUsers", method = "post", operation_id = "v1UserAgent_FindCredentialUsers")]
    async fn find_users(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<FindCredentialUsersRequest>,
    ) -> Result<Formatted<CredentialsGroupUsers>, ErrorResponse<ReadUserError>> {
        let JsonBody(FindCredentialUsersRequest { r#type, search_string }) = body;
        check(&caller, &r#type)?;
        let search = search_string.unwrap_or_default();
        let users = owners(store, context(&caller, &format), &search, None).await?;
        Ok(format.answer(users))
    }

    /// Get the users of a group with a credential
    ///
    /// Returns the active users with a password in a main group, by Name. More than 1000 are refused.
    #[oai(path = "/GetCredentialUsersInGroup", method = "post", operation_id = "v1UserAgent_GetCredentialUsersInGroup")]
    async fn get_users_in_group(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<GetCredentialUsersInGroupRequest>,
    ) -> Result<Formatted<CredentialsGroupUsers>, ErrorResponse<ReadUserError>> {
        let JsonBody(GetCredentialUsersInGroupRequest { r#type, group_name }) = body;
        check(&caller, &r#type)?;
        let users = match user_group::find_by_name(store.reader(), &group_name).await? {
            Some(group) => owners(store, context(&caller, &format), "", Some(group.id)).await?,
            None => CredentialsGroupUsers::of(Vec::new()),
        };
        Ok(format.answer(users))
    }
}

/// Only callers who may see other users can search them.
fn check(caller: &Caller, credential_type: &str) -> Result<(), Error> {
    if caller.may_read_others() { check_type(credential_type) } else { Err(Error::MayNotReadUser) }
}

fn context<'a>(caller: &Caller, format: &'a ResponseFormat) -> QueryContext<'a> {
    QueryContext { user_id: caller.user_id, clock: format.clock() }
}

async fn owners(
    store: &Store,
    context: QueryContext<'_>,
    search: &str,
    group_id: Option<i32>,
) -> Result<CredentialsGroupUsers, Error> {
    let found =
        credential_owners::find_owners(store.reader(), context, search, group_id).await.map_err(search_error)?;
    if found.len() > MAX_OWNERS {
        let message = format!(
            "Body: more than {MAX_OWNERS} users are found. Search with FindCredentialUsers and a longer SearchString."
        );
        return Err(Error::InvalidArgument(message));
    }
    Ok(CredentialsGroupUsers::of(found.into_iter().map(CredentialUser::from).collect()))
}

fn search_error(error: ListError) -> Error {
    match error {
        ListError::Parse { error, .. } => Error::InvalidArgument(format!("Body: SearchString: {}.", error.message)),
        ListError::Database(error) => error.into(),
    }
}
