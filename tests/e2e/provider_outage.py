"""See provider_outage.sh: KEY."""

import http.client
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time

from lib import CORE, T, Usher, check, check_eq, done, fail, step

KEY = sys.argv[1]
BASE = "/scim/plant/v2"
UNLIMITED = resource.RLIM_INFINITY
usher = Usher(f"{T}/data")


class Service:
    def __init__(self):
        self.process = None
        self.port = 0

    def start(self):
        with open(f"{T}/serve.out", "wb") as out, open(f"{T}/serve.log", "ab") as log:
            self.process = subprocess.Popen(
                usher.argv("serve", "--listen", f"127.0.0.1:{self.port}", "--role", "provider"), stdout=out, stderr=log)
        end = time.monotonic() + 60
        while "http://" not in open(f"{T}/serve.out").read():
            if time.monotonic() > end or self.process.poll() is not None:
                fail("the service does not start")
            time.sleep(0.02)
        self.port = int(open(f"{T}/serve.out").read().split(":")[-1])

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, BASE + path, body and json.dumps(body),
                           {"Authorization": f"Bearer {KEY}", "Content-Type": "application/scim+json"})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if text else None, answer.headers

    def may_grow(self, size):
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (size, UNLIMITED))


service = Service()
there = {}  # id -> title, as acknowledged
serial = 0


def create(size=10):
    """Status, and the headers; a user that was acknowledged is noted."""
    global serial
    serial += 1
    title = f"t{serial}" + "x" * size
    status, user, headers = service.ask("POST", "/Users", {"schemas": [CORE], "userName": f"u{serial}", "title": title})
    if status == 201:
        there[user["id"]] = title
    else:
        check_eq(f"error of a write: {user}", 503, status)
        check(f"Retry-After: {headers['Retry-After']}", int(headers["Retry-After"]) >= 1)
        check("the answer names no file", "/" not in user["detail"])
    return status


def change(id):
    title = f"changed {time.monotonic()}"
    status, user, headers = service.ask("PATCH", f"/Users/{id}", {"Operations": [{"op": "replace", "path": "title", "value": title}]})
    if status == 200:
        there[id] = title
    else:
        check_eq(f"error of a change: {user}", 503, status)
        check("Retry-After", headers["Retry-After"])
    return status


def check_there():
    """All that was acknowledged, and nothing else."""
    found = {}
    total = None
    while total is None or len(found) < total:
        status, page, _ = service.ask("GET", f"/Users?startIndex={len(found) + 1}&count=200")
        check_eq("status of a list", 200, status)
        total = page["totalResults"]
        found |= {u["id"]: u["title"] for u in page["Resources"]}
    check_eq("users and their titles", there, found)


def recovers():
    end = time.monotonic() + 10
    while create() != 201:
        check("writes go on without a restart", time.monotonic() < end)
        time.sleep(0.1)


def no_room():
    database = max(os.path.getsize(f"{T}/data/usher.db{end}") for end in ("", "-wal"))
    service.may_grow(database + 1000000)
    for size in (60000, 10):
        refused = 0
        while refused < 10:
            refused += create(size) == 503
            check("the room ends", len(there) < 1000)
    check("there is no room for changes at last", any(change(next(iter(there))) == 503 for _ in range(1000)))
    check_there()


def room_ends():
    step("the database may not grow")
    for _ in range(3):
        no_room()
        service.may_grow(UNLIMITED)
        recovers()
        check_there()


def killed_without_room():
    step("killed without room")
    no_room()
    service.process.kill()
    service.process.wait()
    service.start()
    check_there()
    recovers()


def locked():
    step("another program holds the database")
    with sqlite3.connect(f"{T}/data/usher.db", isolation_level=None) as db:
        db.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        check_eq("a write meanwhile", 503, create())
        check("told in time", time.monotonic() - began < 30)
        check_there()
        db.execute("ROLLBACK")
    recovers()
    check_there()


def stopped():
    step("stopped, and going on")
    results = []
    threads = [threading.Thread(target=lambda: results.append(create())) for _ in range(20)]
    os.kill(service.process.pid, signal.SIGSTOP)
    for t in threads:
        t.start()
    time.sleep(2)
    os.kill(service.process.pid, signal.SIGCONT)
    for t in threads:
        t.join()
    check_eq("writes that waited", [201] * 20, results)
    check_there()


def main():
    service.start()
    for _ in range(20):
        check_eq("creating a user", 201, create())
    room_ends()
    killed_without_room()
    locked()
    stopped()
    service.process.terminate()
    check_eq("exit code", 0, service.process.wait())
    with sqlite3.connect(f"file:{T}/data/usher.db?mode=ro", uri=True) as db:
        check_eq("integrity", [("ok",)], db.execute("PRAGMA integrity_check").fetchall())
    done()


main()
