//! Examples of parameters in the document. Swagger UI fills them in.

use uuid::uuid;

use super::parameters::{CaseInsensitive, ExecutionId, Int32, TicketId};
use crate::api::models::{RoleRelationToOwner, RoleType};

/// The id of anna, one of the users of `serve --demo`.
pub fn user_id() -> Int32 {
    Int32(2)
}

pub fn command_name() -> String {
    "hello".to_owned()
}

/// The id of the role `Employee` in a new database.
pub fn role_id() -> Int32 {
    Int32(2)
}

pub fn role_type() -> CaseInsensitive<RoleType> {
    CaseInsensitive(RoleType::Employee)
}

pub fn relation_to_owner() -> CaseInsensitive<RoleRelationToOwner> {
    CaseInsensitive(RoleRelationToOwner::MyOwn)
}

/// The letters of the rights to a table: create, read, update.
pub fn data_right() -> String {
    "CRU".to_owned()
}

pub fn service_auth_id() -> Int32 {
    Int32(1)
}

pub fn table_name() -> String {
    "contact".to_owned()
}

pub fn right_name() -> String {
    "read-users".to_owned()
}

/// The id of the role that the users of a deleted role get.
pub fn other_role_id() -> Int32 {
    Int32(3)
}

/// The id of the first group.
pub fn group_id() -> Int32 {
    Int32(1)
}

pub fn tenant() -> String {
    "Cust12345".to_owned()
}

pub fn list_name() -> String {
    "associate".to_owned()
}

pub fn archive_name() -> String {
    "InternalUsers".to_owned()
}

pub fn field_name() -> String {
    "x_shoe".to_owned()
}

pub fn execution_id() -> ExecutionId {
    ExecutionId(uuid!("01a209b0-d816-749f-a3d9-b6ef0a7cccc4"))
}

pub fn webhook_id() -> String {
    "01a209b0d816749fa3d9b6ef0a7cccc4_3".to_owned()
}

pub fn ticket_id() -> TicketId {
    TicketId("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned())
}
