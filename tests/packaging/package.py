"""Installs the Debian package in a minimal Debian, starts its service as the unit says, upgrades it, and removes it."""

import atexit
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from chroot import ask, debian, run

PASSWORD = "a password for the package"
PORT = 18090
SETTINGS = "/etc/kommando/kommando.toml"


class Machine:
    """A Debian without a running systemd."""

    def __init__(self, root):
        self.root = root
        debian("bookworm", root)
        (root / "proc").mkdir(exist_ok=True)

    def run(self, *words, **options):
        script = f'mount --types proc proc {self.root}/proc && exec chroot {self.root} "$@"'
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"}
        words = ["unshare", "--mount", "sh", "-ec", script, "sh", *words]
        return subprocess.run(words, check=True, env=environment, capture_output=True, text=True, **options)

    def install(self, package):
        shutil.copy(package, self.root / "tmp/kommando.deb")
        self.run("apt-get", "update", "-qq")
        return self.run("apt-get", "install", "-qq", "--yes", "--no-install-recommends", "/tmp/kommando.deb").stdout

    def path(self, path):
        return self.root / path.lstrip("/")

    def owner(self, path):
        return self.run("stat", "--format", "%U:%G %a", path).stdout.strip()

    def start(self):
        """Starts the service as the unit says: its user, its variables, its program."""
        unit = self.path("/lib/systemd/system/kommando.service").read_text()
        setting = lambda name: re.findall(rf"^{name}=(.*)$", unit, re.MULTILINE)
        user, start, folder = setting("User")[0], setting("ExecStart")[0].split(), setting("WorkingDirectory")[0]
        variables = [*setting("Environment"), f"KOMMANDO_LISTEN=127.0.0.1:{PORT}", "PATH=/usr/bin:/bin"]
        words = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--no-new-privs", "--bounding-set=-all"]
        words += ["env", "--ignore-environment", f"--chdir={folder}", *variables, *start]
        script = f'mount --types proc proc {self.root}/proc && exec chroot {self.root} "$@"'
        self.process = subprocess.Popen(["unshare", "--mount", "sh", "-ec", script, "sh", *words], stderr=subprocess.PIPE)
        atexit.register(self.process.kill)
        limit = time.monotonic() + 60
        while True:
            assert self.process.poll() is None, self.process.stderr.read().decode()
            assert time.monotonic() < limit, "the service does not start"
            try:
                if ask(PORT, PASSWORD, "/health/ready")[0] == 200:
                    return
            except OSError:
                time.sleep(0.2)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0, self.process.stderr.read().decode()


def main(package, newer):
    folder = Path(tempfile.mkdtemp(prefix="kommando-package-"))
    machine = Machine(folder / "root")
    told = machine.install(package)
    assert "user add admin --role Administrator" in told, told
    assert machine.owner("/var/lib/kommando") == "kommando:kommando 700"
    assert machine.owner(SETTINGS) == "root:kommando 640"
    for path in ["/usr/bin/kommando", "/usr/share/man/man1/kommando.1.gz", "/usr/share/bash-completion/completions/kommando"]:
        assert machine.path(path).exists(), path
    sizes = machine.run("dpkg-query", "--show", "--showformat", "${Installed-Size}", "kommando").stdout
    print(f"the package: {package.stat().st_size / 2**20:.1f} MiB, installed {int(sizes) / 1024:.1f} MiB")

    as_user = ["setpriv", "--reuid=kommando", "--regid=kommando", "--clear-groups", "kommando", "--config", SETTINGS]
    words = ["user", "add", "admin", "--role", "Administrator", "--password-stdin"]
    machine.run(*as_user, *words, input=PASSWORD + "\n")
    machine.run(*as_user, "config", "check")
    machine.start()
    hello = ask(PORT, PASSWORD, "/api/v1/User/1/CustomCommand/hello", "POST")
    assert hello[0] == 200 and hello[1]["Success"], hello
    assert machine.run("stat", "--format", "%U", f"/proc/{machine.process.pid}").stdout.strip() in ["kommando", "UNKNOWN"]
    machine.stop()

    # An upgrade keeps settings that were changed, their mode, definitions that were removed, and the data.
    settings = machine.path(SETTINGS)
    settings.write_text(settings.read_text() + "ticket_hours = 24\n")
    settings.chmod(0o440)
    removed = machine.path("/etc/kommando/commands.d/deactivate.yaml")
    removed.unlink()
    machine.install(newer)
    assert "ticket_hours = 24" in settings.read_text() and machine.owner(SETTINGS) == "root:kommando 440"
    assert not removed.exists()
    machine.start()
    executions = ask(PORT, PASSWORD, "/_ext/executions")[1]["executions"]
    assert [one["commandName"] for one in executions] == ["hello"], executions
    machine.stop()

    machine.run("apt-get", "remove", "-qq", "--yes", "kommando")
    assert not machine.path("/usr/bin/kommando").exists()
    assert settings.exists() and machine.path("/var/lib/kommando/kommando.db").exists(), "removal keeps settings and data"
    own = machine.path("/etc/kommando/audit-key")
    own.write_text("a file of the administrator")
    machine.run("apt-get", "purge", "-qq", "--yes", "kommando")
    assert not machine.path("/var/lib/kommando").exists(), "purge deletes the data"
    assert list(settings.parent.iterdir()) == [own], "purge deletes the settings of the package only"
    assert "kommando" in machine.path("/etc/passwd").read_text(), "the user stays, since files may belong to it"
    shutil.rmtree(folder)
    print("the package installs, serves, upgrades and leaves")


main(*map(Path, sys.argv[1:]))
