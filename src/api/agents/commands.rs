//! The custom commands of a user.

use poem_openapi::{Object, OpenApi, param::Header, types::Example};

use super::super::{
    Tag,
    body::{Body, Partial},
    carriers::{CommandActionResult, CustomCommand, User},
    custom_command::{CommandResponse, ExecuteUserCommand, GetUserCommands, run},
    parameters::{DryRun, IdempotencyKey},
    reader::{Answer, Reader},
    refusals::ErrorResponse,
    request::RequestId,
};
use crate::{
    auth::UserAgent,
    commands::{Attempt, Commands},
    watch,
};

#[derive(Default)]
pub struct CommandList;

#[derive(Default)]
pub struct CommandRun;

/// A command, the user to run it on, and how its question was answered.
#[derive(Debug, Object)]
#[oai(rename_all = "PascalCase", example)]
pub struct ExecuteUserCommandRequest {
    /// The command's Name, exactly as it is listed.
    command_name: String,
    /// How the command's question was answered; `Implicit` when left out.
    action_result: Option<CommandActionResult>,
    /// The user: only AssociateId is looked at.
    user: Option<Partial<User>>,
}

impl Example for ExecuteUserCommandRequest {
    fn example() -> Self {
        Self {
            command_name: "hello".to_owned(),
            action_result: Some(CommandActionResult::Implicit),
            user: Some(Partial::of_id(2)),
        }
    }
}

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl CommandList {
    /// Get the custom commands of a user
    ///
    /// Gets the commands that the caller can run on this user now. Of the user, only AssociateId is looked at. As some
    /// clients send it, the user may also stand in a property `User`.
    #[oai(path = "/GetUserCommands", method = "post", operation_id = "v1UserAgent_GetUserCommands")]
    async fn get_user_commands(
        &self,
        caller: UserAgent,
        reader: Reader,
        commands: &Commands,
        user: Body<Partial<User>>,
    ) -> Result<Answer<Vec<CustomCommand>>, ErrorResponse<GetUserCommands>> {
        // QUIRK: the user stands in `user`. Seen in: contract §1.2, the official client. Until: it sends what the
        // document says.
        let user = user.0.within("User")?.unwrap_or(user.0);
        let offers = commands.list(&caller, user.number("AssociateId")).await?;
        Ok(reader.answer(offers.iter().map(Into::into).collect()))
    }
}

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl CommandRun {
    /// Run a custom command on a user
    ///
    /// Runs a command as `POST /api/v1/User/{id}/CustomCommand/{commandName}` does: the same checks, the same
    /// confirmation, the same record, the same errors.
    #[oai(path = "/ExecuteUserCommand", method = "post", operation_id = "v1UserAgent_ExecuteUserCommand")]
    #[expect(clippy::too_many_arguments, reason = "each is a part of the request, as the document shows it")]
    async fn execute_user_command(
        &self,
        caller: UserAgent,
        reader: Reader,
        commands: &Commands,
        request_id: RequestId,
        /// Makes the request run once, however often it is sent: 1 to 255 visible ASCII characters of the client's choice.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: Header<Option<IdempotencyKey>>,
        /// Runs the command and keeps nothing: neither effect nor record. Not together with an Idempotency-Key.
        #[oai(name = "X-Dry-Run")]
        dry_run: Header<Option<DryRun>>,
        body: Body<ExecuteUserCommandRequest>,
    ) -> Result<CommandResponse, ErrorResponse<ExecuteUserCommand>> {
        let Body(ExecuteUserCommandRequest { command_name, action_result, user }) = body;
        let attempt = Attempt {
            caller: caller.into_caller(),
            user_id: user.map(|user| user.number("AssociateId")).unwrap_or_default(),
            command_name,
            idempotency_key: idempotency_key.0.map(|IdempotencyKey(key)| key),
            dry_run: dry_run.0.is_some_and(|DryRun(dry_run)| dry_run),
            answer: action_result.unwrap_or_default().into(),
            request_id: request_id.0,
            trace: watch::trace(),
        };
        Ok(run(commands, attempt, reader).await?)
    }
}
