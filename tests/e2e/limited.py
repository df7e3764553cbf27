"""A cycle against an application that takes ten requests a second (engine.md 9.7): it takes at most 1.1
times as long as that says, nothing fails, and what was found out is remembered."""

import email.utils
import http.server
import json
import re
import threading
import time
import urllib.parse

from lib import T, Usher, check, check_eq, step

LIMIT = 10


class App(http.server.BaseHTTPRequestHandler):
    """A SCIM server that counts its requests by the second of the clock."""

    protocol_version = "HTTP/1.1"
    lock = threading.Lock()
    users = {}
    second = 0
    in_second = 0
    accepted = 0
    refused = 0
    dates = False  # Retry-After as a date

    def answer(self, status, body=None, headers=()):
        data = json.dumps(body).encode() if body is not None else b""
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", "application/scim+json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def admitted(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.body = json.loads(self.rfile.read(length)) if length else None
        now = time.time()
        with App.lock:
            if int(now) != App.second:
                App.second, App.in_second = int(now), 0
            App.in_second += 1
            full = App.in_second > LIMIT
            App.refused += full
            App.accepted += not full
        if full:
            later = email.utils.formatdate(int(now) + 1, usegmt=True) if App.dates else "1"
            self.answer(429, {"status": "429"}, [("Retry-After", later)])
        return not full

    def do_GET(self):
        if not self.admitted():
            return
        url = urllib.parse.urlparse(self.path)
        found = []
        if url.path == "/Users":
            asked = urllib.parse.parse_qs(url.query).get("filter")
            name = re.search(r'userName eq "([^"]*)"', asked[0]) if asked else None
            found = [u for u in App.users.values() if not asked or (name and u["userName"] == name[1])]
        self.answer(200, {"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
                          "totalResults": len(found), "Resources": found[:100]})

    def do_POST(self):
        if not self.admitted():
            return
        with App.lock:
            user = dict(self.body, id=str(len(App.users) + 1))
            App.users[user["id"]] = user
        self.answer(201, user)

    def log_message(self, *args):
        pass


def cycle(usher, what, finding_out=0):
    """finding_out: seconds that it may take to find the limit, however few requests there are."""
    App.accepted = App.refused = 0
    began = time.monotonic()
    result = usher.json("start", "App", "--wait")
    took = time.monotonic() - began
    least = App.accepted / LIMIT
    print(f"  {what}: {App.accepted} requests in {took:.2f} s, {least:.2f} s at best, {App.refused} refused", flush=True)
    check_eq(f"state of the cycle ({result['error']})", "Succeeded", result["state"])
    check_eq("failed", 0, result["counts"]["failed"])
    check(f"{took:.2f} s are more than 1.1 times {least:.2f} s", took <= 1.1 * least + finding_out)
    return result


def people(usher, numbers):
    path = f"{T}/people.csv"
    with open(path, "w", encoding="utf-8") as out:
        out.write("userPrincipalName,displayName,givenName,surname,mail\n")
        for n in numbers:
            out.write(f"p{n}@example.com,Person {n},Person,{n},p{n}@example.com\n")
    usher.run("import", path)


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128


server = Server(("127.0.0.1", 0), App)
threading.Thread(target=server.serve_forever, daemon=True).start()
usher = Usher(f"{T}/data")
people(usher, range(100))
usher.run("app", "add", "scim", "--name", "App", "--url", f"http://127.0.0.1:{server.server_address[1]}", "--token", "t",
          "--scope", "all")
usher.run("app", "set", "App", "--setting", "client.listing=never")

step("a first cycle against a limit that nobody has told usher")
check_eq("created", 100, cycle(usher, "unknown limit", finding_out=3)["counts"]["created"])
check("it was found out by being refused", 0 < App.refused <= 64)

step("the next one knows it, and a date says the same as seconds")
App.dates = True
people(usher, range(100, 200))
check_eq("created", 100, cycle(usher, "known limit")["counts"]["created"])
check(f"hardly refused: {App.refused}", App.refused <= 40)
check_eq("accounts", 200, len(App.users))
check_eq("names", 200, len({u["userName"] for u in App.users.values()}))
server.shutdown()
