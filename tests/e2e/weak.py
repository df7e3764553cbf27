"""An application that has PUT but no PATCH, no groups, no bulk, no deletion, and answers 404 when nobody matches."""

import http.server
import json
import re
import sys
import urllib.parse

USERS = {}


class Weak(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def reply(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        user = USERS.get(path.removeprefix("/Users/"))
        if path == "/Users" and self.command == "GET":
            wanted = re.search('userName eq "([^"]*)"', urllib.parse.unquote(query))
            found = [u for u in USERS.values() if not wanted or u["userName"] == wanted[1]]
            if wanted and not found:
                return self.reply(404, {"detail": "nobody"})
            return self.reply(200, {"Resources": found})
        if path == "/Users" and self.command == "POST":
            user = json.loads(body)
            if any(u["userName"] == user["userName"] for u in USERS.values()):
                return self.reply(409, {"detail": "taken"})
            user["id"] = str(len(USERS) + 1)
            USERS[user["id"]] = user
            return self.reply(200, user)
        if user and self.command == "GET":
            return self.reply(200, user)
        if user and self.command == "PUT":
            USERS[user["id"]] = json.loads(body)
            return self.reply(200, USERS[user["id"]])
        return self.reply(405 if user else 404, {"detail": "no"})

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Weak)
print("port", server.server_address[1], flush=True)
server.serve_forever()
