"""A server behind nginx and Caddy, with the lines of docs/operating.md: who the client is, slow heads, large bodies."""

import base64
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
HOST = "kommando.example.com"
PASSWORD = "a password for the proxies"
# Another address of this machine than the proxy's, so that the log can be told apart.
CLIENT = "127.0.0.5"
SPOOFED = "203.0.113.9"
KOMMANDO, NGINX, CADDY = 18081, 18443, 18444


def block(language):
    """The lines of the page in this language."""
    page = (REPOSITORY / "docs/operating.md").read_text()
    found = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    assert len(found) == 1, f"the page has {len(found)} blocks in {language}"
    lines = found[0].replace("127.0.0.1:8080", f"127.0.0.1:{KOMMANDO}")
    assert lines != found[0], lines
    return lines


def certificate(folder):
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    words += ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    subprocess.run(["openssl", *words, "-keyout", "key.pem", "-out", "cert.pem"], check=True, cwd=folder, capture_output=True)


def nginx(folder):
    certificate(folder)
    (folder / "nginx.conf").write_text(
        f"""user root; daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr;
        events {{}}
        http {{
            access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
            fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
            server {{
                listen 127.0.0.1:{NGINX} ssl; server_name {HOST};
                ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
                {block("nginx")}
            }}
        }}"""
    )
    return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")], NGINX


def caddy(folder):
    options = f"{{\n\tadmin off\n\tlocal_certs\n\tskip_install_trust\n\tauto_https disable_redirects\n\thttps_port {CADDY}\n}}\n"
    (folder / "Caddyfile").write_text(options + block("caddyfile"))
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"], CADDY


class Client:
    """Sends requests over TLS, byte by byte where asked."""

    def __init__(self, port):
        self.port = port

    def connect(self):
        stream = socket.create_connection(("127.0.0.1", self.port), timeout=40, source_address=(CLIENT, 0))
        # The test is not about the certificates, which the proxies have made themselves.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context.wrap_socket(stream, server_hostname=HOST)

    def send(self, method, path, body=b"", headers=(), pause=0.0):
        credentials = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
        lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", f"Authorization: Basic {credentials}", "Connection: close"]
        lines += [f"Content-Length: {len(body)}", "Content-Type: application/json", *headers, "", ""]
        head = "\r\n".join(lines).encode()
        with self.connect() as stream:
            for part in [head[:20], head[20:60], head[60:]]:
                stream.sendall(part)
                time.sleep(pause)
            try:
                stream.sendall(body)
            except OSError:
                pass  # The answer to a body that is too large comes before its end.
            answer = b""
            try:
                while part := stream.recv(65536):
                    answer += part
            except OSError:
                pass
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head, "no answer"
        return int(head.split()[1]), head.decode(), body


def wait_for(what, limit=30):
    until = time.monotonic() + limit
    while True:
        try:
            if what():
                return
        except OSError:
            pass
        assert time.monotonic() < until, "it did not start"
        time.sleep(0.1)


def check(name, start, folder, log):
    words, port = start(folder)
    proxy = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=open(folder / "log", "wb"), env=os.environ | {"HOME": str(folder)})
    client = Client(port)
    try:
        wait_for(lambda: client.send("GET", "/health/ready")[0] == 200)
        forged = [f"X-Forwarded-For: {SPOOFED}", f"Forwarded: for={SPOOFED};proto=http", "X-Forwarded-Proto: http"]
        position = log.stat().st_size
        status, _, body = client.send("GET", "/api/v1/User/2", headers=forged)
        assert status == 200 and b'"AssociateId":2' in body, (name, status, body)
        lines = log.read_text()[position:]
        assert CLIENT in lines and SPOOFED not in lines, f"{name}: the log has another client: {lines}"

        status, head, _ = client.send("POST", "/_ext/session", json.dumps({"userName": "admin", "password": PASSWORD}).encode())
        assert status == 200 and "; Secure" in head, f"{name}: the browser came with TLS: {head}"

        status, _, _ = client.send("GET", "/api/v1/User/2", pause=2.0)
        assert status == 200, f"{name}: a slow head is {status}"

        value = lambda size: json.dumps({"Tooltip": "x" * size}).encode()
        status, _, body = client.send("POST", "/api/v1/User/Validate", value(900_000))
        assert status in (200, 400), f"{name}: a large body is {status}"
        status, _, body = client.send("POST", "/api/v1/User/Validate", value(2_000_000))
        assert status == 413 and b"ErrorType" in body, f"{name}: a body that is too large is {status}: {body[:200]}"
        print(f"{name}: the client's address, TLS, slow heads and large bodies come through")
    finally:
        proxy.terminate()
        proxy.wait(20)


def main(binary):
    folder = Path(tempfile.mkdtemp(prefix="kommando-proxies-"))
    log = folder / "server.log"
    variables = {"KOMMANDO_ADMIN_PASSWORD": PASSWORD, "KOMMANDO_PASSWORD_COST": "m=8,t=1,p=1", "KOMMANDO_HOSTS": HOST}
    variables |= {"KOMMANDO_TRUSTED_PROXIES": "127.0.0.1/32", "KOMMANDO_LOG": "info,kommando::request=debug"}
    words = [binary, "serve", "--demo", "--listen", f"127.0.0.1:{KOMMANDO}"]
    server = subprocess.Popen(words, cwd=folder, env=os.environ | variables, stdout=subprocess.DEVNULL, stderr=open(log, "wb"))
    try:
        wait_for(lambda: "listening" in log.read_text())
        for name, start in [("nginx", nginx), ("Caddy", caddy)]:
            place = folder / name
            place.mkdir()
            check(name, start, place, log)
    finally:
        server.terminate()
        server.wait(60)
    shutil.rmtree(folder)


main(sys.argv[1])
