"""Builds the last stage of the Dockerfile in a chroot, and runs the image as a container engine would: as its user,
without privileges, with a read-only root and a writable volume."""

import atexit
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from dockerfile_parse import DockerfileParser

from chroot import REPOSITORY, ask, debian, run

PASSWORD = "a password for the container"


class Image:
    """The file system and the settings of the last stage."""

    def __init__(self, dockerfile, binary, root):
        self.root, self.binary = root, binary
        self.environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        self.user, self.folder, self.volumes = "0:0", "/", []
        self.entrypoint, self.command, self.health = [], [], []
        structure = DockerfileParser(fileobj=open(dockerfile, "rb")).structure
        last = max(index for index, line in enumerate(structure) if line["instruction"] == "FROM")
        for line in structure[last:]:
            if line["instruction"] != "COMMENT":
                getattr(self, f"do_{line['instruction'].lower()}")(line["value"])

    def do_from(self, value):
        release = re.fullmatch(r"docker\.io/library/debian:(\w+)-slim", value)
        debian(release[1], self.root)

    def do_run(self, value):
        run("chroot", self.root, "sh", "-ec", value, env=self.environment, stdout=subprocess.DEVNULL)

    def do_copy(self, value):
        *sources, target = value.removeprefix("--from=build ").split()
        for source in sources:
            name = Path(source).name
            original = self.binary if name == "kommando" else REPOSITORY / Path(source).relative_to("/src")
            place = self.root / target.lstrip("/") / (name if target.endswith("/") else "")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(original, place)

    def do_user(self, value):
        self.user = value

    def do_workdir(self, value):
        self.folder = value

    def do_volume(self, value):
        self.volumes.append(value)

    def do_env(self, value):
        name, setting = value.split("=", 1)
        self.environment[name] = setting

    def do_expose(self, value):
        assert int(value)

    def do_healthcheck(self, value):
        self.health = json.loads(value.split(" CMD ")[1])

    def do_entrypoint(self, value):
        self.entrypoint = json.loads(value)

    def do_cmd(self, value):
        self.command = json.loads(value)


class Container:
    """The main process of an image, and further processes in it."""

    def __init__(self, image, volume, secrets, **environment):
        self.image, self.environment = image, image.environment | environment
        root = image.root
        for place in ["proc", "run/secrets", *(volume.lstrip("/") for volume in image.volumes)]:
            (root / place).mkdir(parents=True, exist_ok=True)
        self.mounts = [
            f"mount --bind {root} {root}",
            f"mount --options remount,bind,ro {root}",
            *(f"mount --bind {volume} {root}{place}" for place in image.volumes),
            f"mount --bind {secrets} {root}/run/secrets",
            f"mount --types proc proc {root}/proc",
        ]

    def words(self, command):
        user, group = self.image.user.split(":")
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        inner = ["chroot", f"--userspec={user}:{group}", "--groups=", self.image.root, "env", "--ignore-environment"]
        inner += [f"--chdir={self.image.folder}", *variables, *command]
        limits = ["setpriv", "--no-new-privs", "--bounding-set=-all,+setuid,+setgid,+sys_chroot"]
        script = " && ".join([*self.mounts, 'exec "$@"'])
        return ["unshare", "--mount", "sh", "-ec", script, "sh", *map(str, limits + inner)]

    def start(self):
        self.process = subprocess.Popen(self.words(self.image.entrypoint + self.image.command), stderr=subprocess.PIPE)
        atexit.register(self.process.kill)

    def execute(self, *command):
        return subprocess.run(self.words(command), capture_output=True, text=True)

    def is_healthy(self):
        return self.execute(*self.image.health).returncode == 0

    def wait_until_healthy(self):
        limit = time.monotonic() + 60
        while not self.is_healthy():
            assert self.process.poll() is None, self.process.stderr.read().decode()
            assert time.monotonic() < limit, "the container is not healthy"
            time.sleep(0.2)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        log = self.process.communicate(timeout=60)[1].decode()
        return self.process.returncode, [json.loads(line) for line in log.splitlines()]


def main(binary):
    folder = Path(tempfile.mkdtemp(prefix="kommando-container-"))
    root, volume, secrets = folder / "root", folder / "data", folder / "secrets"
    image = Image(REPOSITORY / "Dockerfile", binary, root)
    size = run("du", "--summarize", "--bytes", root, capture_output=True, text=True).stdout.split()[0]
    print(f"files of the image: {int(size) / 2**20:.0f} MiB")
    user = int(image.user.split(":")[0])
    assert user != 0, "the main process is not root"
    secrets.mkdir(mode=0o755)
    (secrets / "admin").write_text(PASSWORD + "\n")
    volume.mkdir()
    for path in [volume, secrets / "admin"]:
        os.chown(path, user, user)
    os.chmod(volume, 0o700)
    os.chmod(secrets / "admin", 0o400)

    # What the manifest for Kubernetes asks to replace is refused.
    manifest = (REPOSITORY / "packaging/kubernetes/kommando.yaml").read_text()
    refusals = {
        "audit-key": ("KOMMANDO_AUDIT_KEY", "the key of the audit chain has 10 bytes"),
        "admin-password": ("KOMMANDO_ADMIN_PASSWORD", "cannot be the password of the first administrator"),
        "KOMMANDO_TRUSTED_PROXIES": ("KOMMANDO_TRUSTED_PROXIES", "is neither a network"),
    }
    placeholders = re.findall(r"^  (\S+): REPLACE-ME$", manifest, re.MULTILINE)
    assert set(placeholders) == set(refusals), placeholders
    checked = Container(image, volume, secrets).execute("kommando", "config", "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    for variable, reason in refusals.values():
        checked = Container(image, volume, secrets, **{variable: "REPLACE-ME"}).execute("kommando", "config", "check")
        told = checked.stdout + checked.stderr
        assert checked.returncode != 0 and reason in told, f"{variable}: {told}"

    variables = {"KOMMANDO_ADMIN_PASSWORD_FILE": "/run/secrets/admin", "KOMMANDO_LISTEN": "0.0.0.0:18080"}
    container = Container(image, volume, secrets, **variables)
    made = container.execute("kommando", "commands", "init")
    assert made.returncode == 0, made.stderr
    container.start()
    container.wait_until_healthy()
    status, answer = ask(18080, PASSWORD, "/api/v1/User/1/CustomCommand/hello", "POST")
    assert (status, answer["Success"]) == (200, True), (status, answer)
    assert os.stat(f"/proc/{container.process.pid}").st_uid == user
    written = container.execute("sh", "-c", "touch /usr/x || touch /x")
    assert "Read-only file system" in written.stderr, written
    assert container.execute("test", "-s", "/etc/ssl/certs/ca-certificates.crt").returncode == 0
    code, log = container.stop()
    assert (code, log[-1]["message"]) == (0, "stopped"), (code, log[-1:])
    assert not container.is_healthy(), "the health check notices that the server has stopped"
    kept = sorted(path.name for path in volume.iterdir())
    assert {"commands.d", "kommando.db", "kommando.db.audit-key"} <= set(kept), kept

    # Another container continues with the volume.
    container = Container(image, volume, secrets, **variables)
    container.start()
    container.wait_until_healthy()
    executions = ask(18080, PASSWORD, "/_ext/executions")[1]["executions"]
    assert [one["commandName"] for one in executions] == ["hello"], executions
    assert container.stop()[0] == 0
    shutil.rmtree(folder)
    print("the image starts, serves, stops and continues")


main(Path(sys.argv[1]))
