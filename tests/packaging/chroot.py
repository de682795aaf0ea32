"""A minimal Debian in a folder, and a client."""

import base64
import json
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def run(*words, **options):
    return subprocess.run(words, check=True, **options)


def mirror(release):
    """The mirror that this machine's apt uses for Debian itself."""
    form = "$(CODENAME) $(REPO_URI)"
    lines = run("apt-get", "indextargets", "--format", form, "Created-By: Packages", capture_output=True, text=True)
    places = [line.split() for line in lines.stdout.splitlines()]
    return next(uri for codename, uri in places if codename == release)


def debian(release, root):
    """Makes a minimal Debian, from the mirrors that this machine's apt uses."""
    run("debootstrap", "--variant=minbase", release, root, mirror(release), stdout=subprocess.DEVNULL)
    for name in ["sources.list", "sources.list.d", "apt.conf.d", "trusted.gpg.d"]:
        source, target = Path("/etc/apt") / name, root / "etc/apt" / name
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        elif source.exists():
            shutil.copy(source, target)
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")


def ask(port, password, path, method="GET"):
    """Sends a request by admin; returns the status and the JSON."""
    credentials = base64.b64encode(f"admin:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}", "Accept-Language": "en"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method, headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, None
