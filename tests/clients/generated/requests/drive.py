"""Runs the lines of openapi/clients/README.md that deactivate a user, and prints each response as a line of JSON.

Usage: drive.py NAME, where NAME is a section with two blocks of lines: the first makes the requests, the second runs them.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).resolve().parents[4] / "openapi/clients/README.md"


def main(name):
    section = README.read_text(encoding="utf-8").split(f"\n## {name}\n")[1].split("\n## ")[0]
    lines = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)[1]
    # The address of the test's server, and its password, which has spaces.
    lines = lines.replace("=PASSWORD", '="$PASSWORD" --env-var baseUrl="$ADDRESS"')
    for count in range(lines.count("--verbose")):
        lines = lines.replace("--verbose", f"--reporters json --reporter-json-export {count}.json", 1)
    subprocess.run(["bash", "-euc", lines], stdout=sys.stderr, check=True)
    answers = {"postman": of_newman, "bruno": of_bruno}[name]
    for answer in answers():
        print(json.dumps(answer))


def of_newman():
    for name in ["0.json", "1.json"]:
        (run,) = json.loads(Path(name).read_text(encoding="utf-8"))["run"]["executions"]
        response = run["response"]
        headers = {header["key"]: header["value"] for header in response["header"]}
        body = json.loads(bytes(response["stream"]["data"]))
        yield {"status": response["code"], "headers": headers, "body": body}


def of_bruno():
    for name in ["asked.json", "done.json"]:
        text = (Path("kommando-bruno") / name).read_text(encoding="utf-8")
        (run,) = json.loads(text)[0]["results"]
        response = run["response"]
        yield {"status": response["status"], "headers": response["headers"], "body": response["data"]}


if __name__ == "__main__":
    main(sys.argv[1])
