"""Sends each operation of the document as Swagger UI does when a user presses "Try it out" and "Execute", to a server with
the data of the demo, and compares each answer with the document in OpenAPI 3.0 and 3.1.

Usage: try_it_out.py ADDRESS PASSWORD
"""

import base64
import json
import sys
import urllib.error
import urllib.parse
import urllib.request

from openapi_schema_validator import OAS30Validator, OAS31Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

# The operations that no fixed example can make succeed: their status, and why.
EXCEPTIONS = {
    "BeginSession": (401, "the password of a demo is random"),
    "ChangePassword": (401, "the password of a demo is random"),
    "GetExecution": (404, "the id of an execution is random"),
    "RedriveWebhook": (404, "the id of a webhook is random"),
    "RevokeTicket": (404, "the id of a ticket is random"),
    "reactivate": (400, "the user of the examples is not retired"),
    "v1UserAgent_GetAccessToken": (400, "the token of an application is random"),
    "v1User_GetCustomFieldInfo": (404, "the demo has no custom field"),
}

address, password = sys.argv[1:]
BASIC = "Basic " + base64.b64encode(f"admin:{password}".encode()).decode()


def call(method, path, headers, body=None):
    request = urllib.request.Request(address + path, data=body, method=method.upper(), headers=headers)
    try:
        response = urllib.request.urlopen(request)
    except urllib.error.HTTPError as error:
        response = error
    return response.status, response.headers, response.read()


def document(path):
    return json.loads(call("get", path, {})[2])


def at(document, pointer):
    for part in pointer.removeprefix("#/").split("/"):
        document = document[part.replace("~1", "/").replace("~0", "~")]
    return document


def resolved(document, value):
    while "$ref" in value:
        value = at(document, value["$ref"])
    return value


def sample(document, schema, depth=0):
    """What Swagger UI makes of a schema."""
    own = schema
    schema = resolved(document, schema)
    if "example" in own or "example" in schema:
        return own.get("example", schema.get("example"))
    if "default" in schema:
        return schema["default"]
    if "allOf" in schema:
        return sample(document, schema["allOf"][0], depth)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        if depth > 5:
            return {}
        properties = schema.get("properties", {}).items()
        return {name: sample(document, one, depth + 1) for name, one in properties if not resolved(document, one).get("readOnly")}
    if kind == "array":
        return [sample(document, schema["items"], depth + 1)]
    formats = {"date-time": "2026-11-30T12:00:00.000Z", "uuid": "3fa85f64-5717-4562-b3fc-2c963f66afa6", "binary": "string"}
    return {"integer": 0, "number": 0, "boolean": True}.get(kind, formats.get(schema.get("format"), "string"))


def example(document, parameter):
    if "example" in parameter:
        return parameter["example"]
    if "examples" in parameter:
        return next(iter(parameter["examples"].values()))["value"]
    schema = resolved(document, parameter["schema"])
    return schema.get("example", schema.get("default"))


def text(value):
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(text, value)) if isinstance(value, list) else str(value)


def send(document, method, path, operation):
    query, headers = [], {"Authorization": BASIC, "Accept": "application/json"}
    for parameter in (resolved(document, one) for one in operation.get("parameters", [])):
        value = example(document, parameter)
        if value is None:
            if parameter.get("required"):
                sys.exit(f"{operation['operationId']}: the parameter {parameter['name']} has no example")
            continue
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", urllib.parse.quote(text(value), safe=""))
        elif parameter["in"] == "query":
            query.append((parameter["name"], text(value)))
        elif parameter["in"] == "header":
            headers[parameter["name"]] = text(value)
    body = None
    if "requestBody" in operation:
        media, content = next(iter(resolved(document, operation["requestBody"])["content"].items()))
        headers["Content-Type"] = media
        if "example" in content:
            value = content["example"]
        elif "examples" in content:
            value = next(iter(content["examples"].values()))["value"]
        else:
            value = sample(document, content["schema"])
        body = json.dumps(value).encode()
    answers = [media for one in operation["responses"].values() for media in resolved(document, one).get("content", {})]
    if answers:
        headers["Accept"] = answers[0]
    url = path + ("?" + urllib.parse.urlencode(query) if query else "")
    status, answered, content = call(method, url, headers, body)
    return status, (answered, content), f"{method.upper()} {url} {body.decode() if body else ''}"


def faults(validator, document, operation, status, answer):
    """Where an answer differs from the document."""
    headers, content = answer
    if str(status) not in operation["responses"]:
        return ["the status is not documented"]
    response = resolved(document, operation["responses"][str(status)])
    media = (headers.get("Content-Type") or "").split(";")[0]
    described = {name.split(";")[0]: one for name, one in response.get("content", {}).items()}.get(media)
    if content and described is None:
        return [f"the media type {media} is not documented"]
    if not content or "json" not in media:
        return []
    resource = Resource.from_contents(document, default_specification=DRAFT202012)
    registry = Registry().with_resource("urn:document", resource)
    schema = described["schema"]
    schema = json.loads(json.dumps(schema).replace('"#/', '"urn:document#/'))
    found = validator(schema, registry=registry).iter_errors(json.loads(content))
    # OpenAPI 3.0 cannot say that a property with a reference is nullable.
    is_known = lambda error: validator is OAS30Validator and error.instance is None and "allOf" in error.absolute_schema_path
    return [f"{'/'.join(map(str, error.path))}: {error.message[:200]}" for error in found if not is_known(error)]


def main():
    three, three_one = document("/openapi.json"), document("/openapi-3.1.json")
    tried, wrong = 0, []
    for path, operations in three["paths"].items():
        for method, operation in operations.items():
            name = operation["operationId"]
            status, _, _ = call("post", "/_ext/demo/reset", {"Authorization": BASIC})
            assert status == 204, status
            tried += 1
            status, answer, sent = send(three, method, path, operation)
            allowed = {EXCEPTIONS[name][0]} if name in EXCEPTIONS else range(200, 300)
            if status not in allowed:
                wrong.append(f"{name}: {status} {sent} {answer[1].decode()[:300]}")
            for validator, one in (OAS30Validator, three), (OAS31Validator, three_one):
                for fault in faults(validator, one, one["paths"][path][method], status, answer):
                    wrong.append(f"{name} {status}, OpenAPI {one['openapi']}: {fault}")
    for one in wrong[:200]:
        print(one, file=sys.stderr)
    if wrong:
        sys.exit(f"{len(wrong)} of the examples and answers are not as the document says")
    print(f"try it out: {tried - len(EXCEPTIONS)} of {tried} operations succeed as Swagger UI sends them; answers match both documents")


main()
