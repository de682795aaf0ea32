"""Makes the calls with the client of openapi-generator."""

from uuid import UUID

from kommando_client import (
    ApiClient,
    ApiException,
    CommandActionResult,
    CommandsApi,
    Configuration,
    EveryTypeInputs,
    LogIn,
    OperatorApi,
    SessionApi,
    UserApi,
)

from drive import ADDRESS, drive


def perform(who, call, given):
    configuration = Configuration(host=ADDRESS)
    match who:
        case (name, password):
            configuration.username, configuration.password = name, password
        case str(ticket):
            configuration.api_key["SoTicket"] = ticket
            configuration.api_key_prefix["SoTicket"] = "SoTicket"
    with ApiClient(configuration) as client:
        try:
            answer = make(client, call, given)
        except ApiException as error:
            return error.status, error.headers, error.data.to_dict()
        data = answer.data
        return answer.status_code, answer.headers, [one.to_dict() for one in data] if isinstance(data, list) else data.to_dict()


def make(client, call, given):
    match call:
        case "list":
            return UserApi(client).get_user_commands_with_http_info(given["id"])
        case "execute":
            answer = given.get("actionResult")
            return UserApi(client).execute_user_command_with_http_info(
                given["id"],
                given["commandName"],
                action_result=answer and CommandActionResult(answer),
                idempotency_key=given.get("idempotencyKey"),
                dry_run=given.get("dryRun"),
            )
        case "everyType":
            inputs = EveryTypeInputs(**given["inputs"])
            return CommandsApi(client).every_type_with_http_info(given["id"], inputs, action_result=given["actionResult"])
        case "user":
            return UserApi(client).get_user_with_http_info(given["id"], select=given["select"])
        case "logIn":
            who = LogIn(user_name=given["userName"], password=given["password"])
            return SessionApi(client).begin_session_with_http_info(who)
        case "executions":
            return OperatorApi(client).list_executions_with_http_info(limit=given["limit"])
        case "execution":
            return OperatorApi(client).get_execution_with_http_info(UUID(given["id"]))


drive(perform)
