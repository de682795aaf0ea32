//! The custom commands of a user: listing and running them.

use poem::{Request, RequestBody};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions, Object, OpenApi,
    param::Header,
    registry::{MetaRequest, Registry},
};
use serde_json::{Map, Value};

use crate::{
    api::{
        extract::{
            json_body::{self, JsonBody, PartialUpdate},
            parameters::{Boolean, ConfirmationHeader, IdempotencyKey},
        },
        models::{CommandActionResult, CustomCommand, User},
        openapi::error_responses::ErrorResponse,
        openapi::tags::Tag,
        respond::format::{Formatted, ResponseFormat},
        routes::custom_command::{CommandResponse, ExecuteUserCommandError, GetUserCommandsError, run},
    },
    auth::AgentCaller,
    commands::{
        CommandService, ExecuteRequest,
        inputs::{GivenInputs, Place},
    },
    error::Error,
    metrics,
};

#[derive(Default)]
pub struct CommandList;

#[derive(Default)]
pub struct CommandRun;

/// A command, the user to run it on, and the answer to its question.
// No Debug: an input may be a secret.
#[derive(Object)]
#[oai(rename_all = "PascalCase")]
pub struct ExecuteUserCommandRequest {
    /// The Name of the command, exactly as listed.
    command_name: String,
    /// The answer to the command's question; `Implicit` when omitted.
    #[oai(nullable)]
    action_result: Option<CommandActionResult>,
    /// The user. Only AssociateId is used.
    #[oai(nullable)]
    user: Option<PartialUpdate<User>>,
    /// The inputs of the command, each as `name=value`.
    #[oai(nullable)]
    additional_data: Option<Vec<String>>,
}

/// The request in either form: everything in the body, or, as in one version of upstream's page, command and answer in
/// the query and the user in the body.
pub struct ExecuteBody {
    request: ExecuteUserCommandRequest,
    inputs: GivenInputs,
}

/// The members that may be in the query.
const IN_QUERY: [&str; 2] = ["CommandName", "ActionResult"];
/// The inputs, each as `name=value`. They may be in the query, too, any number of times.
const INPUTS: &str = "AdditionalData";
const USER: &str = "User";

impl<'a> ApiExtractor<'a> for ExecuteBody {
    const TYPES: &'static [ApiExtractorType] = JsonBody::<ExecuteUserCommandRequest>::TYPES;

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        JsonBody::<ExecuteUserCommandRequest>::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        JsonBody::<ExecuteUserCommandRequest>::request_meta()
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let query = request.params::<Vec<(String, String)>>().unwrap_or_default();
        let (in_query, query): (Vec<_>, Vec<_>) =
            query.into_iter().partition(|(name, _)| name.eq_ignore_ascii_case(INPUTS));
        let has_inputs = !in_query.is_empty();
        let mut inputs = GivenInputs::default();
        inputs.add_texts(in_query.into_iter().map(|(_, text)| text), Place::Query)?;
        let body = match json_body::read(request, body).await? {
            Value::Object(members) => Value::Object(with_query(members, query, has_inputs)?),
            Value::Null => Value::Object(with_query(Map::new(), query, has_inputs)?),
            other => other,
        };
        let mut request: ExecuteUserCommandRequest = json_body::parse(body)?;
        inputs.add_texts(request.additional_data.take().into_iter().flatten(), Place::Body)?;
        Ok(Self { request, inputs })
    }
}

/// Adds the members from the query to those of the body. `has_inputs`: the query has inputs, too.
fn with_query(
    body: Map<String, Value>,
    query: Vec<(String, String)>,
    has_inputs: bool,
) -> Result<Map<String, Value>, Error> {
    let known_member = |(name, value): (String, String)| {
        let known = IN_QUERY.into_iter().find(|known| known.eq_ignore_ascii_case(&name))?;
        Some((known, value))
    };
    let given: Vec<(&str, String)> = query.into_iter().filter_map(known_member).collect();
    let has = |name: &str| body.keys().any(|known| known.eq_ignore_ascii_case(name));
    let is_request = body.is_empty() || IN_QUERY.iter().chain([&USER, &INPUTS]).any(|name| has(name));
    // QUIRK: with members in the query, the body is the user alone. Seen in: docs/upstream.md §1.2, a sample. Until:
    // the sample is gone.
    let mut members = match is_request || given.is_empty() && !has_inputs {
        true => body,
        false => Map::from_iter([(USER.to_owned(), Value::Object(body))]),
    };
    for (name, value) in given {
        match members.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, Value::String(in_body))) if *in_body == value => {}
            Some(_) => {
                let conflict = "the body has a different value; send it once";
                return Err(Error::InvalidArgument(format!("Parameter {name}: {conflict}.")));
            }
            None => drop(members.insert(name.to_owned(), value.into())),
        }
    }
    Ok(members)
}

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl CommandList {
    /// Get the custom commands of a user
    ///
    /// Returns the commands that the caller can run on this user now. Only AssociateId of the user is used. The user
    /// may also be in a property `User`, because some clients send it there.
    #[oai(path = "/GetUserCommands", method = "post", operation_id = "v1UserAgent_GetUserCommands")]
    async fn get_user_commands(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        commands: &CommandService,
        user: JsonBody<PartialUpdate<User>>,
    ) -> Result<Formatted<Vec<CustomCommand>>, ErrorResponse<GetUserCommandsError>> {
        // QUIRK: the user may be in `user`. Seen in: docs/upstream.md §1.2, the official client. Until: the client
        // follows upstream's document.
        let user = user.0.within("User")?.unwrap_or(user.0);
        let available = commands.list(&caller, user.number("AssociateId")).await?;
        Ok(format.answer(available.iter().map(Into::into).collect()))
    }
}

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl CommandRun {
    /// Run a custom command on a user
    ///
    /// Runs a command like `POST /api/v1/User/{id}/CustomCommand/{commandName}`, with the same checks, confirmation,
    /// record and errors. `commandName`, `actionResult` and `additionalData` may also be in the query; the body is then the user alone.
    #[oai(path = "/ExecuteUserCommand", method = "post", operation_id = "v1UserAgent_ExecuteUserCommand")]
    #[expect(clippy::too_many_arguments, reason = "each is a part of the request, as the document shows it")]
    async fn execute_user_command(
        &self,
        caller: AgentCaller,
        format: ResponseFormat,
        commands: &CommandService,
        /// A key that makes the command run only once, even if the request is repeated: 1 to 255 visible ASCII
        /// characters.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: Header<Option<IdempotencyKey>>,
        /// Runs the command without storing its changes or an execution record. Cannot be combined with
        /// Idempotency-Key.
        #[oai(name = "X-Dry-Run")]
        dry_run: Header<Option<Boolean>>,
        /// The X-Confirmation that came with the question.
        #[oai(name = "X-Confirmation")]
        confirmation: Header<Option<ConfirmationHeader>>,
        body: ExecuteBody,
    ) -> Result<CommandResponse, ErrorResponse<ExecuteUserCommandError>> {
        let ExecuteBody { request, inputs } = body;
        let ExecuteUserCommandRequest { command_name, action_result, user, .. } = request;
        let request = ExecuteRequest {
            caller: caller.into_caller(),
            user_id: user.map(|user| user.number("AssociateId")).unwrap_or_default(),
            command_name,
            inputs,
            confirmation: confirmation.0.map(|ConfirmationHeader(token)| token),
            idempotency_key: idempotency_key.0.map(|IdempotencyKey(key)| key),
            dry_run: dry_run.0.is_some_and(|Boolean(dry_run)| dry_run),
            action_result: action_result.unwrap_or_default().into(),
            trace: metrics::trace(),
        };
        Ok(run(commands, request, format).await?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn completed(body: Value, query: &[(&str, &str)]) -> Result<Value, String> {
        let Value::Object(members) = body else { unreachable!("it is an object") };
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        with_query(members, query, false).map(Value::Object).map_err(|error| error.to_string())
    }

    #[test]
    fn command_and_answer_may_be_in_the_query() {
        let query = [("commandName", "hello"), ("ACTIONRESULT", "Yes"), ("other", "x")];
        let user = json!({"AssociateId": 2});
        for (body, expected) in [
            (json!({}), json!({"CommandName": "hello", "ActionResult": "Yes"})),
            (user.clone(), json!({"User": user, "CommandName": "hello", "ActionResult": "Yes"})),
            (json!({"user": user}), json!({"user": user, "CommandName": "hello", "ActionResult": "Yes"})),
            (
                json!({"user": user, "commandname": "hello"}),
                json!({"user": user, "commandname": "hello", "ActionResult": "Yes"}),
            ),
        ] {
            assert_eq!(completed(body.clone(), &query), Ok(expected), "{body}");
        }
        assert_eq!(completed(user.clone(), &[]), Ok(user), "without a query the body is the request");
        let error = completed(json!({"CommandName": "about"}), &query).expect_err("two names");
        assert_eq!(error, "Parameter CommandName: the body has a different value; send it once.");
    }
}
