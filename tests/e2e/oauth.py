"""An application behind OAuth 2.0 client credentials, HTTP Basic or a client certificate, for oauth.sh:
CERTIFICATE KEY. Prints its ports (http, https with client certificates). A token is good for USES requests and
LIFE seconds, whatever it said when it was given. GET /log tells what was asked."""

import base64
import http.server
import json
import re
import secrets
import ssl
import sys
import threading
import time
import urllib.parse

USES, LIFE = 40, 2
USERS, TOKENS, LOG = {}, {}, []
LOCK = threading.Lock()
CLIENT = ("plant client", "s+cret/of=plant")


class Application(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def reply(self, status, body=None, **headers):
        data = json.dumps(body).encode() if body is not None else b""
        self.send_response(status)
        if data:
            self.send_header("Content-Type", "application/scim+json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()

    def token(self):
        form = urllib.parse.parse_qs(self.body())
        given = (form.get("client_id", [""])[0], form.get("client_secret", [""])[0])
        scheme, _, basic = (self.headers.get("Authorization") or "").partition(" ")
        if scheme == "Basic":
            given = tuple(urllib.parse.unquote(x) for x in base64.b64decode(basic).decode().split(":"))
        good = given == CLIENT and form.get("grant_type") == ["client_credentials"]
        LOG.append("token" if good else "token refused")
        if not good:
            return self.reply(401, {"error": "invalid_client", "error_description": f"not {given[1]}"})
        value = secrets.token_urlsafe(24)
        TOKENS[value] = [USES, time.monotonic() + LIFE]
        life = LIFE if self.path.endswith("short") else 3600
        self.reply(200, {"access_token": value, "token_type": "Bearer", "expires_in": life,
                         "scope": form.get("scope", [""])[0]})

    def let_in(self):
        scheme, _, value = (self.headers.get("Authorization") or "").partition(" ")
        if self.path.startswith("/basic/"):
            return scheme == "Basic" and base64.b64decode(value).decode() == "ada:pass:word"
        if self.path.startswith("/mutual/"):
            return value == "plain" and bool(self.connection.getpeercert())
        left = TOKENS.get(value, [0, 0])
        left[0] -= 1
        return left[0] >= 0 and time.monotonic() < left[1]

    def handle_scim(self):
        with LOCK:
            if self.path == "/log":
                return self.reply(200, LOG)
            if self.path.startswith("/token"):
                return self.token()
            body = self.body()
            if self.path.startswith("/away/"):
                return self.reply(307, Location="https://elsewhere.example" + self.path)
            if self.path.startswith("/moved/"):
                return self.reply(308, Location=self.path.replace("/moved/", "/scim/"))
            path = re.sub("^/[a-z]+", "", self.path)
            if not self.let_in():
                LOG.append("401")
                return self.reply(401, {"detail": f"not {self.headers.get('Authorization')}"})
            LOG.append(f"{self.command} {path.partition('?')[0]}")
            self.scim(path, body)

    def scim(self, path, body):
        place, _, query = path.partition("?")
        if place == "/Users" and self.command == "GET":
            wanted = re.search('userName eq "([^"]*)"', urllib.parse.unquote(query))
            found = [u for u in USERS.values() if not wanted or u["userName"] == wanted[1]]
            return self.reply(200, {"totalResults": len(found), "Resources": found})
        if place == "/Users" and self.command == "POST":
            user = json.loads(body)
            user["id"] = str(len(USERS) + 1)
            USERS[user["id"]] = user
            return self.reply(201, user)
        user = USERS.get(place.rpartition("/")[2]) if place.startswith("/Users/") else None
        if place == "/Groups":
            return self.reply(200, {"totalResults": 0, "Resources": []})
        if not user:
            return self.reply(404, {"detail": "not here"})
        return self.reply(200, user) if self.command == "GET" else self.reply(204)

    do_GET = do_POST = do_PATCH = do_DELETE = handle_scim


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # who shows no certificate is hung up on: that is what is tested


def serve(context=None):
    server = Server(("127.0.0.1", 0), Application)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(sys.argv[1], sys.argv[2])
tls.verify_mode = ssl.CERT_REQUIRED
tls.load_verify_locations(sys.argv[1])
print("ports", serve(), serve(tls), flush=True)
threading.Event().wait()
