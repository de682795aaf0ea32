"""Makes the calls with the client of openapi-python-client."""

from base64 import b64encode
from uuid import UUID

from kommando_client import AuthenticatedClient, Client
from kommando_client.api.commands import every_type
from kommando_client.api.operator import get_execution, list_executions
from kommando_client.api.session import begin_session
from kommando_client.api.user import execute_user_command, get_user, get_user_commands
from kommando_client.models import EveryTypeInputs, LogIn
from kommando_client.types import UNSET

from drive import ADDRESS, drive


def client_of(who):
    match who:
        case (name, password):
            return AuthenticatedClient(ADDRESS, token=b64encode(f"{name}:{password}".encode()).decode(), prefix="Basic")
        case str(ticket):
            return AuthenticatedClient(ADDRESS, token=ticket, prefix="SoTicket")
        case _:
            return Client(ADDRESS)


def perform(who, call, given):
    with client_of(who) as client:
        answer = make(client, call, given)
    parsed = answer.parsed
    return answer.status_code, answer.headers, [one.to_dict() for one in parsed] if isinstance(parsed, list) else parsed.to_dict()


def make(client, call, given):
    match call:
        case "list":
            return get_user_commands.sync_detailed(given["id"], client=client)
        case "execute":
            return execute_user_command.sync_detailed(
                given["id"],
                given["commandName"],
                client=client,
                action_result=given.get("actionResult", UNSET),
                idempotency_key=given.get("idempotencyKey", UNSET),
                x_dry_run=given.get("dryRun", UNSET),
            )
        case "everyType":
            inputs = EveryTypeInputs.from_dict(given["inputs"])
            return every_type.sync_detailed(given["id"], client=client, body=inputs, action_result=given["actionResult"])
        case "user":
            return get_user.sync_detailed(given["id"], client=client, select=given["select"])
        case "logIn":
            body = LogIn(user_name=given["userName"], password=given["password"])
            return begin_session.sync_detailed(client=client, body=body)
        case "executions":
            return list_executions.sync_detailed(client=client, limit=given["limit"])
        case "execution":
            return get_execution.sync_detailed(UUID(given["id"]), client=client)


drive(perform)
