"""See killed.sh: PROVIDER PATH KEY.

The target stands behind a small proxy that slows creations down, so that a cycle lasts long enough to be
killed 200 times, and that holds answers back, so that a kill often falls between a request that was done
and the answer to it: the moment that makes second accounts if anything does."""

import asyncio
import csv
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.parse

from lib import T, Scim, Usher, check, check_eq, done, step

BULK = bool(os.environ.get("BULK"))
KILLS = int(os.environ.get("KILLS") or (40 if BULK else 200))
PEOPLE = int(os.environ.get("PEOPLE") or (8000 if BULK else 2000))
HOLD = 0.2 if BULK else 0.02  # seconds that an answer is held back, at most
PACES = [2, 4, 8] if BULK else [60, 120, 240, 480]  # creations, or requests with many of them, a second
SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
APP = "Plant"


class SlowProxy:
    """Hands requests over one by one at a bounded rate, creations at that, the rest as it comes; and
    keeps each answer to a creation for some time. What a dead client has sent is dropped, as a
    rule; now and then it still arrives, when the next life has long begun."""

    def __init__(self, upstream, rng):
        self.upstream = upstream
        self.rng = rng
        self.tasks = set()
        self.pace = 100  # creations a second; None: everything as it comes
        self.next_slot = 0.0
        self.outstanding = 0  # creations done by the target, whose answer the client does not have yet
        self.creations = 0  # handed over since somebody set it to 0
        self.late = 0  # those of a dead client
        self.port = None
        ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self.serve(ready)), daemon=True).start()
        ready.wait()

    async def serve(self, ready):
        server = await asyncio.start_server(self.connection, "127.0.0.1", 0, backlog=1000)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await server.serve_forever()

    async def connection(self, reader, writer):
        task = asyncio.current_task()  # the loop itself keeps weak references only
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        try:
            up_reader, up_writer = await asyncio.open_connection(*self.upstream)
            waiting = []  # creations on this connection, which has one request at a time
            await asyncio.gather(self.requests(reader, up_writer, waiting), self.answers(up_reader, writer, waiting))
        except OSError:
            pass
        finally:
            writer.close()

    async def requests(self, reader, writer, waiting):
        try:
            while data := await reader.read(65536):
                if self.pace and data.startswith(b"POST "):
                    now = time.monotonic()
                    self.next_slot = max(self.next_slot, now) + 1 / self.pace
                    await asyncio.sleep(self.next_slot - now)
                    if reader.at_eof() or reader.exception():
                        if self.rng.random() > 0.02:
                            break
                        self.late += 1
                    self.creations += 1
                    self.outstanding += 1
                    waiting.append(data)
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.write_eof()

    async def answers(self, reader, writer, waiting):
        try:
            while data := await reader.read(65536):
                if waiting:
                    waiting.pop()
                    await asyncio.sleep(self.rng.uniform(0, HOLD))
                    self.outstanding -= 1
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            self.outstanding -= len(waiting)
            writer.close()


def write_people(path):
    with open(path, "w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["userPrincipalName", "displayName", "givenName", "surname", "mail", "department"])
        for n in range(PEOPLE):
            name = f"p{n:05d}@plant.example"
            rows.writerow([name, f"Person {n}", "Person", str(n), name, f"Department {n % 40}"])


def connected(usher):
    return usher.json("status", APP)["counts"]["users"]


def live_and_die(usher, delay, started=lambda: True):
    """One life of a cycle: from `started` on (a second at most) it has so many seconds. Returns its exit
    code, -SIGKILL when it was killed, and whether it was seen to start."""
    with open(f"{T}/life.log", "w", encoding="utf-8") as log:
        life = subprocess.Popen(usher.argv("start", APP, "--wait"), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        end = time.monotonic() + 1
        while not started() and time.monotonic() < end and life.poll() is None:
            time.sleep(0.001)
        time.sleep(delay)
        life.kill()
        return life.wait()


def kill_again_and_again(usher, proxy, rng):
    """Until the number is reached. The kills are spread over the whole of the cycle: when it is ahead of
    that, a life ends before it has done much, at a moment of its start; when not, some time after its first
    creation."""
    killed = 0
    recorded = 0  # kills of a process that had recorded something in its life
    waiting = 0  # kills of one that had not yet got an answer to what the target had done
    creating = 0  # kills of one that had asked for a creation at least
    before = 0
    while killed < KILLS:
        proxy.pace = rng.choice(PACES)
        proxy.next_slot = 0.0
        proxy.creations = 0
        if before > PEOPLE * 0.95 * killed / KILLS:
            code = live_and_die(usher, rng.uniform(0, 0.04))
        else:
            code = live_and_die(usher, rng.uniform(0, 0.12), lambda: proxy.creations > 0)
        outstanding = proxy.outstanding
        if code == -signal.SIGKILL:
            killed += 1
            waiting += outstanding > 0
            creating += proxy.creations > 0
        else:
            with open(f"{T}/life.log", encoding="utf-8") as log:
                check(f"the cycle ended with {code} after {killed} kills, too early to count: {log.read()}", False)
        now = connected(usher)
        check(f"connected people never become fewer: {before}, then {now}", now >= before)
        recorded += now > before
        before = now
        if killed % 50 == 0:
            print(f"  {killed} kills, {now} people connected; {creating} lives asked for creations, {recorded} recorded "
                  f"something, {waiting} had answers outstanding", flush=True)
    print(f"  {proxy.late} creations reached the target after the death of who had asked for them", flush=True)
    check(f"only {creating} of {killed} kills fell into work", creating >= KILLS // 4)
    check(f"only {waiting} of {killed} kills fell between request and answer", waiting >= KILLS // 4)


def kill_to_the_end(usher, rng):
    """The last phases are short: as many kills more as fit in, until a life lasts long enough."""
    killed = 0
    while (code := live_and_die(usher, rng.uniform(0.01, 0.02 + killed / 500))) == -signal.SIGKILL:
        killed += 1
        check("the cycle comes to its end", killed < 500)
    with open(f"{T}/life.log", encoding="utf-8") as log:
        check_eq(f"exit code of the last life: {log.read()}", 0, code)
    with sqlite3.connect(f"file:{T}/data/usher.db?mode=ro", uri=True) as db:
        cycles = db.execute("SELECT kind, state FROM job_cycle WHERE kind = 0").fetchall()
    check_eq("initial cycles: one, and succeeded", [(0, 1)], cycles)
    print(f"  {killed} kills more", flush=True)


def number_of(record):
    """The number that a record has in its job's log is the end of its id."""
    return int(record["id"].rsplit("-", 1)[1], 16)


def check_log(usher, people):
    """Numbers without a gap, and everybody in it with a success."""
    records = []
    before = []
    while True:
        page = usher.json("logs", APP, "--limit", "10000", *before)
        records += page
        if len(page) < 10000:
            break
        before = ["--before", str(number_of(page[-1]))]
    numbers = sorted(number_of(r) for r in records)
    check_eq("numbers in the provisioning log", list(range(1, len(records) + 1)), numbers)
    told = {r["sourceIdentity"]["id"] for r in records if r["provisioningStatusInfo"]["status"] == "success"}
    check_eq("people without a success in the log", set(), set(people) - told)
    created = [r["sourceIdentity"]["id"] for r in records if r["provisioningAction"] == "create"
               and r["provisioningStatusInfo"]["status"] == "success"]
    check_eq("people that were recorded as created twice", len(set(created)), len(created))
    return len(records)


def main():
    base, path, key = sys.argv[1:]
    address = urllib.parse.urlsplit(base)
    proxy = SlowProxy((address.hostname, address.port), random.Random(SEED + 1))
    scim = Scim(base + path, key)
    usher = Usher(f"{T}/data")
    rng = random.Random(SEED)

    print(f"SEED={SEED}", flush=True)
    step(f"{PEOPLE} people")
    write_people(f"{T}/people.csv")
    usher.run("import", f"{T}/people.csv")
    usher.run("app", "add", "joynfsm", "--name", APP, "--url", f"http://127.0.0.1:{proxy.port}{path}", "--token", key,
              "--scope", "all")
    # Creations one by one, or many in each request: those are fewer, and it is killed less often.
    usher.run("app", "set", APP, "--setting", f"client.bulk={'auto' if BULK else 'off'}")
    people = {u["objectId"]: u["userPrincipalName"] for u in usher.json("user", "list", "--limit", str(PEOPLE + 1))}
    check_eq("people in the directory", PEOPLE, len(people))

    step(f"killed {KILLS} times")
    began = time.monotonic()
    kill_again_and_again(usher, proxy, rng)
    print(f"  in {time.monotonic() - began:.0f} s", flush=True)
    check("the cycle is still under way", usher.json("status", APP)["cycle"] is not None)

    step("to the end")
    proxy.pace = None
    kill_to_the_end(usher, rng)
    users = scim.users()
    check_eq("accounts", sorted(people.values()), sorted(users))
    check_eq("connected people", PEOPLE, connected(usher))
    check_eq("displayName", f"Person {PEOPLE - 1}", users[f"p{PEOPLE - 1:05d}@plant.example"]["displayName"])
    records = check_log(usher, people)

    step("and nothing is left")
    usher.nothing_left(APP)
    usher.cycle(APP, created=0, updated=0, matched=0, deleted=0, disabled=0, failed=0, imported=0)
    check_eq("log after a cycle without changes", records, check_log(usher, people))
    for data in ("data", "provider"):
        with sqlite3.connect(f"file:{T}/{data}/usher.db?mode=ro", uri=True) as db:
            check_eq(f"integrity of the database in {data}", [("ok",)], db.execute("PRAGMA integrity_check").fetchall())
    print(f"  {len(users)} accounts, {records} records", flush=True)
    done()


main()
