"""Runs a driver, which makes the calls of calls.json, against a demo server, and compares the responses.

Usage: prove.py NAME KOMMANDO DRIVER…
CALLS sets another file of calls.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

CALLS = Path(os.environ.get("CALLS") or Path(__file__).with_name("calls.json"))
PASSWORD = "correct horse battery staple"


def main(name, binary, driver):
    calls = json.loads(CALLS.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="kommando-clients-") as folder:
        server = serve(binary, folder)
        try:
            address = address_of(server)
            environment = {**os.environ, "ADDRESS": address, "PASSWORD": PASSWORD, "CALLS": str(CALLS)}
            ran = subprocess.run(driver, env=environment, stdout=subprocess.PIPE, text=True, timeout=600)
        finally:
            server.terminate()
            server.wait()
    came = [json.loads(line) for line in ran.stdout.splitlines()]
    errors = [f"{call['name']}: {error}" for call, got in zip(calls, came) for error in unlike(call["expect"], got)]
    if len(came) != len(calls) or ran.returncode:
        errors.append(f"{len(came)} of {len(calls)} calls, then exit code {ran.returncode}")
    if errors:
        sys.exit(f"clients: {name}: " + "\n    ".join(errors))
    print(f"clients: {name}: {len(calls)} calls as expected")


def serve(binary, folder):
    # A clean environment, so that KOMMANDO_* variables of the caller have no effect.
    settings = {"KOMMANDO_ADMIN_PASSWORD": PASSWORD, "KOMMANDO_PASSWORD_COST": "m=8,t=1,p=1", "KOMMANDO_LOG": "warn"}
    words = [binary, "serve", "--demo", "--listen", "127.0.0.1:0", "--commands", os.environ["COMMANDS"]]
    return subprocess.Popen(words, cwd=folder, env=settings, stdout=subprocess.PIPE, text=True)


def address_of(server):
    for line in server.stdout:
        if "/docs" in line:
            return line.split()[-1].removesuffix("/docs")
    sys.exit("clients: the server did not start to listen")


def unlike(expected, got):
    """Yields the differences. A list must contain each expected item; headers count only if the client exposes them."""
    if got["status"] != expected["status"]:
        yield f"status {got['status']} instead of {expected['status']}, with {got['body']}"
    headers = {name.lower(): value for name, value in (got["headers"] or {}).items()}
    for name, value in expected.get("headers", {}).items():
        if got["headers"] is not None and headers.get(name.lower()) != value:
            yield f"{name} is {headers.get(name.lower())} instead of {value}"
    if "body" in expected and not holds(got["body"], expected["body"]):
        yield f"{got['body']} does not contain {expected['body']}"


def holds(got, expected):
    match expected:
        case dict():
            return isinstance(got, dict) and all(holds(got.get(name), value) for name, value in expected.items())
        case list():
            return isinstance(got, list) and all(any(holds(one, value) for one in got) for value in expected)
        case _:
            return got == expected


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
