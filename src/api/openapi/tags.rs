//! The tags of operations, in the document's order.

use poem_openapi::Tags;

#[derive(Tags)]
pub enum Tag {
    /// Users and the custom commands that can be run on them.
    User,
    /// The same operations as procedures, as upstream's client libraries call them.
    #[oai(rename = "User_Agent")]
    UserAgent,
    /// The time zones that SO-TimeZone accepts.
    TimeZone,
    /// Sessions, passwords and tickets. Not part of upstream's API.
    Session,
    /// Executions, command definitions, webhooks and the demo, for operators. Not part of upstream's API.
    Operator,
    /// The version of the API, and its operations.
    Version,
    /// Health checks.
    Health,
}
