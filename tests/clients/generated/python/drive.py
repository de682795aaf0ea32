"""Shared by the Python drivers: makes the calls in order, and prints each response as a line of JSON."""

import json
import os

ADDRESS, PASSWORD = os.environ["ADDRESS"], os.environ["PASSWORD"]


def drive(perform):
    """Makes each call with `perform`, which gets the caller: None, (name, password), or a ticket."""
    ticket = newest = None
    with open(os.environ["CALLS"], encoding="utf-8") as file:
        calls = json.load(file)
    for call in calls:
        who = {"anonymous": None, "wrong": ("admin", "wrong"), "ticket": ticket}.get(call["as"], (call["as"], PASSWORD))
        given = {"password": PASSWORD, "id": newest, **call["with"]}
        status, headers, body = perform(who, call["call"], given)
        if call["call"] == "logIn":
            ticket = body["ticket"]
        if call["call"] == "executions":
            newest = str(body["executions"][0]["id"])
        headers = dict(headers)
        print(json.dumps({"status": int(status), "headers": headers, "body": body}, default=str), flush=True)
