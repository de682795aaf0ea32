//! The definitions in force, for operators: which there are, and why one cannot be run.

use poem_openapi::{OpenApi, param::Query};

use super::{
    Tag,
    carriers::CommandDefinitionList,
    parameters::AnyUser,
    reader::{Answer, Reader},
    refusals::{ErrorResponse, Refusals},
};
use crate::{auth::UserAgent, commands::CommandService};

#[derive(Default)]
pub struct DefinitionOperations;

/// The refusals of the list.
pub struct ListCommands;

impl Refusals for ListCommands {
    const LIST: &'static [(u16, &'static str)] = &[
        (403, "Forbidden. The caller may not see this user, whether or not there is one."),
        (404, "There is no such user."),
    ];
}

#[OpenApi(prefix_path = "/_ext", tag = "Tag::Operator", ignore_case = true)]
impl DefinitionOperations {
    /// List the definitions in force
    ///
    /// Lists every command that is defined, with the hash of its definition. With a user, also whether the caller may run
    /// it on that user now, and if not, why.
    #[oai(path = "/commands", method = "get", operation_id = "ListCommands")]
    async fn list_commands(
        &self,
        caller: UserAgent,
        reader: Reader,
        commands: &CommandService,
        /// The user on whom they would run.
        user: Query<Option<AnyUser>>,
    ) -> Result<Answer<CommandDefinitionList>, ErrorResponse<ListCommands>> {
        let status = commands.status(&caller, user.0.map(|AnyUser(id)| id)).await?;
        Ok(reader.answer(status.into()))
    }
}
