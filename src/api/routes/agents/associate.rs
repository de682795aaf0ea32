//! The Associate agent: users in their short form, as procedures (docs/upstream.md §1.7).

use std::sync::Arc;

use poem_openapi::{Object, OpenApi, param::Query};

use crate::{
    api::{
        extract::{examples, json_body::JsonBody, parameters::Int32, request::NoBody},
        models::{Associate, Nullable},
        openapi::{
            error_responses::{ErrorResponse, error_responses},
            tags::Tag,
        },
        respond::{
            format::{Formatted, ResponseFormat},
            large_response::LongListPermit,
        },
        routes::user::visible,
    },
    error::Error,
    store::Store,
    users::{self, Caller, User, UserCache},
};

/// The types of groups: those that users define, groups of users, and headings of resources (docs/upstream.md §1.7). This
/// server has groups of users only.
const GROUP_TYPES: [i32; 3] = [1, USER_GROUP, 3];
const USER_GROUP: i32 = 2;

#[derive(Default)]
pub struct AssociateAgent;

/// A person by id.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct GetAssociateByPersonIdRequest {
    /// The id of the person.
    person_id: i32,
}

/// A group of users.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct GetAssociatesByGroupRequest {
    /// The id of the group.
    group_id: i32,
    /// The type of the group: 1 user-defined, 2 group of users, 3 heading of resources. Only groups of users have
    /// members here.
    r#type: i32,
}

error_responses! {
    /// The errors of reading users in their short form.
    pub enum GetAssociateError {
        /// Bad request. A property is wrong; the message names it.
        400 BadRequest,
        /// Forbidden. The caller may not see this user; the answer is the same for users that do not exist.
        403 Forbidden,
    }
}

#[OpenApi(prefix_path = "/api/v1/Agents/Associate", tag = "Tag::AssociateAgent", ignore_case = true)]
impl AssociateAgent {
    /// Get an associate
    ///
    /// Returns a short form of a user by id; null if the user does not exist.
    #[oai(path = "/GetAssociate", method = "post", operation_id = "v1AssociateAgent_GetAssociate")]
    async fn get_associate(
        &self,
        caller: Caller,
        format: ResponseFormat,
        users: &UserCache,
        /// The id of the user.
        #[oai(name = "associateId", example = "examples::user_id")]
        associate_id: Query<Int32>,
        _body: NoBody,
    ) -> Result<Formatted<Nullable<Associate>>, ErrorResponse<GetAssociateError>> {
        let associate = match visible(users, &caller, associate_id.0.0).await {
            Ok(details) => Some(User::clone(&details.user).into()),
            Err(Error::NoSuchUser) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(format.answer(Nullable(associate)))
    }

    /// Get the associate of a person
    ///
    /// Returns a short form of the first user of a person that the caller may see; null if there is none.
    #[oai(path = "/GetAssociateByPersonId", method = "post", operation_id = "v1AssociateAgent_GetAssociateByPersonId")]
    async fn get_associate_by_person_id(
        &self,
        caller: Caller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<GetAssociateByPersonIdRequest>,
    ) -> Result<Formatted<Nullable<Associate>>, ErrorResponse<GetAssociateError>> {
        let users = users::user_details::list_by_person(store.reader(), body.0.person_id).await?;
        let first = users.into_iter().find(|details| caller.may_read(details.user.user.id));
        Ok(format.answer(Nullable(first.map(|details| Arc::unwrap_or_clone(details.user).into()))))
    }

    /// Get associates
    ///
    /// Returns short forms of the users with these ids that the caller may see, by id. Ids that do not exist are
    /// ignored.
    #[oai(path = "/GetAssociateList", method = "post", operation_id = "v1AssociateAgent_GetAssociateList")]
    async fn get_associate_list(
        &self,
        caller: Caller,
        format: ResponseFormat,
        store: &Store,
        ids: JsonBody<Vec<i32>>,
    ) -> Result<Formatted<Vec<Associate>>, ErrorResponse<GetAssociateError>> {
        let ids: Vec<i32> = ids.0.into_iter().filter(|id| caller.may_read(*id)).collect();
        let permit = LongListPermit::for_rows(ids.len() as u64, &caller).await?;
        let found = users::find_many(store.reader(), ids).await?;
        Ok(format.answer_with(found.into_iter().map(Into::into).collect(), permit))
    }

    /// Get the associates of a group
    ///
    /// Returns short forms of the active users with this group as their main group or as another group, that the caller
    /// may see, by id.
    #[oai(path = "/GetAssociatesByGroup", method = "post", operation_id = "v1AssociateAgent_GetAssociatesByGroup")]
    async fn get_associates_by_group(
        &self,
        caller: Caller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<GetAssociatesByGroupRequest>,
    ) -> Result<Formatted<Vec<Associate>>, ErrorResponse<GetAssociateError>> {
        let JsonBody(GetAssociatesByGroupRequest { group_id, r#type: group_type }) = body;
        if !GROUP_TYPES.contains(&group_type) {
            let message = format!("Body: Type is 1, 2 or 3, not {group_type}.");
            return Err(Error::InvalidArgument(message).into());
        }
        if group_type != USER_GROUP {
            return Ok(format.answer(Vec::new()));
        }
        let permit = LongListPermit::acquire(&caller).await?;
        let only = (!caller.may_read_others()).then_some(caller.user_id);
        let members = users::list_members(store.reader(), group_id, only).await?.into_iter();
        let active = members.filter(|user| !user.is_retired());
        Ok(format.answer_with(active.map(Into::into).collect(), permit))
    }
}
