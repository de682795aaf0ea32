//! The custom commands of a user: listing and running them.

use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Header, Path, Query},
};

use crate::{
    api::{
        extract::{
            command_inputs::InputsBody,
            examples,
            parameters::{Boolean, CaseInsensitive, CommandOutcome, ConfirmationHeader, IdempotencyKey, Int32},
        },
        models::{CommandActionResult, CommandResult, CustomCommand},
        openapi::error_responses::{ErrorResponse, error_responses},
        openapi::tags::Tag,
        respond::{
            format::{Formatted, ResponseFormat},
            response_cache::ResponseCache,
        },
    },
    auth::AgentCaller,
    commands::{AvailableCommand, CommandService, ExecuteRequest, inputs::Place},
    error::Error,
    metrics,
};

#[derive(Default)]
pub struct CustomCommandOperations {
    responses: ResponseCache<[AvailableCommand]>,
}

error_responses! {
    /// The errors of the list.
    pub enum GetUserCommandsError {
        /// Forbidden. The caller may not see this user; the answer is the same for users that do not exist.
        403 Forbidden,
        /// Not Found.
        404 NotFound,
    }
}

error_responses! {
    /// The errors of running a command. The texts of 400 and 404 are upstream's.
    pub enum ExecuteUserCommandError {
        /// Bad request. Entity to save is not in request body.
        400 BadRequest,
        /// Forbidden. The caller may not see this user, or may not run this command on this user, or another site's
        /// page sent the request.
        403 Forbidden {
            /// `denied` when the caller may see the user, but may not run this command.
            "X-Command-Outcome",
        },
        /// User with given id does not exist in the db.
        404 NotFound,
        /// Another request with this Idempotency-Key is in progress: try again later. Or X-Confirmation belongs to another
        /// question: ask again.
        409 Conflict,
        /// This Idempotency-Key was used with another actionResult or other inputs.
        422 UnprocessableEntity,
        /// The command calls another system. It was not reached, or it refused the call. Nothing was done.
        502 BadGateway {
            /// `failed`. You can try again with the same Idempotency-Key.
            "X-Command-Outcome",
        },
        /// The command calls another system, which gave no usable answer. It is not known whether it did its work.
        504 GatewayTimeout {
            /// `unknown`. The same Idempotency-Key gets this response again; the other system is not called again.
            "X-Command-Outcome",
            /// `true` when this is the stored response to an earlier request.
            "Idempotency-Replayed",
        },
        /// The server has no room to store anything; nothing happened.
        507 InsufficientStorage,
    }
}

#[derive(ApiResponse)]
pub enum CommandResponse {
    /// The command ran, was declined, or must be confirmed first. Success, Result and X-Command-Outcome tell which.
    #[oai(status = 200)]
    Ok(
        Formatted<CommandResult>,
        /// The outcome. `asked`: the question must be answered first. `declined`: the answer was No or Cancel.
        /// `succeeded`: the command ran. `failed`: the command failed and its changes were rolled back.
        #[oai(header = "X-Command-Outcome")]
        CommandOutcome,
        /// `true` when this is the stored response to an earlier request with the same Idempotency-Key.
        #[oai(header = "Idempotency-Replayed")]
        Option<bool>,
        /// `applied` when this was a dry run, which stores nothing.
        #[oai(header = "X-Dry-Run")]
        Option<String>,
        /// `true` when the Message contains a secret, such as a temporary password. The secret is shown only once and
        /// is not stored.
        #[oai(header = "X-Shown-Once")]
        Option<bool>,
        /// The token of the question in Message. Send it back with the answer to be sure that it answers this question.
        #[oai(header = "X-Confirmation")]
        Option<String>,
    ),
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::User", ignore_case = true)]
impl CustomCommandOperations {
    /// Get the custom commands of a user
    ///
    /// Returns the commands that the caller can run on this user now. The list depends on the state of the user, so it
    /// can change at any time.
    #[oai(path = "/User/:id/CustomCommand", method = "get", operation_id = "v1User_GetUserCommands")]
    async fn get_user_commands(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        commands: &CommandService,
        /// The id of the user (AssociateId).
        #[oai(example = "examples::user_id")]
        id: Path<Int32>,
    ) -> Result<Formatted<Vec<CustomCommand>>, ErrorResponse<GetUserCommandsError>> {
        let available = commands.list(&caller, id.0.0).await?;
        let model = |available: &[AvailableCommand], _: &str| available.iter().map(Into::into).collect();
        Ok(self.responses.answer(available, String::new(), format, model))
    }

    /// Run a custom command on a user
    ///
    /// Runs a command if it needs no confirmation, or if `actionResult` confirms it. If the confirmation is missing,
    /// the command does not run, and the response has the question as Message and `Implicit` as Result. Then show the
    /// question with the buttons of the command's Actions, and call again with the pressed button as `actionResult`.
    ///
    /// | Actions | runs on | declined by | asks again on |
    /// |---|---|---|---|
    /// | Implicit | omitted, Implicit, Yes, Ok | No, Cancel | – |
    /// | Ok | Ok, Yes | No, Cancel | omitted, Implicit |
    /// | OkCancel | Ok | Cancel, No | omitted, Implicit, Yes |
    /// | YesNo | Yes | No, Cancel | omitted, Implicit, Ok |
    ///
    /// All of these are answered with status 200. A command that does not exist or is not available for this user is
    /// answered with 400. The changes and the execution record are stored together before the response is sent.
    ///
    /// The inputs of a command are the members of the body, or `name=value` in `additionalData`. They are checked before
    /// the question is asked; missing, invalid and unknown inputs are answered with 400, which names each of them. A
    /// command without inputs needs no body.
    #[oai(path = "/User/:id/CustomCommand/:commandName", method = "post", operation_id = "v1User_ExecuteUserCommand")]
    #[expect(clippy::too_many_arguments, reason = "each is a part of the request, as the document shows it")]
    async fn execute_user_command(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        commands: &CommandService,
        /// The id of the user (AssociateId).
        #[oai(example = "examples::user_id")]
        id: Path<Int32>,
        /// The Name of the command, exactly as listed.
        #[oai(name = "commandName", example = "examples::command_name")]
        command_name: Path<String>,
        /// The answer to the command's question; `Implicit` when omitted. It is case-insensitive.
        #[oai(name = "actionResult", default)]
        action_result: Query<CaseInsensitive<CommandActionResult>>,
        /// A key that makes the command run only once, even if the request is repeated: 1 to 255 visible ASCII
        /// characters. A repeated request with the same key gets the first response again. The key is valid for 24
        /// hours and for this caller, user and command. A request that is answered with a question,
        /// or refused with a 4xx status, does not use up the key.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: Header<Option<IdempotencyKey>>,
        /// Runs the command without storing its changes or an execution record. Cannot be combined with
        /// Idempotency-Key.
        #[oai(name = "X-Dry-Run")]
        dry_run: Header<Option<Boolean>>,
        /// The X-Confirmation that came with the question. If the caller, user, command, definition or inputs are others
        /// than in that request, the command does not run, and the response is 409.
        #[oai(name = "X-Confirmation")]
        confirmation: Header<Option<ConfirmationHeader>>,
        /// Inputs of the command, each as `name=value`, instead of in the body. Secrets must be in the body.
        #[oai(name = "additionalData", explode = true)]
        additional_data: Query<Option<Vec<String>>>,
        body: InputsBody,
    ) -> Result<CommandResponse, ErrorResponse<ExecuteUserCommandError>> {
        let InputsBody(mut inputs) = body;
        inputs.add_texts(additional_data.0.into_iter().flatten(), Place::Query)?;
        let request = ExecuteRequest {
            caller: caller.into_caller(),
            user_id: id.0.0,
            command_name: command_name.0,
            inputs,
            confirmation: confirmation.0.map(|ConfirmationHeader(token)| token),
            idempotency_key: idempotency_key.0.map(|IdempotencyKey(key)| key),
            dry_run: dry_run.0.is_some_and(|Boolean(dry_run)| dry_run),
            action_result: action_result.0.0.into(),
            trace: metrics::trace(),
        };
        Ok(run(commands, request, format).await?)
    }
}

/// Runs a command and formats the response.
///
/// # Errors
/// As [`CommandService::execute`], and a dry run with an idempotency key.
pub async fn run(
    commands: &CommandService,
    request: ExecuteRequest,
    format: ResponseFormat,
) -> Result<CommandResponse, Error> {
    if request.dry_run && request.idempotency_key.is_some() {
        let conflict = "X-Dry-Run and Idempotency-Key cannot be combined, because a dry run stores nothing; send one.";
        return Err(Error::InvalidArgument(conflict.to_owned()));
    }
    let dry_run = request.dry_run.then(|| "applied".to_owned());
    let output = commands.execute(request).await?;
    let (outcome, replayed) = (CommandOutcome(output.outcome), output.replayed.then_some(true));
    let (shown_once, confirmation) = (output.is_shown_once.then_some(true), output.confirmation.clone());
    Ok(CommandResponse::Ok(format.answer(output.into()), outcome, replayed, dry_run, shown_once, confirmation))
}
