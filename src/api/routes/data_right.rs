//! The data rights of a role: a part of upstream's `Role` resource (docs/upstream.md §1.6).

use std::collections::BTreeMap;

use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};

use super::role_errors::ChangeRoleError;
use crate::{
    api::{
        extract::{
            examples,
            parameters::{CaseInsensitive, Int32},
        },
        models::RoleRelationToOwner,
        openapi::{
            error_responses::{Done, ErrorResponse, error_responses},
            tags::Tag,
        },
        respond::format::{Formatted, ResponseFormat},
    },
    auth::AgentCaller,
    error::{Error, quoted},
    store::Store,
    users::{
        self, UserService,
        data_right::{self, RelationToOwner, TABLES},
        role,
    },
};

#[derive(Default)]
pub struct DataRightOperations;

error_responses! {
    /// The errors of reading data rights.
    pub enum GetDataRightError {
        /// Bad request. There is no such role, table or relation; the message says which.
        400 BadRequest,
    }
}

#[OpenApi(prefix_path = "/api/v1/Role", tag = "Tag::Role", ignore_case = true)]
impl DataRightOperations {
    /// Get the data rights of a table
    ///
    /// Returns the rights of a role on a table, by the relation to the owner of a record. The path also accepts a relation
    /// instead of the table (upstream's `v1RoleEntity_GetAllDataRights`); the response then has the rights by table.
    #[oai(path = "/:roleId/DataRight/:tableName", method = "get", operation_id = "v1RoleEntity_GetDataRights")]
    async fn get_all(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        /// The id of the role.
        #[oai(name = "roleId", example = "examples::role_id")]
        role_id: Path<Int32>,
        /// The name of the table.
        #[oai(name = "tableName", example = "examples::table_name")]
        name: Path<String>,
    ) -> Result<Formatted<BTreeMap<String, String>>, ErrorResponse<GetDataRightError>> {
        let role_id = role_id.0.0;
        let rights = match RelationToOwner::all().find(|relation| relation.word().eq_ignore_ascii_case(&name.0)) {
            Some(relation) => rights_by_table(store, role_id, relation).await?,
            None => rights_by_relation(store, role_id, &name.0).await?,
        };
        Ok(format.answer(rights))
    }

    /// Get a data right
    ///
    /// Returns a right of a role: letters for create, read, update and delete, or nothing.
    #[oai(
        path = "/:roleId/DataRight/:tableName/:relationToOwner",
        method = "get",
        operation_id = "v1RoleEntity_GetDataRight"
    )]
    async fn get(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        /// The id of the role.
        #[oai(name = "roleId", example = "examples::role_id")]
        role_id: Path<Int32>,
        /// The name of the table.
        #[oai(name = "tableName", example = "examples::table_name")]
        table: Path<String>,
        /// How a user is related to the owner of a record.
        #[oai(name = "relationToOwner", example = "examples::relation_to_owner")]
        relation: Path<CaseInsensitive<RoleRelationToOwner>>,
    ) -> Result<Formatted<String>, ErrorResponse<GetDataRightError>> {
        Ok(format.answer(right(store, role_id.0.0, &table.0, relation.0.0).await?))
    }

    /// Set a data right
    ///
    /// Sets a right of a role. Only for administrators. The role `Administrator` cannot be changed.
    #[oai(
        path = "/:roleId/DataRight/:tableName/:relationToOwner",
        method = "put",
        operation_id = "v1RoleEntity_SetDataRight"
    )]
    async fn set(
        &self,
        caller: AgentCaller,
        service: &UserService,
        /// The id of the role.
        #[oai(name = "roleId", example = "examples::role_id")]
        role_id: Path<Int32>,
        /// The name of the table.
        #[oai(name = "tableName", example = "examples::table_name")]
        table: Path<String>,
        /// How a user is related to the owner of a record.
        #[oai(name = "relationToOwner", example = "examples::relation_to_owner")]
        relation: Path<CaseInsensitive<RoleRelationToOwner>>,
        /// What is allowed: `R`, `CR`, `CRU` or `CRUD` for create, read, update and delete, or `None`.
        #[oai(name = "dataRightValue", example = "examples::data_right")]
        value: Query<String>,
    ) -> Result<Done, ErrorResponse<ChangeRoleError>> {
        users::check_is_administrator(&caller)?;
        let (table, relation) = (known_table(&table.0)?, known_relation(relation.0.0)?);
        users::request_set_data_right(service, &caller, role_id.0.0, table, relation, value_of(&value.0)?).await?;
        Ok(Done::NoContent)
    }
}

/// The rights of a role on a table, by relation.
///
/// # Errors
/// There is no such role or table.
pub async fn rights_by_relation(store: &Store, role_id: i32, table: &str) -> Result<BTreeMap<String, String>, Error> {
    let (table, rights) = (known_table(table)?, rights_of(store, role_id).await?);
    let right = |relation: RelationToOwner| (relation.word(), rights.get(table, relation).to_owned());
    Ok(RelationToOwner::all().map(right).collect())
}

/// The rights of a role for a relation, by table.
///
/// # Errors
/// There is no such role.
pub async fn rights_by_table(
    store: &Store,
    role_id: i32,
    relation: RelationToOwner,
) -> Result<BTreeMap<String, String>, Error> {
    let rights = rights_of(store, role_id).await?;
    Ok(TABLES.into_iter().map(|table| (table.to_owned(), rights.get(table, relation).to_owned())).collect())
}

/// One right of a role.
///
/// # Errors
/// There is no such role, table or relation.
pub async fn right(store: &Store, role_id: i32, table: &str, relation: RoleRelationToOwner) -> Result<String, Error> {
    let (table, relation) = (known_table(table)?, known_relation(relation)?);
    Ok(rights_of(store, role_id).await?.get(table, relation).to_owned())
}

async fn rights_of(store: &Store, role_id: i32) -> Result<data_right::DataRights, Error> {
    let missing = || Error::Validation(format!("RoleId: there is no role {role_id}"));
    let role = role::find(store.reader(), role_id).await?.ok_or_else(missing)?;
    Ok(data_right::of_role(store.reader(), &role).await?)
}

/// The table with this name.
///
/// # Errors
/// There is no such table.
pub fn known_table(name: &str) -> Result<&'static str, Error> {
    let unknown = || {
        let known = TABLES.join(", ");
        Error::Validation(format!("TableName: there is no table {} with data rights; there are {known}", quoted(name)))
    };
    data_right::table_named(name).ok_or_else(unknown)
}

/// The relation, if it has data rights.
///
/// # Errors
/// It is CustomObjects.
pub fn known_relation(relation: RoleRelationToOwner) -> Result<RelationToOwner, Error> {
    let none = |()| Error::Validation("RelationToOwner: there are no data rights for CustomObjects".to_owned());
    relation.try_into().map_err(none)
}

/// The value of a right; `None` is another word for no right.
///
/// # Errors
/// It is not a value.
pub fn value_of(text: &str) -> Result<&'static str, Error> {
    let text = if text.trim().eq_ignore_ascii_case("None") { "" } else { text };
    let invalid =
        || Error::Validation(format!("DataRightValue: it must be None, R, CR, CRU or CRUD, not {}", quoted(text)));
    data_right::value_named(text).ok_or_else(invalid)
}
