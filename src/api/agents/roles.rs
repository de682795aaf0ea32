//! Roles, and the function rights that they have.

use std::collections::BTreeSet;

use poem_openapi::{Object, OpenApi, param::Query};

use super::super::{
    Tag,
    body::{Body, Partial, parse_completed},
    carriers::{Maybe, MdoListItem, Role, RoleEntity, RoleType, SelectableMdoListItem},
    parameters::AnyId,
    reader::{Answer, Reader},
    refusals::{Done, ErrorResponse, NoOwn},
    request::NoBody,
    user_change::ChangeUser,
};
use crate::{
    auth::UserAgent,
    store::{Store, Touched},
    users::{
        self, UserService,
        role::{self, FunctionRight},
    },
};

#[derive(Default)]
pub struct Roles;

/// A role.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct RoleRequest {
    /// The role's id.
    role_id: i32,
}

/// A type of roles.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct RoleTypeRequest {
    /// The type; `Employee` when left out.
    role_type: Option<RoleType>,
}

/// A type of roles.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct CreateDefaultRoleEntityFromTypeRequest {
    /// The type; `Employee` when left out.
    r#type: Option<RoleType>,
}

/// A role to be deleted, and the one that takes its place.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct DeleteRoleRequest {
    /// The role to delete.
    role_id_to_delete: i32,
    /// The role that its users get.
    replacing_role_id: i32,
}

/// A role, and the rights it is to have.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct SetFunctionalRightsRequest {
    /// The role's id.
    role_id: i32,
    /// The ids of the rights; it has no others then.
    functional_right_ids: Vec<i32>,
}

/// A right, by name.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct FunctionalRightRequest {
    /// The right's name, such as `read-users`.
    functional_right_name: String,
}

/// Rights, by name.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct FunctionalRightsRequest {
    /// The rights' names, such as `read-users`.
    functional_right_names: Vec<String>,
}

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl Roles {
    /// Get a role
    ///
    /// Gets a role by id; null when there is none.
    #[oai(path = "/GetRole", method = "post", operation_id = "v1UserAgent_GetRole")]
    async fn get(
        &self,
        _caller: UserAgent,
        reader: Reader,
        store: &Store,
        /// The role's id.
        #[oai(name = "roleId")]
        role_id: Query<AnyId>,
        _body: NoBody,
    ) -> Result<Answer<Maybe<Role>>, ErrorResponse<NoOwn>> {
        Ok(reader.answer(Maybe(role::find(store.reader(), role_id.0.0).await?.map(Into::into))))
    }

    /// Get all roles of a type
    ///
    /// Gets the roles for a type of users, the highest first.
    #[oai(path = "/GetAllRoles", method = "post", operation_id = "v1UserAgent_GetAllRoles")]
    async fn list(
        &self,
        _caller: UserAgent,
        reader: Reader,
        store: &Store,
        body: Body<RoleTypeRequest>,
    ) -> Result<Answer<Vec<SelectableMdoListItem>>, ErrorResponse<NoOwn>> {
        let role_type = body.0.role_type.unwrap_or(RoleType::Employee);
        let roles = role::list(store.reader()).await?.into_iter();
        Ok(reader.answer(roles.filter(|role| RoleType::from(role.role_type) == role_type).map(Into::into).collect()))
    }

    /// Get a default role
    ///
    /// Gets a new role for employees, to be filled in and saved. Nothing is stored.
    #[oai(path = "/CreateDefaultRoleEntity", method = "post", operation_id = "v1UserAgent_CreateDefaultRoleEntity")]
    async fn create_default(
        &self,
        _caller: UserAgent,
        reader: Reader,
        _body: NoBody,
    ) -> Result<Answer<RoleEntity>, ErrorResponse<NoOwn>> {
        Ok(reader.answer(RoleEntity::blank(RoleType::Employee)))
    }

    /// Get a default role of a type
    ///
    /// Gets a new role for a type of users, to be filled in and saved. Nothing is stored.
    #[oai(
        path = "/CreateDefaultRoleEntityFromType",
        method = "post",
        operation_id = "v1UserAgent_CreateDefaultRoleEntityFromType"
    )]
    async fn create_default_of_type(
        &self,
        _caller: UserAgent,
        reader: Reader,
        body: Body<CreateDefaultRoleEntityFromTypeRequest>,
    ) -> Result<Answer<RoleEntity>, ErrorResponse<NoOwn>> {
        Ok(reader.answer(RoleEntity::blank(body.0.r#type.unwrap_or(RoleType::Employee))))
    }

    /// Get a role, with all of it
    ///
    /// Gets a role by id; null when there is none.
    #[oai(path = "/GetRoleEntity", method = "post", operation_id = "v1UserAgent_GetRoleEntity")]
    async fn get_entity(
        &self,
        _caller: UserAgent,
        reader: Reader,
        store: &Store,
        /// The role's id.
        #[oai(name = "roleEntityId")]
        role_id: Query<AnyId>,
        _body: NoBody,
    ) -> Result<Answer<Maybe<RoleEntity>>, ErrorResponse<NoOwn>> {
        Ok(reader.answer(Maybe(role::find(store.reader(), role_id.0.0).await?.map(Into::into))))
    }

    /// Save a role
    ///
    /// Changes the role with this RoleId, or makes one when it is 0 or left out. For administrators. The type stays as it
    /// was made, and so does the whole role `Administrator`.
    #[oai(path = "/SaveRoleEntity", method = "post", operation_id = "v1UserAgent_SaveRoleEntity")]
    async fn save(
        &self,
        caller: UserAgent,
        reader: Reader,
        service: &UserService,
        body: Body<Partial<RoleEntity>>,
    ) -> Result<Answer<RoleEntity>, ErrorResponse<ChangeUser>> {
        let role: RoleEntity = parse_completed(body.0.into_value())?;
        let role = role::Model::from(role);
        let own = role.clone();
        let check = async { users::check_save_role(service.store.reader(), &caller, &role).await.map(drop) };
        let work = service.write(&caller, check, move |db, caller, ()| {
            Box::pin(async move { Ok((users::save_role(db, caller, own).await?, Touched::Everything)) })
        });
        Ok(reader.answer(work.await?.into()))
    }

    /// Delete a role
    ///
    /// Gives the users of a role another one, and deletes it. For administrators.
    #[oai(path = "/DeleteRole", method = "post", operation_id = "v1UserAgent_DeleteRole")]
    async fn delete(
        &self,
        caller: UserAgent,
        service: &UserService,
        body: Body<DeleteRoleRequest>,
    ) -> Result<Done, ErrorResponse<ChangeUser>> {
        let Body(DeleteRoleRequest { role_id_to_delete: id, replacing_role_id: heir }) = body;
        let check = async { users::check_delete_role(service.store.reader(), &caller, id, heir).await.map(drop) };
        let work = service.write(&caller, check, move |db, caller, ()| {
            Box::pin(async move { Ok((users::delete_role(db, caller, id, heir).await?, Touched::Everything)) })
        });
        work.await?;
        Ok(Done::NoContent)
    }

    /// Get all function rights
    ///
    /// Gets the rights that roles can have, whatever their type.
    #[oai(path = "/GetAllFunctionalRights", method = "post", operation_id = "v1UserAgent_GetAllFunctionalRights")]
    async fn list_rights(
        &self,
        _caller: UserAgent,
        reader: Reader,
        _body: Body<RoleTypeRequest>,
    ) -> Result<Answer<Vec<SelectableMdoListItem>>, ErrorResponse<NoOwn>> {
        Ok(reader.answer(FunctionRight::all().map(|right| SelectableMdoListItem::right(right, false)).collect()))
    }

    /// Get the function rights of a role
    ///
    /// Gets the rights that a role has.
    #[oai(path = "/GetFunctionalRights", method = "post", operation_id = "v1UserAgent_GetFunctionalRights")]
    async fn get_rights(
        &self,
        _caller: UserAgent,
        reader: Reader,
        store: &Store,
        body: Body<RoleRequest>,
    ) -> Result<Answer<Vec<SelectableMdoListItem>>, ErrorResponse<NoOwn>> {
        let role = role::find(store.reader(), body.0.role_id).await?;
        let rights = role.map(|role| role.function_rights.0).unwrap_or_default().into_iter();
        Ok(reader.answer(rights.map(|right| SelectableMdoListItem::right(right, true)).collect()))
    }

    /// Set the function rights of a role
    ///
    /// Gives a role these rights, and no others. For administrators; the role `Administrator` stays as it is.
    #[oai(path = "/SetFunctionalRights", method = "post", operation_id = "v1UserAgent_SetFunctionalRights")]
    async fn set_rights(
        &self,
        caller: UserAgent,
        service: &UserService,
        body: Body<SetFunctionalRightsRequest>,
    ) -> Result<Done, ErrorResponse<ChangeUser>> {
        let Body(SetFunctionalRightsRequest { role_id, functional_right_ids }) = body;
        let own = functional_right_ids.clone();
        let check = async {
            users::check_rights(service.store.reader(), &caller, role_id, &functional_right_ids).await.map(drop)
        };
        let work = service.write(&caller, check, move |db, caller, ()| {
            Box::pin(async move { Ok((users::set_rights(db, caller, role_id, own).await?, Touched::Everything)) })
        });
        work.await?;
        Ok(Done::NoContent)
    }

    /// Find the roles that have a right
    ///
    /// Gets the roles that have this right, the highest first.
    #[oai(
        path = "/FindRolesWithFunctionalRight",
        method = "post",
        operation_id = "v1UserAgent_FindRolesWithFunctionalRight"
    )]
    async fn find_with_right(
        &self,
        _caller: UserAgent,
        reader: Reader,
        store: &Store,
        body: Body<FunctionalRightRequest>,
    ) -> Result<Answer<Vec<MdoListItem>>, ErrorResponse<NoOwn>> {
        let right = FunctionRight::named(&body.0.functional_right_name);
        let roles = role::list(store.reader()).await?.into_iter();
        let found = roles.filter(|role| right.is_some_and(|right| role.has(right)));
        Ok(reader.answer(found.map(Into::into).collect()))
    }

    /// Find the roles that have rights
    ///
    /// Gets the ids of the roles that have all of these rights.
    #[oai(
        path = "/FindRolesWithFunctionalRights",
        method = "post",
        operation_id = "v1UserAgent_FindRolesWithFunctionalRights"
    )]
    async fn find_with_rights(
        &self,
        _caller: UserAgent,
        reader: Reader,
        store: &Store,
        body: Body<FunctionalRightsRequest>,
    ) -> Result<Answer<Vec<i32>>, ErrorResponse<NoOwn>> {
        let rights = rights_named(&body.0.functional_right_names);
        let roles = role::list(store.reader()).await?.into_iter();
        let has = |role: &role::Model, right: &Option<FunctionRight>| right.is_some_and(|right| role.has(right));
        let found = roles.filter(|role| rights.iter().all(|right| has(role, right)));
        Ok(reader.answer(found.map(|role| role.id).collect()))
    }

    /// Find the roles that lack rights
    ///
    /// Gets the ids of the roles that have none of these rights.
    #[oai(
        path = "/FindRolesWithoutFunctionalRights",
        method = "post",
        operation_id = "v1UserAgent_FindRolesWithoutFunctionalRights"
    )]
    async fn find_without_rights(
        &self,
        _caller: UserAgent,
        reader: Reader,
        store: &Store,
        body: Body<FunctionalRightsRequest>,
    ) -> Result<Answer<Vec<i32>>, ErrorResponse<NoOwn>> {
        let rights = rights_named(&body.0.functional_right_names);
        let roles = role::list(store.reader()).await?.into_iter();
        let found = roles.filter(|role| !rights.iter().flatten().any(|right| role.has(*right)));
        Ok(reader.answer(found.map(|role| role.id).collect()))
    }
}

/// The rights of these names, each once; `None` stands for every name that no right has.
fn rights_named(names: &[String]) -> BTreeSet<Option<FunctionRight>> {
    names.iter().map(|name| FunctionRight::named(name)).collect()
}
