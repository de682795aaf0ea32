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
    users::credential::{self, CredentialOwner},
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
    /// Returns the main groups of the active users who have such a credential and are called so.
    #[oai(path = "/FindCredentialsGroups", method = "post", operation_id = "v1UserAgent_FindCredentialsGroups")]
    async fn find_groups(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<FindCredentialsGroupsRequest>,
    ) -> Result<Formatted<Vec<CredentialsGroup>>, ErrorResponse<ReadUserError>> {
        let JsonBody(FindCredentialsGroupsRequest { r#type, search_string }) = body;
        let found = owners(store, &caller, &r#type, search_string.as_deref()).await?;
        let mut names: Vec<String> = found.into_iter().map(|owner| owner.group).collect();
        names.sort();
        names.dedup();
        Ok(format.answer(names.into_iter().map(CredentialsGroup::named).collect()))
    }

    /// Find the users with a credential
    ///
    /// Returns the active users who have such a credential and are called so, by Name.
    #[oai(path = "/FindCredentialUsers", method = "post", operation_id = "v1UserAgent_FindCredentialUsers")]
    async fn find_users(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<FindCredentialUsersRequest>,
    ) -> Result<Formatted<CredentialsGroupUsers>, ErrorResponse<ReadUserError>> {
        let JsonBody(FindCredentialUsersRequest { r#type, search_string }) = body;
        let found = owners(store, &caller, &r#type, search_string.as_deref()).await?;
        Ok(format.answer(CredentialsGroupUsers::of(found.into_iter().map(CredentialUser::from).collect())))
    }

    /// Get the users of a group with a credential
    ///
    /// Returns the active users of a main group who have such a credential, by Name.
    #[oai(path = "/GetCredentialUsersInGroup", method = "post", operation_id = "v1UserAgent_GetCredentialUsersInGroup")]
    async fn get_users_in_group(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<GetCredentialUsersInGroupRequest>,
    ) -> Result<Formatted<CredentialsGroupUsers>, ErrorResponse<ReadUserError>> {
        let JsonBody(GetCredentialUsersInGroupRequest { r#type, group_name }) = body;
        let found = owners(store, &caller, &r#type, None).await?.into_iter();
        let members = found.filter(|owner| owner.group == group_name);
        Ok(format.answer(CredentialsGroupUsers::of(members.map(CredentialUser::from).collect())))
    }
}

/// The active users with a credential, for callers who may see other users.
async fn owners(
    store: &Store,
    caller: &AgentCaller,
    credential_type: &str,
    search: Option<&str>,
) -> Result<Vec<CredentialOwner>, Error> {
    if !caller.may_read_others() {
        return Err(Error::MayNotReadUser);
    }
    check_type(credential_type)?;
    Ok(credential::find_owners(store.reader(), search.unwrap_or_default()).await?)
}
