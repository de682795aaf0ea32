//! The custom commands of a user: which there are, and running one.

use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Header, Path, Query},
};

use super::{
    Tag,
    carriers::{CommandActionResult, CommandResult, CustomCommand},
    parameters::{AnyCase, CommandName, CommandOutcome, DryRun, IdempotencyKey, UserId},
    reader::{Answer, Reader},
    refusals::{ErrorResponse, Refusals},
    request::{NoBody, RequestId},
    written::Written,
};
use crate::{
    auth::UserAgent,
    commands::{AvailableCommand, CommandService, ExecuteRequest},
    error::Error,
    watch,
};

#[derive(Default)]
pub struct CustomCommandOperations {
    written: Written<[AvailableCommand]>,
}

/// The refusals of the list.
pub struct GetUserCommands;

impl Refusals for GetUserCommands {
    const LIST: &'static [(u16, &'static str)] =
        &[(403, "Forbidden. The caller may not see this user, whether or not there is one."), (404, "Not Found.")];
}

/// The refusals of running a command. The texts of 400 and 404 are upstream's.
pub struct ExecuteUserCommand;

impl Refusals for ExecuteUserCommand {
    const LIST: &'static [(u16, &'static str)] = &[
        (400, "Bad request. Entity to save is not in request body."),
        (
            403,
            "Forbidden. The caller may not see this user, or may not run this command on this user, or another site's page sent the request.",
        ),
        (404, "User with given id does not exist in the db."),
        (409, "A request with this Idempotency-Key is under way. Send it again."),
        (422, "This Idempotency-Key was used with another actionResult."),
        (502, "The system that runs this command could not be called, or did not take the call; nothing was done."),
        (504, "The system that runs this command gave no usable answer; whether it did its work is not known."),
        (507, "The server has no room to store anything; nothing happened."),
    ];
    const HEADERS: &'static [(u16, &'static str, &'static str)] = &[
        (403, "X-Command-Outcome", "`denied`, when it was the command that the caller may not run."),
        (502, "X-Command-Outcome", "`failed`. The same Idempotency-Key may try again."),
        (
            504,
            "X-Command-Outcome",
            "`unknown`. The same Idempotency-Key has the same answer, and nothing is called again.",
        ),
        (504, "Idempotency-Replayed", "`true` when this is the stored answer of an earlier request."),
    ];
}

#[derive(ApiResponse)]
pub enum CommandResponse {
    /// The command ran, was declined, or must be confirmed first: Success, Result and X-Command-Outcome tell which.
    #[oai(status = 200)]
    Ok(
        Answer<CommandResult>,
        /// What came of it. `asked`: the question is still to be answered; `declined`: the answer was No or Cancel;
        /// `succeeded`: it ran; `failed`: it ran and could not do its work, and its effect was undone.
        #[oai(header = "X-Command-Outcome")]
        CommandOutcome,
        /// `true` when this is the stored answer of an earlier request with the same Idempotency-Key.
        #[oai(header = "Idempotency-Replayed")]
        Option<bool>,
        /// `applied` when nothing was kept, as X-Dry-Run asked.
        #[oai(header = "X-Dry-Run")]
        Option<String>,
        /// `true` when the Message has a secret, such as a temporary password: it is told this once, and stored nowhere.
        #[oai(header = "X-Shown-Once")]
        Option<bool>,
    ),
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::User", ignore_case = true)]
impl CustomCommandOperations {
    /// Get the custom commands of a user
    ///
    /// Gets the commands that the caller can run on this user now. The list is valid for this user at this moment: a
    /// command appears and disappears with the user's state.
    #[oai(path = "/User/:id/CustomCommand", method = "get", operation_id = "v1User_GetUserCommands")]
    async fn get_user_commands(
        &self,
        caller: UserAgent,
        reader: Reader,
        commands: &CommandService,
        /// The user's id (AssociateId).
        id: Path<UserId>,
    ) -> Result<Answer<Vec<CustomCommand>>, ErrorResponse<GetUserCommands>> {
        let available = commands.list(&caller, id.0.0).await?;
        let carriers = |available: &[AvailableCommand], _: &str| available.iter().map(Into::into).collect();
        Ok(self.written.answer(available, String::new(), reader, carriers))
    }

    /// Run a custom command on a user
    ///
    /// Runs a command when nothing must be confirmed, or when `actionResult` confirms it. Otherwise nothing runs, and
    /// the answer has the question as its Message and `Implicit` as its Result: ask the question with the buttons of
    /// the command's Actions, and call again with the button that was pressed.
    ///
    /// | Actions | runs on | declined by | asked again by |
    /// |---|---|---|---|
    /// | Implicit | omitted, Implicit, Yes, Ok | No, Cancel | – |
    /// | Ok | Ok, Yes | No, Cancel | omitted, Implicit |
    /// | OkCancel | Ok | Cancel, No | omitted, Implicit, Yes |
    /// | YesNo | Yes | No, Cancel | omitted, Implicit, Ok |
    ///
    /// All of these are answered with status 200. A command that does not exist or is not available for this user is
    /// answered with 400. Effect and record are stored together before the answer is sent. The request takes no body.
    #[oai(path = "/User/:id/CustomCommand/:commandName", method = "post", operation_id = "v1User_ExecuteUserCommand")]
    #[expect(clippy::too_many_arguments, reason = "each is a part of the request, as the document shows it")]
    async fn execute_user_command(
        &self,
        caller: UserAgent,
        reader: Reader,
        commands: &CommandService,
        request_id: RequestId,
        /// The user's id (AssociateId).
        id: Path<UserId>,
        /// The command's Name, exactly as it is listed.
        #[oai(name = "commandName")]
        command_name: Path<CommandName>,
        /// How the command's question was answered. Omitted means `Implicit`. Upper and lower case make no difference.
        #[oai(name = "actionResult")]
        action_result: Query<Option<AnyCase<CommandActionResult>>>,
        /// Makes the request run once, however often it is sent: 1 to 255 visible ASCII characters of the client's choice.
        /// The same key answers what was answered before; it is kept for 24 hours, and holds for this caller, user and
        /// command. What only asked or was refused leaves it free.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: Header<Option<IdempotencyKey>>,
        /// Runs the command and keeps nothing: neither effect nor record. Not together with an Idempotency-Key.
        #[oai(name = "X-Dry-Run")]
        dry_run: Header<Option<DryRun>>,
        _body: NoBody,
    ) -> Result<CommandResponse, ErrorResponse<ExecuteUserCommand>> {
        let request = ExecuteRequest {
            caller: caller.into_caller(),
            user_id: id.0.0,
            command_name: command_name.0.0,
            idempotency_key: idempotency_key.0.map(|IdempotencyKey(key)| key),
            dry_run: dry_run.0.is_some_and(|DryRun(dry_run)| dry_run),
            action_result: action_result.0.map(|AnyCase(answer)| answer).unwrap_or_default().into(),
            request_id: request_id.0,
            trace: watch::trace(),
        };
        Ok(run(commands, request, reader).await?)
    }
}

/// Runs a command for a reader.
///
/// # Errors
/// As [`CommandService::execute`]; and a key for a dry run, which keeps nothing.
pub async fn run(commands: &CommandService, request: ExecuteRequest, reader: Reader) -> Result<CommandResponse, Error> {
    if request.dry_run && request.idempotency_key.is_some() {
        let clash = "A dry run keeps nothing, so it takes no Idempotency-Key; send one of the two.";
        return Err(Error::InvalidArgument(clash.to_owned()));
    }
    let dry_run = request.dry_run.then(|| "applied".to_owned());
    let output = commands.execute(request).await?;
    let (outcome, replayed) = (CommandOutcome(output.outcome), output.replayed.then_some(true));
    let shown_once = output.is_shown_once.then_some(true);
    Ok(CommandResponse::Ok(reader.answer(output.into()), outcome, replayed, dry_run, shown_once))
}
