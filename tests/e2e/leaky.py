"""A SCIM server that repeats whatever opens it: the query, the token, the client's secret, cookies; /token gives the
access token."""

import http.server
import json
import re
import urllib.parse

USERS = {}


class Leaky(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, status, body):
        body = dict(body, echo={"token": self.headers.get("Authorization", ""), "detail": "you sent t0ken-1"})
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in (("Content-Type", "application/scim+json"), ("Set-Cookie", "id=c00kie; Secure"),
                            ("X-Session-Key", "s3ss1on"), ("Content-Length", str(len(data)))):  # fmt: skip
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def do(self):
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        if path == "/token":
            self.reply(200, {"access_token": "t0ken-1", "token_type": "Bearer", "expires_in": 3600})
        elif self.command == "POST":
            user = dict(json.loads(data), id=f"u{len(USERS) + 1}")
            USERS[user["id"]] = user
            self.reply(201, user)
        elif path == "/scim/Users":
            wanted = re.search('userName eq "([^"]*)"', urllib.parse.unquote(query))
            found = [u for u in USERS.values() if not wanted or u["userName"] == wanted[1]]
            self.reply(200, {"totalResults": len(found), "Resources": found})
        elif path == "/scim/Groups":
            self.reply(200, {"totalResults": 0, "Resources": []})
        else:
            self.reply(404, {"detail": "nothing"})

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Leaky)
print("listening", server.server_address[1], flush=True)
server.serve_forever()
