//! The data rights of roles, as procedures (docs/upstream.md §1.6).

use std::collections::BTreeMap;

use poem_openapi::{Object, OpenApi};

use crate::{
    api::{
        extract::json_body::JsonBody,
        models::RoleRelationToOwner,
        openapi::{
            error_responses::{Done, ErrorResponse},
            tags::Tag,
        },
        respond::format::{Formatted, ResponseFormat},
        routes::{
            data_right::{
                GetDataRightError, known_relation, known_table, right, rights_by_relation, rights_by_table, value_of,
            },
            role_errors::ChangeRoleError,
        },
    },
    auth::AgentCaller,
    store::Store,
    users::{self, UserService},
};

#[derive(Default)]
pub struct DataRightProcedures;

/// A role, and a relation to the owners of records.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct GetAllDataRightsRequest {
    /// The id of the role.
    role_id: i32,
    /// How a user is related to the owner of a record.
    relation_to_owner: RoleRelationToOwner,
}

/// A role, and a table.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct GetDataRightsRequest {
    /// The id of the role.
    role_id: i32,
    /// The name of the table.
    table_name: String,
}

/// A right of a role.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct GetDataRightRequest {
    /// The id of the role.
    role_id: i32,
    /// The name of the table.
    table_name: String,
    /// How a user is related to the owner of a record.
    relation_to_owner: RoleRelationToOwner,
}

/// A right of a role, and its new value.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase")]
pub struct SetDataRightRequest {
    /// The id of the role.
    role_id: i32,
    /// The name of the table.
    table_name: String,
    /// How a user is related to the owner of a record.
    relation_to_owner: RoleRelationToOwner,
    /// What is allowed: `R`, `CR`, `CRU` or `CRUD` for create, read, update and delete, or `None`.
    data_right_value: String,
}

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl DataRightProcedures {
    /// Get the data rights of a role for a relation
    ///
    /// Returns the rights of a role by table.
    #[oai(path = "/GetAllDataRights", method = "post", operation_id = "v1UserAgent_GetAllDataRights")]
    async fn get_all(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<GetAllDataRightsRequest>,
    ) -> Result<Formatted<BTreeMap<String, String>>, ErrorResponse<GetDataRightError>> {
        let relation = known_relation(body.0.relation_to_owner)?;
        Ok(format.answer(rights_by_table(store, body.0.role_id, relation).await?))
    }

    /// Get the data rights of a role on a table
    ///
    /// Returns the rights of a role by the relation to the owner of a record.
    #[oai(path = "/GetDataRights", method = "post", operation_id = "v1UserAgent_GetDataRights")]
    async fn get_of_table(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<GetDataRightsRequest>,
    ) -> Result<Formatted<BTreeMap<String, String>>, ErrorResponse<GetDataRightError>> {
        Ok(format.answer(rights_by_relation(store, body.0.role_id, &body.0.table_name).await?))
    }

    /// Get a data right
    ///
    /// Returns a right of a role: letters for create, read, update and delete, or nothing.
    #[oai(path = "/GetDataRight", method = "post", operation_id = "v1UserAgent_GetDataRight")]
    async fn get(
        &self,
        _caller: AgentCaller,
        format: ResponseFormat,
        store: &Store,
        body: JsonBody<GetDataRightRequest>,
    ) -> Result<Formatted<String>, ErrorResponse<GetDataRightError>> {
        let JsonBody(GetDataRightRequest { role_id, table_name, relation_to_owner }) = body;
        Ok(format.answer(right(store, role_id, &table_name, relation_to_owner).await?))
    }

    /// Set a data right
    ///
    /// Sets a right of a role. Only for administrators. The role `Administrator` cannot be changed.
    #[oai(path = "/SetDataRight", method = "post", operation_id = "v1UserAgent_SetDataRight")]
    async fn set(
        &self,
        caller: AgentCaller,
        service: &UserService,
        body: JsonBody<SetDataRightRequest>,
    ) -> Result<Done, ErrorResponse<ChangeRoleError>> {
        let JsonBody(SetDataRightRequest { role_id, table_name, relation_to_owner, data_right_value }) = body;
        users::check_is_administrator(&caller)?;
        let (table, relation) = (known_table(&table_name)?, known_relation(relation_to_owner)?);
        let value = value_of(&data_right_value)?;
        users::request_set_data_right(service, &caller, role_id, table, relation, value).await?;
        Ok(Done::NoContent)
    }
}
