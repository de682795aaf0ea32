//! Roles and their function rights: upstream's `Role` resource.

use std::collections::BTreeMap;

use poem::http::Uri;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};

use super::{
    odata_page::{self, ListAddress, ListOptions},
    role_errors::ChangeRoleError,
};
use crate::{
    api::{
        extract::{
            examples,
            json_body::{JsonBody, PartialUpdate},
            parameters::{Boolean, CaseInsensitive, Int32, RowCount},
            request::BaseUrl,
        },
        models::{
            ArchiveColumnInfo, DataRights, ListFormat, MdoListItem, ODataSlimResponse, RoleEntity, RoleEntityWithLinks,
            RoleType, SafeNames, SelectableMdoListItem,
        },
        openapi::{
            error_responses::{CommonErrors, Done, ErrorResponse, error_responses},
            tags::Tag,
        },
        respond::{
            format::{Formatted, ResponseFormat},
            saved::Saved,
        },
    },
    auth::AgentCaller,
    error::Error,
    store::Store,
    users::{
        self, UserService, data_right, mdo_list,
        query::ROLES,
        role::{self, Model},
    },
};

/// Operations on all roles, and on one role with `$select`.
#[derive(Default)]
pub struct RoleOperations;

/// The list of roles. Its `$select` names columns.
#[derive(Default)]
pub struct RoleListOperations;

/// The operations on roles that have no `$select`.
#[derive(Default)]
pub struct RoleOperationsWithoutSelect;

/// The paths of [`RoleOperations`] and [`RoleOperationsWithoutSelect`] with a type of role instead of an id. OpenAPI does not
/// allow two such paths, so the document mentions these only in descriptions.
#[derive(Default)]
pub struct RoleTypeOperations;

error_responses! {
    /// The errors of reading a role.
    pub enum GetRoleError {
        /// Not Found.
        404 NotFound,
    }
}

error_responses! {
    /// The errors of listing roles.
    pub enum ListRolesError {
        /// Bad request. An option cannot be understood; the message names it, and the place in it.
        400 BadRequest,
    }
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::Role", ignore_case = true)]
impl RoleListOperations {
    /// List roles
    ///
    /// Lists roles page by page, as OData. `/api/v1/Role/$metadata` describes the columns.
    #[oai(path = "/Role", method = "get", operation_id = "v1RoleEntity_GetAll")]
    #[expect(clippy::too_many_arguments, reason = "each is a part of the request, as the document shows it")]
    async fn get_all(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        base: BaseUrl,
        uri: &Uri,
        /// The columns, separated by commas; all columns when omitted.
        #[oai(name = "$select")]
        select: Query<Option<String>>,
        /// The condition for roles, such as `roleType eq 'Employee' and rank gt 10`.
        #[oai(name = "$filter")]
        filter: Query<Option<String>>,
        /// The sort order, such as `rank desc, name`; by id when omitted.
        #[oai(name = "$orderBy")]
        order_by: Query<Option<String>>,
        /// The kinds of rows: `role`, the only one.
        #[oai(name = "$entities")]
        entities: Query<Option<String>>,
        /// The maximum number of roles over all pages.
        #[oai(name = "$top")]
        top: Query<Option<RowCount>>,
        /// The number of roles to skip.
        #[oai(name = "$skip")]
        skip: Query<Option<RowCount>>,
        /// The end of the previous page, from its `odata.nextLink`.
        #[oai(name = "$skiptoken")]
        skip_token: Query<Option<Int32>>,
        /// The format of the response. Overrides Accept.
        #[oai(name = "$format")]
        list_format: Query<Option<CaseInsensitive<ListFormat>>>,
        /// Whether dots in names are replaced by underscores: `odata_nextLink`.
        #[oai(name = "$jsonSafe")]
        json_safe: Query<Option<Boolean>>,
    ) -> Result<Formatted<SafeNames<ODataSlimResponse>>, ErrorResponse<ListRolesError>> {
        let options = ListOptions {
            select: select.0,
            filter: filter.0,
            order_by: order_by.0,
            entities: entities.0,
            top: top.0,
            skip: skip.0,
            skip_token: skip_token.0,
            format: list_format.0,
            json_safe: json_safe.0,
        };
        let address = ListAddress { url: format!("{}/api/v1/Role", base.0), request: uri };
        Ok(odata_page::answer(&ROLES, &caller, format, store, address, options).await?)
    }

    /// Describe the columns of the list of roles
    ///
    /// Describes each column by name: its type, and whether `$filter` and `$orderBy` accept it. The list links here with
    /// `odata.metadata`.
    #[oai(path = "/Role/$metadata", method = "get", operation_id = "v1RoleEntity_GetMetadata")]
    async fn get_metadata(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
    ) -> Result<Formatted<BTreeMap<String, ArchiveColumnInfo>>, ErrorResponse<CommonErrors>> {
        Ok(format.answer(ArchiveColumnInfo::by_name(&ROLES)))
    }
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::Role", ignore_case = true)]
impl RoleOperations {
    /// Get a role
    ///
    /// Returns a role by id. The path also accepts a type of role instead of the id (upstream's
    /// `v1RoleEntity_GetAllRoles`); the response is then the list of the roles of that type.
    #[oai(path = "/Role/:id", method = "get", operation_id = "v1RoleEntity_GetRoleEntity")]
    async fn get(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        base: BaseUrl,
        /// The id of the role.
        #[oai(example = "examples::role_id")]
        id: Path<Int32>,
    ) -> Result<Formatted<RoleEntityWithLinks>, ErrorResponse<GetRoleError>> {
        let role = role::find(store.reader(), id.0.0).await?.ok_or(Error::NoSuchRole)?;
        Ok(format.answer(RoleEntityWithLinks::new(with_data_rights(store, role).await?, &base.0)))
    }

    /// Create a role
    ///
    /// Creates a role without rights; only Name is required. With the RoleId of an existing role, that role is updated.
    /// Only for administrators.
    #[oai(path = "/Role", method = "post", operation_id = "v1RoleEntity_PostRoleEntity")]
    async fn post(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        base: BaseUrl,
        role: JsonBody<PartialUpdate<RoleEntity>>,
    ) -> Result<Saved<RoleEntityWithLinks>, ErrorResponse<ChangeRoleError>> {
        users::check_is_administrator(&caller)?;
        let id = role.0.number("RoleId");
        let saved = users::request_save_role(service, &caller, id, edit_role(id, role.0.entity()?)).await?;
        let location = format!("{}/api/v1/Role/{}", base.0, saved.id);
        let role = with_data_rights(&service.store, saved).await?;
        Ok(Saved::new(format.answer(RoleEntityWithLinks::new(role, &base.0)), &location)?)
    }

    /// Update a role
    ///
    /// Updates a role: name, tooltip and rank. Omitted properties stay as they are. The type of a role cannot be changed, nor
    /// anything of the role `Administrator`. Only for administrators.
    #[oai(path = "/Role/:id", method = "put", operation_id = "v1RoleEntity_PutRoleEntity")]
    async fn put(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        base: BaseUrl,
        /// The id of the role.
        #[oai(example = "examples::role_id")]
        id: Path<Int32>,
        role: JsonBody<PartialUpdate<RoleEntity>>,
    ) -> Result<Formatted<RoleEntityWithLinks>, ErrorResponse<ChangeRoleError>> {
        users::check_is_administrator(&caller)?;
        let id = role.0.check_id("RoleId", id.0.0)?;
        let saved = users::request_save_role(service, &caller, id, edit_role(id, role.0.entity()?)).await?;
        Ok(format.answer(RoleEntityWithLinks::new(with_data_rights(&service.store, saved).await?, &base.0)))
    }
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::Role", ignore_case = true)]
impl RoleOperationsWithoutSelect {
    /// Get a default role
    ///
    /// Returns a new role for employees, to be completed and saved. Nothing is stored.
    #[oai(path = "/Role/default", method = "get", operation_id = "v1RoleEntity_DefaultRoleEntity")]
    async fn get_default(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
    ) -> Result<Formatted<RoleEntity>, ErrorResponse<CommonErrors>> {
        Ok(format.answer(RoleEntity::blank(RoleType::Employee)))
    }

    /// Get a default role of a type
    ///
    /// Returns a new role of a type, to be completed and saved. Nothing is stored.
    #[oai(path = "/Role/:type/Default", method = "get", operation_id = "v1RoleEntity_CreateDefaultRoleEntityFromType")]
    async fn get_default_of_type(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        /// The type of role.
        #[oai(name = "type", example = "examples::role_type")]
        role_type: Path<CaseInsensitive<RoleType>>,
    ) -> Result<Formatted<RoleEntity>, ErrorResponse<CommonErrors>> {
        Ok(format.answer(RoleEntity::blank(role_type.0.0)))
    }

    /// Delete a role
    ///
    /// Gives the users of a role another role, and deletes the role. Only for administrators.
    #[oai(path = "/Role/:id", method = "delete", operation_id = "v1RoleEntity_DeleteRole")]
    async fn delete(
        &self,
        caller: AgentCaller,
        service: &UserService,
        /// The id of the role to delete.
        #[oai(example = "examples::role_id")]
        id: Path<Int32>,
        /// The id of the role that its users get instead.
        #[oai(name = "replacingRoleId", example = "examples::other_role_id")]
        replacing_role_id: Query<Int32>,
    ) -> Result<Done, ErrorResponse<ChangeRoleError>> {
        users::request_delete_role(service, &caller, id.0.0, replacing_role_id.0.0).await?;
        Ok(Done::NoContent)
    }

    /// Get the function rights of a role
    ///
    /// Returns the rights of a role. The path also accepts a type of role instead of the id (upstream's
    /// `v1RoleEntity_GetAllFunctionalRights`); the response then has all rights that such a role can have.
    #[oai(path = "/Role/:roleId/FunctionRight", method = "get", operation_id = "v1RoleEntity_GetFunctionalRights")]
    async fn get_rights(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        /// The id of the role.
        #[oai(name = "roleId", example = "examples::role_id")]
        role_id: Path<Int32>,
    ) -> Result<Formatted<Vec<SelectableMdoListItem>>, ErrorResponse<CommonErrors>> {
        let rights = mdo_list::rights_of_role(store.reader(), role_id.0.0).await?;
        Ok(format.answer(rights.into_iter().map(Into::into).collect()))
    }

    /// Set the function rights of a role
    ///
    /// Replaces the rights of a role by those with these ids. Only for administrators. The role `Administrator` cannot
    /// be changed.
    #[oai(path = "/Role/:roleId/FunctionRight", method = "put", operation_id = "v1RoleEntity_SetFunctionalRights")]
    async fn set_rights(
        &self,
        caller: AgentCaller,
        service: &UserService,
        /// The id of the role.
        #[oai(name = "roleId", example = "examples::role_id")]
        role_id: Path<Int32>,
        rights: JsonBody<Vec<i32>>,
    ) -> Result<Done, ErrorResponse<ChangeRoleError>> {
        users::request_set_rights(service, &caller, role_id.0.0, rights.0).await?;
        Ok(Done::NoContent)
    }

    /// Find the roles that have a right
    ///
    /// Returns the roles that have this right, the highest rank first.
    #[oai(
        path = "/Role/WithFunctionRight/:functionalRightName",
        method = "get",
        operation_id = "v1RoleEntity_FindRolesWithFunctionalRight"
    )]
    async fn find_with_right(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        /// The name of the right.
        #[oai(name = "functionalRightName", example = "examples::right_name")]
        right: Path<String>,
    ) -> Result<Formatted<Vec<MdoListItem>>, ErrorResponse<CommonErrors>> {
        let roles = mdo_list::roles_with_right(store.reader(), &right.0).await?;
        Ok(format.answer(roles.into_iter().map(Into::into).collect()))
    }
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::Role", ignore_case = true)]
impl RoleTypeOperations {
    /// Get the roles of a type
    #[oai(path = "/Role/:roleType", method = "get", operation_id = "v1RoleEntity_GetAllRoles", hidden)]
    async fn get_roles(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        #[oai(name = "roleType")] role_type: Path<CaseInsensitive<RoleType>>,
    ) -> Result<Formatted<Vec<SelectableMdoListItem>>, ErrorResponse<CommonErrors>> {
        let roles = mdo_list::roles(store.reader(), role_type.0.0.into()).await?;
        Ok(format.answer(roles.into_iter().map(Into::into).collect()))
    }

    /// Get the function rights of a type of role
    #[oai(
        path = "/Role/:roleType/FunctionRight",
        method = "get",
        operation_id = "v1RoleEntity_GetAllFunctionalRights",
        hidden
    )]
    async fn get_all_rights(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        #[oai(name = "roleType")] _role_type: Path<CaseInsensitive<RoleType>>,
    ) -> Result<Formatted<Vec<SelectableMdoListItem>>, ErrorResponse<CommonErrors>> {
        Ok(format.answer(mdo_list::all_rights().into_iter().map(Into::into).collect()))
    }
}

/// A stored role with its data rights.
pub async fn with_data_rights(store: &Store, role: Model) -> Result<RoleEntity, Error> {
    let rights = data_right::of_role(store.reader(), &role).await?;
    Ok(RoleEntity::new(role, &rights))
}

/// What the given properties change in the stored role. The id 0 stands for a new role.
///
/// The returned function fails if the properties do not match the schema, or if the type or the data rights differ from
/// the stored ones, because saving a role does not change them.
pub fn edit_role(
    id: i32,
    given: PartialUpdate<RoleEntity>,
) -> impl FnOnce(Option<(Model, data_right::DataRights)>) -> Result<Model, Error> + Clone {
    move |stored| {
        let stored = stored.map(|(role, rights)| RoleEntity::new(role, &rights));
        let present = stored.clone();
        let role = given.applied_to(stored)?;
        if present.as_ref().is_some_and(|present| present.role_type != role.role_type) {
            return Err(Error::Validation("RoleType: the type of a role cannot be changed".to_owned()));
        }
        let present = present.and_then(|present| present.data_rights);
        let is_other = |given: &DataRights| match &present {
            Some(present) => given.stored() != present.stored(),
            None => given.is_any_set(),
        };
        if role.data_rights.as_ref().is_some_and(is_other) {
            return Err(Error::Validation("DataRights: SetDataRight changes them, not saving the role".to_owned()));
        }
        Ok(Model { id, ..role.into() })
    }
}
