"""See provider_killed.sh and provider_killed_postgres.sh: sqlite|postgresql.

Each writer has its users and its group, and a model of them that only answers change. What it was writing when
the server died may have been done or not: the next life is asked which, and only these two are right. The change
feed and a webhook (provider_told.py) have to tell the same story, without a gap."""

import http.client
import json
import os
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time

from lib import CORE, T, Usher, check, check_eq, done, fail, step
from postgres import OnPostgres, Postgres
from provider_told import Feed, Receiver

KILLS = int(os.environ.get("KILLS") or 50)
WRITERS = int(os.environ.get("WRITERS") or 6)
SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
BASE = "/scim/plant/v2"
KEPT = 40  # users of a writer at most: it deletes as it creates


class Died(Exception):
    """The server went away before it had answered."""


class Server:
    """One life after the other on the same port."""

    def __init__(self, usher):
        self.usher = usher
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.process = None

    def start(self):
        with open(f"{T}/serve.log", "ab") as log:
            self.process = subprocess.Popen(
                self.usher.argv("serve", "--listen", f"127.0.0.1:{self.port}", "--role", "provider"),
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if self.process.poll() is not None:
                fail(f"the server ended by itself: {self.process.returncode}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.005)
        fail("the server does not come up")

    def kill(self):
        self.process.kill()
        check_eq("how the server ended", -signal.SIGKILL, self.process.wait())


class Client:
    def __init__(self, port, key):
        self.port = port
        self.key = key
        self.connection = None

    def ask(self, method, path, body=None, base=BASE, **headers):
        """Status, JSON or None, version. Died when there is no answer."""
        if not self.connection:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers |= {"Authorization": f"Bearer {self.key}", "Content-Type": "application/scim+json"}
        try:
            self.connection.request(method, base + path, body and json.dumps(body), headers)
            answer = self.connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            self.connection = None
            if isinstance(error, TimeoutError):
                fail(f"no answer within 30 s to {method} {path}")
            raise Died from error
        return answer.status, json.loads(text) if text else None, version_of(answer.headers["ETag"])


def version_of(tag):
    return int(re.fullmatch(r'W/"(\d+)"', tag)[1]) if tag else None


class Person:
    """A user as it has to be."""

    def __init__(self, resource):
        self.id = resource["id"]
        self.name = resource["userName"]
        self.title = resource.get("title")
        self.version = version_of(resource["meta"]["version"])
        self.created = resource["meta"]["created"]
        self.modified = resource["meta"]["lastModified"]

    def state(self):
        return vars(self)


def person(name, title):
    return {"schemas": [CORE], "userName": name, "title": title, "emails": [{"value": f"{name}@plant.example"}]}


def operations(*ops):
    return {"schemas": [PATCH], "Operations": list(ops)}


def retitle(title):
    return operations({"op": "replace", "path": "title", "value": title})


def members_op(op, ids):
    if op == "remove":
        return [{"op": "remove", "path": f'members[value eq "{id}"]'} for id in ids]
    return [{"op": "add", "path": "members", "value": [{"value": id} for id in ids]}]


class Writer:
    def __init__(self, number, client, rng):
        self.number = number
        self.client = client
        self.rng = rng
        self.people = {}  # id -> Person
        self.gone = []  # ids
        self.group = self.group_version = None
        self.members = set()
        self.serial = 0
        self.settle = None  # what finds out, in the next life, whether the write under way was done
        self.acknowledged = self.refused = self.found_done = self.found_undone = 0

    def name(self):
        self.serial += 1
        return f"w{self.number}-{self.serial:06d}"

    def some(self, count=1):
        return self.rng.sample(sorted(self.people), min(count, len(self.people)))

    # --- Reading back

    def read(self, id):
        status, resource, version = self.client.ask("GET", f"/Users/{id}")
        if status == 404:
            return None
        check_eq(f"status of reading {id}", 200, status)
        check_eq("ETag and meta.version", version, version_of(resource["meta"]["version"]))
        check("lastModified is not before created", resource["meta"]["lastModified"] >= resource["meta"]["created"])
        return Person(resource)

    def find(self, name):
        status, found, _ = self.client.ask("GET", f"/Users?filter=userName%20eq%20%22{name}%22")
        check_eq("status of a filter", 200, status)
        check(f"more than one {name}", found["totalResults"] <= 1)
        return Person(found["Resources"][0]) if found["totalResults"] else None

    def read_group(self):
        status, group, version = self.client.ask("GET", f"/Groups/{self.group}")
        check_eq("status of reading the group", 200, status)
        return {m["value"] for m in group.get("members", [])}, version

    # --- Writes: each sets self.settle before it asks, and takes the answer into the model

    def count(self, was_done):
        self.found_done += was_done
        self.found_undone += not was_done

    def created(self, resource, name, title):
        fresh = Person(resource)
        check_eq("created", (name, title, 1), (fresh.name, fresh.title, fresh.version))
        check_eq("created and lastModified of a new user", fresh.created, fresh.modified)
        self.people[fresh.id] = fresh

    def settle_create(self, name, title):
        found = self.find(name)
        self.count(found is not None)
        if found:
            check_eq(f"{name}, whose answer was lost", (name, title, 1), (found.name, found.title, found.version))
            self.people[found.id] = found

    def create(self):
        name, title = self.name(), f"new {self.serial}"
        self.settle = lambda: self.settle_create(name, title)
        status, resource, _ = self.client.ask("POST", "/Users", person(name, title))
        check_eq(f"creating {name}: {resource}", 201, status)
        self.created(resource, name, title)

    def changed(self, before, after, title):
        check_eq(f"version after a change of {before.name}", before.version + 1, after.version)
        check_eq("what a change leaves", (before.id, before.name, before.created), (after.id, after.name, after.created))
        check_eq("title", title, after.title)
        check(f"lastModified went back: {before.modified}, {after.modified}", after.modified >= before.modified)
        self.people[before.id] = after

    def settle_change(self, before, title):
        found = self.read(before.id)
        check(f"{before.name} is gone", found)
        self.count(found.version != before.version)
        if found.version == before.version:
            check_eq("user whose change was lost", before.state(), found.state())
        else:
            self.changed(before, found, title)

    def change(self):
        before = self.people[self.some()[0]]
        title = f"title {self.rng.random()}"
        put = self.rng.random() < 0.3
        self.settle = lambda: self.settle_change(before, title)
        status, resource, _ = self.client.ask("PUT" if put else "PATCH", f"/Users/{before.id}",
                                              person(before.name, title) if put else retitle(title))
        check_eq(f"changing {before.name}: {resource}", 200, status)
        self.changed(before, Person(resource), title)

    def deleted(self, id):
        del self.people[id]
        self.gone.append(id)
        if id in self.members:
            self.members.remove(id)
            self.group_version += 1

    def settle_delete(self, id):
        found = self.read(id)
        self.count(found is None)
        if found:
            check_eq("user whose removal was lost", self.people[id].state(), found.state())
        else:
            self.deleted(id)

    def delete(self):
        id = self.some()[0]
        self.settle = lambda: self.settle_delete(id)
        check_eq("deleting", 204, self.client.ask("DELETE", f"/Users/{id}")[0])
        self.deleted(id)

    def settle_members(self, want):
        members, version = self.read_group()
        self.count(version != self.group_version)
        if version == self.group_version:
            check_eq("members whose change was lost", self.members, members)
        else:
            check_eq("version and members", (self.group_version + 1, want), (version, members))
            self.members, self.group_version = want, version

    def change_members(self):
        ids = set(self.some(self.rng.randint(1, 3)))
        op = self.rng.choice(["add", "remove"])
        want = self.members | ids if op == "add" else self.members - ids
        if want == self.members:
            return
        self.settle = lambda: self.settle_members(want)
        status, _, version = self.client.ask("PATCH", f"/Groups/{self.group}", operations(*members_op(op, ids)))
        check_eq(f"members, {op}", 204, status)
        check_eq("version of the group", self.group_version + 1, version)
        self.members, self.group_version = want, version

    def bulk(self):
        """Two users, one of them a member by its bulkId; a change and a removal."""
        first, second = self.name(), self.name()
        changing, leaving = (self.people[id] for id in self.some(2))
        title = f"bulk {self.rng.random()}"
        self.settle = lambda: self.settle_bulk(first, second, changing, leaving, title)
        status, answer, _ = self.client.ask("POST", "/Bulk", {"schemas": [BULK], "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "a", "data": person(first, title)},
            {"method": "POST", "path": "/Users", "bulkId": "b", "data": person(second, title)},
            {"method": "PATCH", "path": f"/Users/{changing.id}", "data": retitle(title)},
            {"method": "DELETE", "path": f"/Users/{leaving.id}"},
            {"method": "PATCH", "path": f"/Groups/{self.group}", "data": operations(*members_op("add", ["bulkId:a"]))},
        ]})
        check_eq(f"bulk: {answer}", 200, status)
        check_eq(f"status of each: {answer}", [201, 201, 200, 204, 204],
                 [int(o["status"]) for o in answer["Operations"]])
        self.settle = lambda: self.settle_bulk(first, second, changing, leaving, title, acknowledged=True)
        self.settle()

    def settle_bulk(self, first, second, changing, leaving, title, acknowledged=False):
        """Small as it is, it is one transaction. All is read before anything is believed: this life may end, too."""
        found = [self.find(first), self.find(second)]
        changed, left, group = self.read(changing.id), self.read(leaving.id), self.read_group()
        check_eq("both users of a bulk or none", found[0] is None, found[1] is None)
        check("an acknowledged bulk is there", found[0] or not acknowledged)
        if not acknowledged:
            self.count(found[0] is not None)
        if not found[0]:
            check_eq("user of a lost bulk", changing.state(), changed.state())
            check_eq("user that a lost bulk removes", leaving.state(), left.state())
            check_eq("group of a lost bulk", (self.members, self.group_version), group)
            return
        for name, user in zip((first, second), found):
            check_eq("user of a bulk", (name, title, 1), (user.name, user.title, user.version))
            self.people[user.id] = user
        self.changed(changing, changed, title)
        check_eq("user that a bulk removed", None, left)
        self.deleted(leaving.id)
        self.members.add(found[0].id)
        self.group_version += 1
        check_eq("group of a bulk", (self.members, self.group_version), group)

    # --- Writes that are refused: the server may die over them, too, and they never leave anything

    def refuse(self):
        one = self.people[self.some()[0]]
        outside = next((id for id in self.some(KEPT) if id not in self.members), one.id)
        method, path, body, headers, want = self.rng.choice([
            ("POST", "/Users", person(one.name.upper(), "refused"), {}, 409),
            ("PATCH", f"/Users/{one.id}", retitle("refused"), {"If-Match": f'W/"{one.version + 7}"'}, 412),
            ("PATCH", f"/Users/{one.id}", operations({"op": "replace", "path": "title", "value": "refused"},
                                                     {"op": "remove", "path": "userName"}), {}, 400),
            ("DELETE", f"/Users/{one.id}", None, {"If-Match": f'W/"{one.version + 7}"'}, 412),
            ("PATCH", f"/Groups/{self.group}", operations(*members_op("add", [outside]), *members_op("add", ["nobody"])),
             {}, 400),
            ("POST", "/Bulk", {"schemas": [BULK], "failOnErrors": 1, "Operations": [
                {"method": "POST", "path": "/Users", "bulkId": "a", "data": person(one.name, "refused")},
                {"method": "POST", "path": "/Users", "bulkId": "b", "data": person(f"refused{self.number}", "refused")},
            ]}, {}, 200),
        ])
        self.settle = lambda: check_eq("user after a refusal", one.state(), self.read(one.id).state())
        status, answer, _ = self.client.ask(method, path, body, **headers)
        check_eq(f"{method} {path}, to be refused: {answer}", want, status)
        if path == "/Bulk":
            check_eq(f"operations executed: {answer}", ["409"], [o["status"] for o in answer["Operations"]])
        self.refused += 1

    # --- A life

    def begin(self):
        if not self.group:
            status, group, version = self.client.ask("POST", "/Groups", {"schemas": [GROUP], "displayName": f"group {self.number}"})
            check_eq("creating a group", 201, status)
            self.group, self.group_version = group["id"], version
        while len(self.people) < 5:
            self.create()

    def write(self):
        kinds = [self.change, self.change, self.change_members, self.bulk, self.refuse]
        kinds += [self.create] * 2 if len(self.people) < KEPT else [self.delete] * 3
        kind = self.rng.choice(kinds + [self.delete] * (len(self.people) > 10))
        kind()
        self.settle = None
        self.acknowledged += kind != self.refuse  # pylint: disable=comparison-with-callable

    def recover(self):
        if self.settle:
            self.settle()
            self.settle = None

    def live(self):
        try:
            self.recover()
            while True:
                self.write()
        except Died:
            pass

    def check_all(self, users, groups):
        mine = {u["id"]: Person(u).state() for u in users if u["userName"].startswith(f"w{self.number}-")}
        check_eq("users of a writer", {id: p.state() for id, p in self.people.items()}, mine)
        group = groups[self.group]
        check_eq("members of a writer's group", self.members, {m["value"] for m in group.get("members", [])})
        check_eq("version of a writer's group", self.group_version, version_of(group["meta"]["version"]))


def everything(client, kind):
    found = []
    while True:
        status, page, _ = client.ask("GET", f"/{kind}?startIndex={len(found) + 1}&count=200")
        check_eq("status of a list", 200, status)
        found += page.get("Resources", [])
        if len(found) >= page["totalResults"]:
            check_eq(f"number of {kind}", page["totalResults"], len({r['id'] for r in found}))
            return found


def check_told(story, resources):
    """The records lead to what is there."""
    check_eq(f"{story.what}: what is there, and its versions",
             {r["id"]: version_of(r["meta"]["version"]) for r in resources}, story.versions)


def check_everything(client, writers, feed):
    users = everything(client, "Users")
    groups = {g["id"]: g for g in everything(client, "Groups")}
    for w in writers:
        w.check_all(users, groups)
    check_eq("users that nobody was told of", sum(len(w.people) for w in writers), len(users))
    check_eq("groups", WRITERS, len(groups))
    feed.read(client)
    check_told(feed.story, [*users, *groups.values()])
    return [*users, *groups.values()]


SOUND = {
    "members of groups that are not there":
        "SELECT group_id FROM provider_member WHERE group_id NOT IN (SELECT id FROM provider_resource WHERE type = 2)"
        " OR member_id NOT IN (SELECT id FROM provider_resource)",
    "counts of members": "SELECT id FROM provider_resource AS r WHERE type = 2 AND member_count <>"
                         " (SELECT count(*) FROM provider_member WHERE group_id = r.id)",
    "e-mails of nobody": "SELECT user_id FROM provider_email WHERE user_id NOT IN (SELECT id FROM provider_resource)",
    "users whose e-mail is not found":
        "SELECT id FROM provider_resource WHERE type = 1 AND id NOT IN (SELECT user_id FROM provider_email)",
    "counts of users and groups": "SELECT type FROM provider_count AS c WHERE type < 3 AND resources <>"
                                  " (SELECT count(*) FROM provider_resource AS r WHERE r.type = c.type)",
}


class OnFile:
    """The database, looked at with nobody at it: sound, and its tables agree."""

    def __init__(self):
        self.usher = Usher(f"{T}/data")

    def settle(self):
        """A file is as the killed process left it."""

    def check(self):
        with sqlite3.connect(f"file:{T}/data/usher.db?mode=ro", uri=True) as db:
            check_eq("integrity", [("ok",)], db.execute("PRAGMA integrity_check").fetchall())
            for what, sql in SOUND.items():
                check_eq(what, [], db.execute(sql).fetchall())

    def remove(self):
        """Goes with T."""


class OnServer:
    """The same in PostgreSQL, which outlives usher."""

    def __init__(self):
        self.postgres = Postgres()
        self.usher = OnPostgres(f"{T}/data", self.postgres.url)

    def ask(self, sql):
        return subprocess.run([f"{self.postgres.programs}/psql", "-qAtX", "-h", self.postgres.dir, "-U", "usher", "postgres",
                               "-c", sql], check=True, capture_output=True, text=True).stdout.split()

    def settle(self):
        """What the killed process had sent may still be committed: until its sessions have ended."""
        end = time.monotonic() + 30
        while self.ask("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"):
            check("the sessions of a killed process end", time.monotonic() < end)
            time.sleep(0.005)

    def check(self):
        for what, sql in SOUND.items():
            check_eq(what, [], self.ask(sql))

    def remove(self):
        self.postgres.remove()


def run(database):
    usher = database.usher
    usher.run("tenant", "add", "generic", "plant")
    key = usher.json("key", "add", "plant", "--description", "e2e")["key"]
    feed, receiver = Feed(), Receiver()
    usher.run("tenant", "webhook", "set", "plant", receiver.url)
    rng = random.Random(SEED)
    server = Server(usher)
    writers = [Writer(n, Client(server.port, key), random.Random(rng.random())) for n in range(WRITERS)]
    failed = threading.Event()

    def life(w):
        try:
            w.live()
        except BaseException:
            failed.set()
            raise

    print(f"SEED={SEED}", flush=True)
    server.start()
    for w in writers:
        w.begin()
        w.settle = None

    step(f"killed {KILLS} times under {WRITERS} writers")
    began = time.monotonic()
    for n in range(1, KILLS + 1):
        threads = [threading.Thread(target=life, args=(w,)) for w in writers]
        for t in threads:
            t.start()
        time.sleep(rng.uniform(0.02, 0.4))
        server.kill()
        for t in threads:
            t.join()
        if failed.is_set():
            fail(f"in life {n}")
        database.settle()
        if n % 10 == 0:
            database.check()
        server.start()
        if n % 10 == 0:
            for w in writers:
                w.recover()
            check_everything(Client(server.port, key), writers, feed)
    print(f"  in {time.monotonic() - began:.0f} s", flush=True)
    sums = {n: sum(getattr(w, n) for w in writers) for n in ("acknowledged", "refused", "found_done", "found_undone")}
    print("  {acknowledged} writes acknowledged, {refused} refused; of those whose answer was lost {found_done} were done,"
          " {found_undone} not".format(**sums), flush=True)
    check(f"kills fell into writes: {sums}", sums["found_done"] > 0 and sums["found_done"] + sums["found_undone"] >= KILLS)
    check(f"enough was written: {sums}", sums["acknowledged"] >= 10 * KILLS and sums["refused"] >= KILLS)

    step("what is there at last")
    for w in writers:
        w.recover()
    there = check_everything(Client(server.port, key), writers, feed)
    receiver.wait(feed.story.seq)
    check_told(receiver.story, there)
    print(f"  {feed.story.seq} records in the feed, {receiver.again} were told again by the webhook", flush=True)
    gone = [id for w in writers for id in w.gone]
    check("some were deleted", gone)
    for id in rng.sample(gone, min(200, len(gone))):
        check_eq("reading a deleted user", 404, writers[0].client.ask("GET", f"/Users/{id}")[0])
    server.kill()
    database.settle()
    database.check()
    done()


def main():
    database = OnServer() if sys.argv[1] == "postgresql" else OnFile()
    try:
        run(database)
    finally:
        database.remove()


main()
