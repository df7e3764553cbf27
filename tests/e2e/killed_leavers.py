"""See killed_leavers.sh: PROVIDER PATH KEY.

The target stands behind a proxy that kills the cycle when so many creations have been carried out, instead of
passing their answer on."""

import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lib import T, Scim, Usher, check, check_eq, done, step

ROUNDS = int(os.environ.get("ROUNDS") or 12)
SEED = int(os.environ.get("SEED") or 0) or random.SystemRandom().randrange(1 << 32)
APP = "Plant"


class Proxy(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, upstream):
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = upstream
        self.lock = threading.Lock()
        self.process = None  # to be killed
        self.creations_left = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def kills(self, answer):
        """Whether this creation is the one at which the process dies."""
        with self.lock:
            if not self.process or answer != 201:
                return False
            self.creations_left -= 1
            if self.creations_left == 0:
                self.process.kill()
            return self.creations_left <= 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        upstream = http.client.HTTPConnection(*self.server.upstream, timeout=60)
        upstream.request(self.command, self.path, body, dict(self.headers))
        answer = upstream.getresponse()
        data = answer.read()
        upstream.close()
        if self.command == "POST" and self.server.kills(answer.status):
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name in ("Content-Type", "Location", "ETag"):
            if answer.getheader(name):
                self.send_header(name, answer.getheader(name))
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def handle(self):
        try:
            super().handle()
        except OSError:  # whoever has asked is dead
            pass

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = forward

    def log_message(self, *args):
        pass


def killed_cycle(usher, proxy, creations):
    with open(f"{T}/life.log", "w", encoding="utf-8") as log, proxy.lock:
        proxy.creations_left = creations
        proxy.process = subprocess.Popen(usher.argv("start", APP, "--wait"), stdout=log, stderr=log)
    code = proxy.process.wait(timeout=60)
    with proxy.lock:
        proxy.process = None
    check_eq("exit code of a cycle that is killed", -signal.SIGKILL, code)


class People:
    """Who is to have an active account."""

    def __init__(self, usher, rng):
        self.usher = usher
        self.rng = rng
        self.made = 0
        self.expected = set()

    def arrive(self, count):
        names = []
        for _ in range(count):
            self.made += 1
            name = f"p{self.made:04d}@example.com"
            self.usher.run("user", "add", name, f"displayName=Person {self.made}", f"mailNickname=p{self.made}")
            self.usher.run("assignment", "add", APP, name)
            names.append(name)
        self.expected.update(names)
        return names

    def leave(self, name):
        how = self.rng.randrange(3)
        if how == 0:
            self.usher.run("assignment", "remove", APP, name)
        elif how == 1:
            self.usher.run("user", "set", name, "accountEnabled=false")
        else:
            self.usher.run("user", "remove", name)
        self.expected.discard(name)


def compare(people, scim, others):
    users = scim.users()  # fails when there are two of a name
    active = {name for name, u in users.items() if u["active"]}
    check_eq("active accounts", sorted(people.expected | others), sorted(active))


def add_other(base, key, name):
    """An account that is in the application before."""
    body = json.dumps({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "active": True})
    address = urllib.parse.urlsplit(base)
    c = http.client.HTTPConnection(address.hostname, address.port)
    c.request("POST", address.path + "/Users", body,
              {"Authorization": f"Bearer {key}", "Content-Type": "application/scim+json"})
    check_eq("an account of somebody else", 201, c.getresponse().status)
    c.close()


def main():
    base, path, key = sys.argv[1:]
    address = urllib.parse.urlsplit(base)
    rng = random.Random(SEED)
    proxy = Proxy((address.hostname, address.port))
    usher = Usher(f"{T}/directory")
    scim = Scim(base + path, key)
    people = People(usher, rng)
    step(f"{ROUNDS} kills at a creation, and people who leave then (SEED={SEED})")
    url = f"http://127.0.0.1:{proxy.server_address[1]}{path}"
    usher.run("app", "add", "scim", "--name", APP, "--url", url, "--token", key, "--scope", "assigned")
    usher.run("app", "set", APP, "--setting", "guard=false", "--setting", "client.bulk=off")
    others = set()
    for n in range(ROUNDS):
        names = people.arrive(rng.randint(2, 8))
        other = f"other{n}@example.com"
        usher.run("user", "add", other, f"displayName=Other {n}", f"mailNickname=other{n}")
        add_other(base + path, key, other)
        others.add(other)
        killed_cycle(usher, proxy, rng.randint(1, len(names)))
        for name in names:
            if rng.random() < 0.5:
                people.leave(name)
        usher.run("user", "set", other, "department=Sales")
        if rng.random() < 0.3:
            usher.run("provision", APP, people.arrive(1)[0])
        for _ in range(3):
            usher.cycle(APP, failed=0)
        compare(people, scim, others)
    check("nothing is left to be asked for", usher.cycle(APP)["counts"]["requests"] == 0)
    done()


try:
    main()
except BaseException:
    print(f"To repeat it: SEED={SEED} ROUNDS={ROUNDS} tests/e2e/killed_leavers.sh", file=sys.stderr)
    raise
