//! The custom commands of a user.

use poem::{Request, RequestBody};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions, Object, OpenApi,
    param::Header,
    registry::{MetaRequest, Registry},
    types::Example,
};
use serde_json::{Map, Value};

use super::super::{
    Tag,
    body::{self, Body, Partial},
    carriers::{CommandActionResult, CustomCommand, User},
    custom_command::{CommandResponse, ExecuteUserCommand, GetUserCommands, run},
    parameters::{DryRun, IdempotencyKey},
    reader::{Answer, Reader},
    refusals::ErrorResponse,
    request::RequestId,
};
use crate::{
    auth::UserAgent,
    commands::{CommandService, ExecuteRequest},
    error::Error,
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

/// The request in either form: all of it in the body, or, as in one version of upstream's page, name and answer in the query
/// and the user in the body.
pub struct ExecuteBody(ExecuteUserCommandRequest);

/// What may stand in the query.
const IN_QUERY: [&str; 2] = ["CommandName", "ActionResult"];
const USER: &str = "User";

impl<'a> ApiExtractor<'a> for ExecuteBody {
    const TYPES: &'static [ApiExtractorType] = Body::<ExecuteUserCommandRequest>::TYPES;

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        Body::<ExecuteUserCommandRequest>::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Body::<ExecuteUserCommandRequest>::request_meta()
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let query = request.params::<Vec<(String, String)>>().unwrap_or_default();
        let body = match body::read(request, body).await? {
            Value::Object(members) => Value::Object(with_query(members, query)?),
            Value::Null => Value::Object(with_query(Map::new(), query)?),
            other => other,
        };
        Ok(Self(body::parse(body)?))
    }
}

/// The members of a body, and those that stand in the query.
fn with_query(body: Map<String, Value>, query: Vec<(String, String)>) -> Result<Map<String, Value>, Error> {
    let own = |(name, value): (String, String)| {
        let known = IN_QUERY.into_iter().find(|known| known.eq_ignore_ascii_case(&name))?;
        Some((known, value))
    };
    let given: Vec<(&str, String)> = query.into_iter().filter_map(own).collect();
    let has = |name: &str| body.keys().any(|known| known.eq_ignore_ascii_case(name));
    let is_request = body.is_empty() || IN_QUERY.iter().chain([&USER]).any(|name| has(name));
    // QUIRK: beside the query, the body is the user alone. Seen in: contract §1.2, a sample. Until: it is gone.
    let mut members = match is_request || given.is_empty() {
        true => body,
        false => Map::from_iter([(USER.to_owned(), Value::Object(body))]),
    };
    for (name, value) in given {
        match members.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, Value::String(own))) if *own == value => {}
            Some(_) => {
                let twice = "it is given in the body, too, and differs; send it once";
                return Err(Error::InvalidArgument(format!("Parameter {name}: {twice}.")));
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
    /// Gets the commands that the caller can run on this user now. Of the user, only AssociateId is looked at. As some
    /// clients send it, the user may also stand in a property `User`.
    #[oai(path = "/GetUserCommands", method = "post", operation_id = "v1UserAgent_GetUserCommands")]
    async fn get_user_commands(
        &self,
        caller: UserAgent,
        reader: Reader,
        commands: &CommandService,
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
    /// confirmation, the same record, the same errors. `commandName` and `actionResult` may also stand in the query, and the
    /// body be the user alone.
    #[oai(path = "/ExecuteUserCommand", method = "post", operation_id = "v1UserAgent_ExecuteUserCommand")]
    #[expect(clippy::too_many_arguments, reason = "each is a part of the request, as the document shows it")]
    async fn execute_user_command(
        &self,
        caller: UserAgent,
        reader: Reader,
        commands: &CommandService,
        request_id: RequestId,
        /// Makes the request run once, however often it is sent: 1 to 255 visible ASCII characters of the client's choice.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: Header<Option<IdempotencyKey>>,
        /// Runs the command and keeps nothing: neither effect nor record. Not together with an Idempotency-Key.
        #[oai(name = "X-Dry-Run")]
        dry_run: Header<Option<DryRun>>,
        body: ExecuteBody,
    ) -> Result<CommandResponse, ErrorResponse<ExecuteUserCommand>> {
        let ExecuteBody(ExecuteUserCommandRequest { command_name, action_result, user }) = body;
        let request = ExecuteRequest {
            caller: caller.into_caller(),
            user_id: user.map(|user| user.number("AssociateId")).unwrap_or_default(),
            command_name,
            idempotency_key: idempotency_key.0.map(|IdempotencyKey(key)| key),
            dry_run: dry_run.0.is_some_and(|DryRun(dry_run)| dry_run),
            action_result: action_result.unwrap_or_default().into(),
            request_id: request_id.0,
            trace: watch::trace(),
        };
        Ok(run(commands, request, reader).await?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn completed(body: Value, query: &[(&str, &str)]) -> Result<Value, String> {
        let Value::Object(members) = body else { unreachable!("it is an object") };
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        with_query(members, query).map(Value::Object).map_err(|error| error.to_string())
    }

    #[test]
    fn name_and_answer_may_stand_in_the_query() {
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
        let twice = completed(json!({"CommandName": "about"}), &query).expect_err("two names");
        assert_eq!(twice, "Parameter CommandName: it is given in the body, too, and differs; send it once.");
    }
}
