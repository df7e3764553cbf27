"""Servers to which usher must not talk: an old TLS, a certificate for another name, of nobody, that has ended; one that
sends on to plain http; and ones whose answers have no end. Each is told in words, and none sees the token."""

import gzip
import http.server
import json
import os
import ssl
import subprocess
import threading

from lib import T, Usher, check, check_eq, done, step

seen = []  # what arrived: (server, path, Authorization)
NOBODY = json.dumps({"totalResults": 0, "Resources": []}).encode()


def make_certificates():
    """A private CA, and certificates of it."""
    run = lambda *args: subprocess.run(["openssl", *args], check=True, capture_output=True, cwd=T)  # noqa: E731
    run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "ca.key", "-out",
        "ca.pem", "-days", "2", "-subj", "/CN=plant CA")  # fmt: skip
    for name, host, days in (("good", "IP:127.0.0.1,DNS:localhost", "2"), ("other", "DNS:other.example", "2"),
                             ("ended", "IP:127.0.0.1", "-1")):  # fmt: skip
        run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key", "-out",
            f"{name}.csr", "-subj", f"/CN={name}")  # fmt: skip
        with open(f"{T}/{name}.ext", "w", encoding="utf-8") as out:
            out.write(f"subjectAltName={host}\n")
        run("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", f"{name}.pem",
            "-days", days, "-extfile", f"{name}.ext")  # fmt: skip


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        seen.append((self.server.name, self.path, self.headers.get("Authorization")))
        self.server.answer(self)

    def log_message(self, *args):
        pass


def reply(h, body=NOBODY, headers=(), status=200):
    h.send_response(status)
    for header in headers:
        h.send_header(*header)
    h.send_header("Content-Type", "application/scim+json")
    h.send_header("Content-Length", str(len(body)))
    h.end_headers()
    h.wfile.write(body)


def endless_head(h):
    h.send_response(200)
    for n in range(100_000):
        h.send_header(f"X-{n}", "x" * 1000)
    h.end_headers()


def bomb(h):
    """A gigabyte in a megabyte."""
    reply(h, bomb.data, [("Content-Encoding", "gzip")])


def drip(h):
    """An answer without a length, which never ends."""
    h.send_response(200)
    h.send_header("Content-Type", "application/scim+json")
    h.send_header("Connection", "close")
    h.end_headers()
    while True:
        h.wfile.write(b" " * 65536)


def serve(name, answer=reply, context=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.name, server.answer, server.daemon_threads = name, answer, True
    server.handle_error = lambda *args: None
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"{'https' if context else 'http'}://127.0.0.1:{server.server_address[1]}"


def tls(name, old=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if old:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    context.load_cert_chain(f"{T}/{name}.pem", f"{T}/{name}.key")
    return context


def says(usher, name, url, *parts, ca=True):
    usher.run("app", "add", "scim", "--name", name, "--url", url, "--token", "s3cret-token", "--no-test")
    if ca:
        usher.run("app", "set", name, "--setting", f"client.tls.caFile={T}/ca.pem", "--no-test")
    code = 0 if not parts else 1
    said = subprocess.run(usher.argv("app", "test", name), capture_output=True, text=True, timeout=300)
    check_eq(f"{name}: exit code ({said.stderr})", code, said.returncode)
    for part in parts:
        check(f"{name}: '{part}' is not in: {said.stderr}", part.lower() in said.stderr.lower())


make_certificates()
usher = Usher(f"{T}/data")
with open(f"{T}/people.csv", "w", encoding="utf-8") as out:
    out.write("userPrincipalName,displayName\nada@plant.test,Ada\n")
usher.run("import", f"{T}/people.csv")

step("what is trusted")
says(usher, "good", serve("good", context=tls("good")))
modern = tls("good")
modern.minimum_version = ssl.TLSVersion.TLSv1_3
says(usher, "tls13", serve("tls13", context=modern))
check("the token arrives", seen and all(token == "Bearer s3cret-token" for _, _, token in seen))
seen.clear()

step("a key in a header of its own")
keyed = []
url = serve("keyed", lambda h: (keyed.append((h.headers.get("X-Plant-Key"), h.headers.get("Authorization"))), reply(h)))
usher.run("app", "add", "scim", "--name", "keyed", "--url", url, "--token", "k3y-for-plant", "--no-test")
usher.run("app", "set", "keyed", "--setting", "client.auth=header", "--setting", "client.auth.header=X-Plant-Key", "--no-test")
usher.run("app", "test", "keyed", "--record", f"{T}/keyed")
check_eq("what arrives", {("k3y-for-plant", None)}, set(keyed))
for name in os.listdir(f"{T}/keyed"):
    with open(f"{T}/keyed/{name}", encoding="utf-8") as file:
        text = file.read()
    check("the key is in the recording", "k3y-for-plant" not in text and "X-Plant-Key: [Redact]" in text)
seen.clear()

step("and what is not")
says(usher, "nobody", serve("nobody", context=tls("good")), "no trusted TLS connection", "private CA", ca=False)
says(usher, "other", serve("other", context=tls("other")), "no trusted TLS connection")
says(usher, "ended", serve("ended", context=tls("ended")), "no trusted TLS connection", "expired")
says(usher, "old", serve("old", context=tls("good", old=True)), "no trusted TLS connection")
check_eq("what they saw", [], seen)

step("https does not become http")
plain = serve("plain")
says(usher, "down", serve("down", lambda h: reply(h, b"", [("Location", f"{plain}{h.path}")], 307), tls("good")),
     "redirects", "another server")  # fmt: skip
check_eq("what the plain one saw", [], [s for s in seen if s[0] == "plain"])

step("answers without an end")
bomb.data = gzip.compress(bytes(1 << 30), 1)
says(usher, "head", serve("head", endless_head), "larger than")
says(usher, "bomb", serve("bomb", bomb), "larger than")
says(usher, "drip", serve("drip", drip), "larger than")
done()
