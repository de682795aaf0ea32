//! Roles and their function rights.

use std::collections::BTreeSet;

use poem_openapi::{Object, OpenApi, param::Query};

use crate::{
    api::{
        extract::{
            examples,
            json_body::{JsonBody, PartialUpdate},
            parameters::Int32,
            request::NoBody,
        },
        models::{MdoListItem, Nullable, Role, RoleEntity, RoleType, SelectableMdoListItem},
        openapi::error_responses::{CommonErrors, Done, ErrorResponse},
        openapi::tags::Tag,
        respond::format::{Formatted, ResponseFormat},
        routes::{
            role::{edit_role, with_data_rights},
            role_errors::ChangeRoleError,
        },
    },
    auth::AgentCaller,
    store::Store,
    users::{
        self, UserService, mdo_list,
        role::{self, FunctionRight},
    },
};

#[derive(Default)]
pub struct Roles;

/// A role by id.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct RoleRequest {
    /// The id of the role.
    role_id: i32,
}

/// A type of role.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct RoleTypeRequest {
    /// The type of role; `Employee` when omitted.
    role_type: Option<RoleType>,
}

/// A type of role.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase", nullable_all)]
pub struct CreateDefaultRoleEntityFromTypeRequest {
    /// The type of role; `Employee` when omitted.
    r#type: Option<RoleType>,
}

/// A role to delete, and the role that replaces it.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct DeleteRoleRequest {
    /// The id of the role to delete.
    role_id_to_delete: i32,
    /// The id of the role that its users get instead.
    replacing_role_id: i32,
}

/// A role and its new function rights.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct SetFunctionalRightsRequest {
    /// The id of the role.
    role_id: i32,
    /// The ids of the rights. They replace all present rights of the role.
    functional_right_ids: Vec<i32>,
}

/// A function right by name.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct FunctionalRightRequest {
    /// The name of the right, such as `read-users`.
    functional_right_name: String,
}

/// Function rights by name.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct FunctionalRightsRequest {
    /// The names of the rights, such as `read-users`.
    functional_right_names: Vec<String>,
}

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl Roles {
    /// Get a role
    ///
    /// Returns a role by id; null if it does not exist.
    #[oai(path = "/GetRole", method = "post", operation_id = "v1UserAgent_GetRole")]
    async fn get(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        /// The id of the role.
        #[oai(name = "roleId", example = "examples::role_id")]
        role_id: Query<Int32>,
        _body: NoBody,
    ) -> Result<Formatted<Nullable<Role>>, ErrorResponse<CommonErrors>> {
        Ok(format.answer(Nullable(role::find(store.reader(), role_id.0.0).await?.map(Into::into))))
    }

    /// Get all roles of a type
    ///
    /// Returns the roles of a type, the highest rank first.
    #[oai(path = "/GetAllRoles", method = "post", operation_id = "v1UserAgent_GetAllRoles")]
    async fn list(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<RoleTypeRequest>,
    ) -> Result<Formatted<Vec<SelectableMdoListItem>>, ErrorResponse<CommonErrors>> {
        let role_type = body.0.role_type.unwrap_or(RoleType::Employee);
        let roles = mdo_list::roles(store.reader(), role_type.into()).await?;
        Ok(format.answer(roles.into_iter().map(Into::into).collect()))
    }

    /// Get a default role
    ///
    /// Returns a new role for employees, to be completed and saved. Nothing is stored.
    #[oai(path = "/CreateDefaultRoleEntity", method = "post", operation_id = "v1UserAgent_CreateDefaultRoleEntity")]
    async fn create_default(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        _body: NoBody,
    ) -> Result<Formatted<RoleEntity>, ErrorResponse<CommonErrors>> {
        Ok(format.answer(RoleEntity::blank(RoleType::Employee)))
    }

    /// Get a default role of a type
    ///
    /// Returns a new role of a type, to be completed and saved. Nothing is stored.
    #[oai(
        path = "/CreateDefaultRoleEntityFromType",
        method = "post",
        operation_id = "v1UserAgent_CreateDefaultRoleEntityFromType"
    )]
    async fn create_default_of_type(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        body: JsonBody<CreateDefaultRoleEntityFromTypeRequest>,
    ) -> Result<Formatted<RoleEntity>, ErrorResponse<CommonErrors>> {
        Ok(format.answer(RoleEntity::blank(body.0.r#type.unwrap_or(RoleType::Employee))))
    }

    /// Get a role with all its properties
    ///
    /// Returns a role by id; null if it does not exist.
    #[oai(path = "/GetRoleEntity", method = "post", operation_id = "v1UserAgent_GetRoleEntity")]
    async fn get_entity(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        /// The id of the role.
        #[oai(name = "roleEntityId", example = "examples::role_id")]
        role_id: Query<Int32>,
        _body: NoBody,
    ) -> Result<Formatted<Nullable<RoleEntity>>, ErrorResponse<CommonErrors>> {
        let role = match role::find(store.reader(), role_id.0.0).await? {
            Some(role) => Some(with_data_rights(store, role).await?),
            None => None,
        };
        Ok(format.answer(Nullable(role)))
    }

    /// Save a role
    ///
    /// Updates the role with this RoleId, or creates a role when RoleId is 0 or omitted. Omitted properties stay as they are.
    /// Only for administrators. The type of an existing role cannot be changed, nor anything of the role `Administrator`.
    #[oai(path = "/SaveRoleEntity", method = "post", operation_id = "v1UserAgent_SaveRoleEntity")]
    async fn save(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        service: &UserService,
        body: JsonBody<PartialUpdate<RoleEntity>>,
    ) -> Result<Formatted<RoleEntity>, ErrorResponse<ChangeRoleError>> {
        users::check_is_administrator(&caller)?;
        let id = body.0.number("RoleId");
        let saved = users::request_save_role(service, &caller, id, edit_role(id, body.0)).await?;
        Ok(format.answer(with_data_rights(&service.store, saved).await?))
    }

    /// Delete a role
    ///
    /// Gives the users of a role another role, and deletes the role. Only for administrators.
    #[oai(path = "/DeleteRole", method = "post", operation_id = "v1UserAgent_DeleteRole")]
    async fn delete(
        &self,
        caller: AgentCaller,
        service: &UserService,
        body: JsonBody<DeleteRoleRequest>,
    ) -> Result<Done, ErrorResponse<ChangeRoleError>> {
        let JsonBody(DeleteRoleRequest { role_id_to_delete: id, replacing_role_id: replacement }) = body;
        users::request_delete_role(service, &caller, id, replacement).await?;
        Ok(Done::NoContent)
    }

    /// Get all function rights
    ///
    /// Returns all rights that a role can have. They are the same for all types of roles.
    #[oai(path = "/GetAllFunctionalRights", method = "post", operation_id = "v1UserAgent_GetAllFunctionalRights")]
    async fn list_rights(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        _body: JsonBody<RoleTypeRequest>,
    ) -> Result<Formatted<Vec<SelectableMdoListItem>>, ErrorResponse<CommonErrors>> {
        Ok(format.answer(mdo_list::all_rights().into_iter().map(Into::into).collect()))
    }

    /// Get the function rights of a role
    ///
    /// Returns the rights of a role.
    #[oai(path = "/GetFunctionalRights", method = "post", operation_id = "v1UserAgent_GetFunctionalRights")]
    async fn get_rights(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<RoleRequest>,
    ) -> Result<Formatted<Vec<SelectableMdoListItem>>, ErrorResponse<CommonErrors>> {
        let rights = mdo_list::rights_of_role(store.reader(), body.0.role_id).await?;
        Ok(format.answer(rights.into_iter().map(Into::into).collect()))
    }

    /// Set the function rights of a role
    ///
    /// Replaces the rights of a role. Only for administrators. The role `Administrator` cannot be changed.
    #[oai(path = "/SetFunctionalRights", method = "post", operation_id = "v1UserAgent_SetFunctionalRights")]
    async fn set_rights(
        &self,
        caller: AgentCaller,
        service: &UserService,
        body: JsonBody<SetFunctionalRightsRequest>,
    ) -> Result<Done, ErrorResponse<ChangeRoleError>> {
        let JsonBody(SetFunctionalRightsRequest { role_id, functional_right_ids }) = body;
        users::request_set_rights(service, &caller, role_id, functional_right_ids).await?;
        Ok(Done::NoContent)
    }

    /// Find the roles that have a right
    ///
    /// Returns the roles that have this right, the highest rank first.
    #[oai(
        path = "/FindRolesWithFunctionalRight",
        method = "post",
        operation_id = "v1UserAgent_FindRolesWithFunctionalRight"
    )]
    async fn find_with_right(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<FunctionalRightRequest>,
    ) -> Result<Formatted<Vec<MdoListItem>>, ErrorResponse<CommonErrors>> {
        let roles = mdo_list::roles_with_right(store.reader(), &body.0.functional_right_name).await?;
        Ok(format.answer(roles.into_iter().map(Into::into).collect()))
    }

    /// Find the roles that have several rights
    ///
    /// Returns the ids of the roles that have all of these rights.
    #[oai(
        path = "/FindRolesWithFunctionalRights",
        method = "post",
        operation_id = "v1UserAgent_FindRolesWithFunctionalRights"
    )]
    async fn find_with_rights(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<FunctionalRightsRequest>,
    ) -> Result<Formatted<Vec<i32>>, ErrorResponse<CommonErrors>> {
        let rights = rights_named(&body.0.functional_right_names);
        let roles = role::list(store.reader()).await?.into_iter();
        let has = |role: &role::Model, right: &Option<FunctionRight>| right.is_some_and(|right| role.has(right));
        let found = roles.filter(|role| rights.iter().all(|right| has(role, right)));
        Ok(format.answer(found.map(|role| role.id).collect()))
    }

    /// Find the roles without certain rights
    ///
    /// Returns the ids of the roles that have none of these rights.
    #[oai(
        path = "/FindRolesWithoutFunctionalRights",
        method = "post",
        operation_id = "v1UserAgent_FindRolesWithoutFunctionalRights"
    )]
    async fn find_without_rights(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<FunctionalRightsRequest>,
    ) -> Result<Formatted<Vec<i32>>, ErrorResponse<CommonErrors>> {
        let rights = rights_named(&body.0.functional_right_names);
        let roles = role::list(store.reader()).await?.into_iter();
        let found = roles.filter(|role| !rights.iter().flatten().any(|right| role.has(*right)));
        Ok(format.answer(found.map(|role| role.id).collect()))
    }
}

/// The rights with these names, without duplicates. `None` stands for unknown names.
fn rights_named(names: &[String]) -> BTreeSet<Option<FunctionRight>> {
    names.iter().map(|name| FunctionRight::named(name)).collect()
}
