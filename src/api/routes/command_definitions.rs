//! The command definitions in force, for operators.

use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};

use crate::{
    api::{
        extract::{examples, parameters::Int32},
        models::{CommandDefinitionList, CommandDefinitionText},
        openapi::error_responses::{ErrorResponse, error_responses},
        openapi::tags::Tag,
        respond::format::{Formatted, ResponseFormat},
    },
    auth::AgentCaller,
    commands::CommandService,
    error::Error,
};

#[derive(Default)]
pub struct DefinitionOperations;

error_responses! {
    /// The errors of the list.
    pub enum ListCommandsError {
        /// Forbidden. The caller may not see this user; the answer is the same for users that do not exist.
        403 Forbidden,
        /// There is no such user.
        404 NotFound,
    }
}

error_responses! {
    /// The errors of one definition.
    pub enum GetCommandDefinitionError {
        /// Forbidden. The caller is not an administrator.
        403 Forbidden,
        /// There is no command with this name.
        404 NotFound,
    }
}

#[OpenApi(prefix_path = "/_ext", tag = "Tag::Operator", ignore_case = true)]
impl DefinitionOperations {
    /// List the command definitions
    ///
    /// Lists all command definitions in force, with their hashes. With `user`, it also tells whether the caller may run
    /// each command on that user now and, if not, why.
    #[oai(path = "/commands", method = "get", operation_id = "ListCommands")]
    async fn list_commands(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        commands: &CommandService,
        /// The id of the user to check the commands for.
        user: Query<Option<Int32>>,
    ) -> Result<Formatted<CommandDefinitionList>, ErrorResponse<ListCommandsError>> {
        let status = commands.status(&caller, user.0.map(|Int32(id)| id)).await?;
        Ok(format.answer(status.into()))
    }

    /// Get a command definition
    ///
    /// Gets the file of the definition in force, as it is stored. Administrators only.
    #[oai(path = "/commands/:name/definition", method = "get", operation_id = "GetCommandDefinition")]
    async fn get_command_definition(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        commands: &CommandService,
        /// The name of the command. Case matters.
        #[oai(example = "examples::command_name")]
        name: Path<String>,
    ) -> Result<Formatted<CommandDefinitionText>, ErrorResponse<GetCommandDefinitionError>> {
        if !caller.is_administrator() {
            return Err(Error::NotAdministrator.into());
        }
        let catalog = commands.catalog();
        let command = catalog.find(&name.0).ok_or(Error::NoSuchDefinition)?;
        Ok(format.untranslated().answer(command.as_ref().into()))
    }
}
