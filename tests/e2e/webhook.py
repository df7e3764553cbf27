"""What webhook.sh expects of the webhook of a tenant."""

import http.client
import http.server
import json
import os
import random
import subprocess
import sys
import threading
import time

import hashlib
import hmac

from lib import T, Usher, check, check_eq, done, fail, step

KEY = sys.argv[1]
SEED = int(os.environ.get("SEED") or random.randrange(1 << 30))
KILLS = int(os.environ.get("KILLS") or 2)
rng = random.Random(SEED)
usher = Usher(f"{T}/data")
print(f"SEED={SEED}")


class Receiver:
    """Takes bodies, checks their signatures, and misbehaves as told: moods are drawn for each request."""

    def __init__(self):
        self.secret = ""
        self.bodies = []  # taken
        self.forged = 0
        self.moods = ["ok"]
        self.rng = random.Random(SEED + 1)
        self.lock = threading.Lock()
        self.port = 0
        self.server = None
        self.start()

    def genuine(self, header, body):
        parts = dict(p.split("=", 1) for p in header.split(","))
        mac = hmac.new(self.secret.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(mac, parts["v1"]) and abs(time.time() - int(parts["t"])) < 300

    def start(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                if receiver.server is None:  # a connection that was kept alive
                    self.close_connection = True
                    return
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver.lock:
                    mood = receiver.rng.choice(receiver.moods)
                    receiver.forged += not receiver.genuine(self.headers["Usher-Signature"], body)
                    if mood in ("ok", "taken and dropped"):
                        receiver.bodies.append(json.loads(body))
                if "dropped" in mood:
                    self.close_connection = True
                    return
                if mood == "slow":
                    time.sleep(0.5)
                self.send_response({"refused": 503, "moved": 302}.get(mood, 204))
                if mood == "moved":
                    self.send_header("Location", "/elsewhere")
                if mood == "slow":
                    with receiver.lock:
                        receiver.bodies.append(json.loads(body))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        server, self.server = self.server, None
        server.shutdown()
        server.server_close()

    def changes(self):
        with self.lock:
            return [c for body in self.bodies for c in body.get("changes", [])]


class Service:
    def __init__(self):
        self.process = None
        self.port = 0

    def start(self):
        with open(f"{T}/serve.out", "wb") as out, open(f"{T}/serve.log", "ab") as log:
            self.process = subprocess.Popen(usher.argv("serve", "--listen", f"127.0.0.1:{self.port}"),
                                            stdout=out, stderr=log)  # fmt: skip
        end = time.monotonic() + 60
        while "http://" not in open(f"{T}/serve.out").read():
            if time.monotonic() > end or self.process.poll() is not None:
                fail("the service does not start")
            time.sleep(0.05)
        self.port = int(open(f"{T}/serve.out").read().split(":")[-1])

    def kill(self):
        self.process.kill()
        self.process.wait()

    def ask(self, method, path, body=None):
        """Status and JSON; (0, None) when nobody answers."""
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            connection.request(method, path, json.dumps(body) if body is not None else None,
                               {"Authorization": f"Bearer {KEY}", "Content-Type": "application/scim+json"})  # fmt: skip
            answer = connection.getresponse()
            text = answer.read()
            connection.close()
            return answer.status, json.loads(text) if text else None
        except (OSError, http.client.HTTPException):
            return 0, None


receiver = Receiver()
service = Service()
users, groups = [], []


def patch(op, path, value):
    return {"Operations": [{"op": op, "path": path, "value": value}]}


def change():
    """One change at random; what nobody acknowledged may have happened or not."""
    kind = rng.random()
    if kind < 0.3 or not users:
        status, user = service.ask("POST", "/scim/plant/v2/Users", {"userName": f"u{rng.randrange(1 << 40)}"})
        if status == 201:
            users.append(user["id"])
    elif kind < 0.7:
        title = f"t{rng.randrange(1 << 40)}"
        service.ask("PATCH", f"/scim/plant/v2/Users/{rng.choice(users)}", patch("replace", "title", title))
    elif kind < 0.75 or not groups:
        status, group = service.ask("POST", "/scim/plant/v2/Groups", {"displayName": f"g{rng.randrange(1 << 40)}"})
        if status == 201:
            groups.append(group["id"])
    elif kind < 0.92:
        member = [{"value": rng.choice(users)}]
        service.ask("PATCH", f"/scim/plant/v2/Groups/{rng.choice(groups)}", patch("add", "members", member))
    else:
        service.ask("DELETE", f"/scim/plant/v2/Users/{users.pop(rng.randrange(len(users)))}")


def feed():
    """All that was recorded, as a reader of the feed sees it."""
    got, since = [], 0
    while True:
        status, page = service.ask("GET", f"/scim/plant/changes?since={since}&count=1000")
        check_eq("the feed", 200, status)
        if not page["changes"]:
            return got
        got += page["changes"]
        since = page["next"]


def wait_until(what, holds, seconds=120):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            fail(f"waited in vain until {what}: {usher.run('tenant', 'webhook', 'show', 'plant')}")
        time.sleep(0.1)


def show():
    return usher.json("tenant", "webhook", "show", "plant")


def check_all():
    """Everything of the feed came, and in its order for each user and group, what came again left out."""
    recorded = feed()
    last = recorded[-1]["seq"]
    wait_until(f"change {last} is taken", lambda: show()["position"] == last)
    told = receiver.changes()
    check_eq("forged", 0, receiver.forged)
    seen, highest, again = {}, {}, 0
    for c in told:
        if c["seq"] in seen:
            check_eq("what comes again is the same", seen[c["seq"]], c)
            again += 1
            continue
        seen[c["seq"]] = c
        check(f"{c['id']}: {c['seq']} came after {highest.get(c['id'])}", c["seq"] > highest.get(c["id"], 0))
        highest[c["id"]] = c["seq"]
    check_eq("changes", recorded, [seen.get(c["seq"]) for c in recorded])
    check_eq("nothing else", len(recorded), len(seen))
    print(f"  {len(recorded)} changes in {len(receiver.bodies)} bodies, {again} came again")


def setting():
    step("set, tried, seen; wrong addresses")
    url = f"http://127.0.0.1:{receiver.port}/hook/geheim"
    for wrong in ("http://hooks.example.com/", "ftp://127.0.0.1/", "nonsense"):
        usher.run("tenant", "webhook", "set", "plant", wrong, code=1)
    usher.run("tenant", "webhook", "show", "plant", code=1)
    usher.run("tenant", "webhook", "set", "plant", url, "--events", "weather", code=2)
    receiver.secret = usher.json("tenant", "webhook", "set", "plant", url)["secret"]
    usher.run("tenant", "webhook", "test", "plant")
    check_eq("the trial", ("test", "plant"), (receiver.bodies[-1]["kind"], receiver.bodies[-1]["tenant"]))
    hook = show()
    check_eq("where to", ("127.0.0.1", "changes", "upToDate", 0), (hook["host"], hook["events"], hook["state"], hook["lost"]))
    check("the address may be a secret", "geheim" not in usher.run("tenant", "webhook", "show", "plant"))
    check("no secret in the audit log", receiver.secret not in usher.run("audit", "list", "--json"))
    receiver.bodies.clear()


def moods():
    step("a receiver that refuses, redirects, hangs and drops connections")
    receiver.moods = ["ok"] * 6 + ["refused", "moved", "dropped", "taken and dropped", "slow"]
    for _ in range(120):
        change()
    receiver.moods = ["ok"]
    usher.run("tenant", "webhook", "resume", "plant")
    check_all()


def away():
    step("a receiver that is away: writes are as fast as ever, the changes wait")
    receiver.stop()
    began = time.monotonic()
    for _ in range(60):
        change()
    check(f"60 writes took {time.monotonic() - began:.1f} s", time.monotonic() - began < 20)
    wait_until("it is seen to fail", lambda: "refuses the connection" in show()["error"])
    hook = show()
    check(f"what waits: {hook}", hook["state"] == "failing" and hook["waiting"] > 0 and hook["nextAttempt"])
    receiver.start()
    usher.run("tenant", "webhook", "resume", "plant")
    check_all()


def killed():
    step(f"the service is killed {KILLS} times in the middle")
    receiver.moods = ["ok"] * 5 + ["slow", "taken and dropped"]
    for _ in range(KILLS):
        stop = threading.Event()

        def write(stop=stop):
            while not stop.is_set():
                change()

        writer = threading.Thread(target=write)
        writer.start()
        time.sleep(0.5 + rng.random())
        service.kill()
        stop.set()
        writer.join()
        service.start()
    receiver.moods = ["ok"]
    for _ in range(20):
        change()
    check_all()


def paused():
    step("paused and resumed; a new secret; told again from a number")
    usher.run("tenant", "webhook", "pause", "plant")
    before = len(receiver.changes())
    for _ in range(10):
        change()
    check_eq("state", "paused", show()["state"])
    check_eq("told while it is paused", before, len(receiver.changes()))
    receiver.secret = usher.json("tenant", "webhook", "secret", "plant")["secret"]
    usher.run("tenant", "webhook", "resume", "plant")
    check_all()
    last = show()["last"]
    receiver.bodies.clear()
    usher.run("tenant", "webhook", "resume", "plant", "--from", str(last - 4))
    wait_until("five are told again", lambda: len(receiver.changes()) == 5)
    check_eq("which", list(range(last - 4, last + 1)), [c["seq"] for c in receiver.changes()])
    usher.run("tenant", "webhook", "resume", "plant", "--from", str(last + 100), code=1)


def off():
    step("recording that was off for a while is said to the receiver")
    wait_until("it is up to date", lambda: show()["state"] == "upToDate")
    receiver.bodies.clear()
    usher.run("tenant", "set", "plant", "--switch", "changeFeed=off")
    check("said so", "changeFeed=on" in usher.run("tenant", "webhook", "show", "plant"))
    usher.run("tenant", "set", "plant", "--switch", "changeFeed=on")
    wait_until("it is told", lambda: any(b["kind"] == "changesLost" for b in receiver.bodies))
    usher.run("tenant", "webhook", "remove", "plant")
    usher.run("tenant", "webhook", "show", "plant", code=1)


def failures():
    step("writes that are refused")
    url = f"http://127.0.0.1:{receiver.port}/hook"
    usher.run("tenant", "set", "plant", "--switch", "ownNotifications=on")
    receiver.secret = usher.json("tenant", "webhook", "set", "plant", url, "--events", "failures")["secret"]
    receiver.bodies.clear()
    time.sleep(1.2)  # until the service follows the setting
    service.ask("POST", "/scim/plant/v2/Users", {"userName": "twice"})
    service.ask("POST", "/scim/plant/v2/Users", {"userName": "Twice"})
    wait_until("it is told", lambda: len(receiver.bodies) > 0)
    body = receiver.bodies[0]
    check_eq("what it says", ("provisioningFailed", "plant", "Twice", 1),
             (body["kind"], body["job"]["name"], body["objects"][0]["name"], len(receiver.bodies)))  # fmt: skip
    check_eq("forged", 0, receiver.forged)
    check_eq("the list", ["failures"], [h["events"] for h in usher.json("tenant", "webhook", "list")])


service.start()
try:
    setting()
    moods()
    away()
    killed()
    paused()
    off()
    failures()
    service.process.terminate()
    check_eq("the service ends in order", 0, service.process.wait(60))
finally:
    service.process.kill()
done()
