//! The tags of operations, in the document's order.

use poem_openapi::Tags;

#[derive(Tags)]
pub enum Tag {
    /// Users and the custom commands that can be run on them.
    User,
    /// Roles and their rights.
    Role,
    /// User groups, as items of a list.
    List,
    /// The lists from which users choose: users, groups, roles and rights.
    #[oai(rename = "MDOList")]
    MdoList,
    /// Users and roles in rows, with a filter and selected columns.
    Archive,
    /// The time zones that SO-TimeZone accepts.
    TimeZone,
    /// Licences. This server has none.
    License,
    /// Sessions, passwords and tickets. Not part of upstream's API.
    Session,
    /// Executions, command definitions, webhooks and the demo, for operators. Not part of upstream's API.
    Operator,
    /// The version of the API, and its operations.
    Version,
    /// Health checks.
    Health,
    /// Operations on users, roles and groups as procedures, as upstream's client libraries call them.
    #[oai(rename = "User_Agent")]
    UserAgent,
    /// Users in their short form, as procedures.
    #[oai(rename = "Associate_Agent")]
    AssociateAgent,
    /// The lists from which users choose, as procedures.
    #[oai(rename = "MDO_Agent")]
    MdoAgent,
    /// Archives as procedures.
    #[oai(rename = "Archive_Agent")]
    ArchiveAgent,
}
