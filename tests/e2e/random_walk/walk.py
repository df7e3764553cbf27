"""See ../random_walk.sh. Draws a script of steps, runs it, and after every stretch of steps lets usher
settle: then the application must say what the model says, and one cycle more must not write anything.
When something is wrong the script is made as short as it can be made in the time, and printed."""

import json
import os
import random
import signal
import subprocess
import sys
import time

from lib import USHER
from model import DEPARTMENTS, Group, Model, Person
from target import FAULTS, Target

APP = "Walk"
STEPS = int(os.environ.get("STEPS") or 200)
SEED = int(os.environ.get("SEED") or 1) or random.SystemRandom().randrange(1 << 32)
SHRINK_S = int(os.environ.get("SHRINK_S") or 120)
T = os.environ["T"]


class Wrong(Exception):
    pass


# --- drawing a script ---

def draw(rng, steps):
    """A list of steps, each a list of a name and numbers. People and groups are meant by any number: what
    it comes to, is found out when the step runs."""
    kinds = {"add_person": 14, "change": 10, "rename": 4, "disable": 5, "enable": 5, "delete": 4, "restore": 4,
             "purge": 2, "rehire": 1, "assign": 8, "unassign": 5, "add_group": 3, "rename_group": 2, "delete_group": 1,
             "restore_group": 1, "purge_group": 1, "join": 10, "leave": 5, "nest": 2, "manager": 6, "no_manager": 2,
             "filter": 1, "no_filter": 1, "map": 1, "scope": 1, "vanish": 2, "adopt": 2, "cycle": 8, "faults": 6,
             "kill": 5, "demand": 2, "pause": 1, "restart": 1, "settle": 4,
             "hold": 2, "drift": 3}
    names = list(kinds)
    script = [["add_person", rng.randrange(1 << 30)] for _ in range(6)] + [["add_group", 0], ["assign", 3], ["settle"]]
    while len(script) < steps:
        name = rng.choices(names, [kinds[n] for n in names])[0]
        script.append([name, rng.randrange(1 << 30), rng.randrange(1 << 30)])
    return script + [["settle"]]


# --- running it ---

class Run:
    def __init__(self, data, options):
        self.data = data
        self.model = Model()
        self.target = Target(unique=options.get("unique", True))
        self.target.bulk = options.get("bulk", False)
        self.target.patch = options.get("patch", True)
        self.target.on_removal = self.removal
        self.uncaused = []
        self.held = False  # the guard lets nobody go
        self.next = 0
        self.cycles = self.kills = self.faulty = self.settles = 0
        self.usher("app", "add", "scim", "--name", APP, "--url", f"http://127.0.0.1:{self.target.port}/scim",
                   "--token", "secret", "--scope", "assigned")
        # Everybody may leave at once, but when the step "hold" is taken.
        self.set_up(guard="false", **options.get("settings", {}))

    def usher(self, *args, code=0):
        done = subprocess.run([USHER, "--data", self.data, "--json", *args], capture_output=True, text=True, timeout=120)
        if code is not None and done.returncode != code:
            raise Wrong(f"usher {' '.join(args)}: exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    def set_up(self, **settings):
        self.usher("app", "set", APP, *[x for k, v in settings.items() for x in ("--setting", f"{k}={v}")])

    def removal(self, kind, resource, what):
        if self.held:
            self.uncaused.append(f"{what} although it is held: {resource.get('userName') or resource.get('displayName')}")
        if not self.model.may_remove(kind, resource):
            self.uncaused.append(f"{what} without a cause: {resource.get('userName') or resource.get('displayName')}")

    def person(self, n, want=lambda p: True):
        fitting = [p for p in self.model.people.values() if want(p)]
        return fitting[n % len(fitting)] if fitting else None

    def group(self, n, want=lambda g: True):
        fitting = [g for g in self.model.groups.values() if want(g)]
        return fitting[n % len(fitting)] if fitting else None

    def step(self, name, a=0, b=0):
        getattr(self, "do_" + name)(a, b)
        if self.uncaused:
            raise Wrong("; ".join(self.uncaused))

    # people

    def add_person(self, upn=None):
        n = self.next
        self.next += 1
        upn = upn or f"p{n}@walk.example"
        p = Person(n, None, upn)
        p.id = json.loads(self.usher("user", "add", upn, f"displayName={p.name}", f"department={p.department}",
                                     f"jobTitle={p.title}", f"mailNickname={p.handle}"))["objectId"]
        self.model.people[n] = p
        return p

    def do_add_person(self, a, b):
        p = self.add_person()
        if a % 3:
            self.usher("assignment", "add", APP, p.id)
            p.assigned = True

    def set(self, p, **values):
        self.usher("user", "set", p.id, *[f"{k}={v}" for k, v in values.items()])

    def do_change(self, a, b):
        p = self.person(a, lambda p: not p.deleted)
        if p:
            p.name = f"Person {p.n} the {b % 1000}th"
            p.title = ["Fitter", "Driver", "Clerk"][b % 3]
            p.department = DEPARTMENTS[b // 3 % 3]
            self.set(p, displayName=p.name, jobTitle=p.title, department=p.department)

    def do_rename(self, a, b):
        p = self.person(a, lambda p: not p.deleted and (p.settled or not p.adopted))
        if p:
            p.upn = f"q{b % 100000}.{p.n}@walk.example"
            self.set(p, userPrincipalName=p.upn)

    def do_disable(self, a, b):
        p = self.person(a, lambda p: p.enabled and not p.deleted)
        if p:
            p.enabled = False
            self.set(p, accountEnabled="false")

    def do_enable(self, a, b):
        p = self.person(a, lambda p: not p.enabled and not p.deleted)
        if p:
            p.enabled = True
            self.set(p, accountEnabled="true")

    def do_delete(self, a, b):
        p = self.person(a, lambda p: not p.deleted)
        if p:
            p.deleted = True
            self.usher("user", "remove", p.id)

    def do_restore(self, a, b):
        p = self.person(a, lambda p: p.deleted)
        if p:
            p.deleted = False
            self.usher("user", "restore", p.id)

    def do_purge(self, a, b):
        p = self.person(a)
        if p:
            self.usher("user", "remove", p.id, "--permanently")
            del self.model.people[p.n]
            if p.settled:
                self.model.gone.append(p.handle)
            for other in self.model.people.values():
                if other.manager == p.n:
                    other.manager = None
        return p

    def do_rehire(self, a, b):
        if not any(p.settled and not p.deleted for p in self.model.people.values()):
            return
        old = self.do_purge(a, b)
        if old.settled:  # else an answer that was lost may have left an account that nobody knows of
            new = self.add_person(old.upn)
            self.usher("assignment", "add", APP, new.id)
            new.assigned = True

    def do_assign(self, a, b):
        who = self.person(a, lambda p: not p.assigned and not p.deleted) if b % 4 else \
            self.group(a, lambda g: not g.assigned and not g.deleted)
        if who:
            self.usher("assignment", "add", APP, who.id)
            who.assigned = True

    def do_unassign(self, a, b):
        who = self.person(a, lambda p: p.assigned and not p.deleted) if b % 4 else \
            self.group(a, lambda g: g.assigned and not g.deleted)
        if who:
            self.usher("assignment", "remove", APP, who.id)
            who.assigned = False

    def do_manager(self, a, b):
        p, boss = self.person(a, lambda p: not p.deleted), self.person(b, lambda p: not p.deleted)
        if p and boss is not p:
            p.manager = boss.n
            self.set(p, manager=boss.id)

    def do_no_manager(self, a, b):
        p = self.person(a, lambda p: p.manager is not None and not p.deleted)
        if p:
            p.manager = None
            self.set(p, manager="")

    # groups

    def do_add_group(self, a, b):
        n = self.next
        self.next += 1
        g = Group(n, None)
        g.id = json.loads(self.usher("group", "add", g.name))["objectId"]
        self.model.groups[n] = g
        if a % 2 == 0:
            self.usher("assignment", "add", APP, g.id)
            g.assigned = True

    def do_rename_group(self, a, b):
        g = self.group(a, lambda g: not g.deleted)
        if g:
            g.name = f"Group {g.n} of {b % 1000}"
            self.usher("group", "set", g.id, f"displayName={g.name}")

    def do_delete_group(self, a, b):
        g = self.group(a, lambda g: not g.deleted)
        if g:
            g.deleted = True
            self.usher("group", "remove", g.id)

    def do_restore_group(self, a, b):
        g = self.group(a, lambda g: g.deleted)
        if g:
            g.deleted = False
            self.usher("group", "restore", g.id)

    def do_purge_group(self, a, b):
        g = self.group(a)
        if g:
            self.usher("group", "remove", g.id, "--permanently")
            del self.model.groups[g.n]
            self.model.gone.append(g.id)
            for other in self.model.groups.values():
                other.members.discard(("g", g.n))

    def do_join(self, a, b):
        p, g = self.person(a, lambda p: not p.deleted), self.group(b, lambda g: not g.deleted)
        if p and g:
            self.usher("group", "add-member", g.id, p.id)
            g.members.add(("p", p.n))

    def do_leave(self, a, b):
        g = self.group(b, lambda g: not g.deleted and any(k == "p" and n in self.model.people and not
                                                          self.model.people[n].deleted for k, n in g.members))
        if g:
            inside = sorted(n for k, n in g.members if k == "p" and n in self.model.people
                            and not self.model.people[n].deleted)
            n = inside[a % len(inside)]
            self.usher("group", "remove-member", g.id, self.model.people[n].id)
            g.members.discard(("p", n))

    def do_nest(self, a, b):
        inner, outer = self.group(a, lambda g: not g.deleted), self.group(b, lambda g: not g.deleted)
        if inner and inner is not outer:
            self.usher("group", "add-member", outer.id, inner.id)
            outer.members.add(("g", inner.n))

    # configuration

    def do_filter(self, a, b):
        self.model.departments = [DEPARTMENTS[a % 3], DEPARTMENTS[(a + 1) % 3]]
        self.usher("config", "filter", APP, "department NOT EQUALS '%s'" % DEPARTMENTS[(a + 2) % 3])

    def do_no_filter(self, a, b):
        if self.model.departments:
            self.model.departments = None
            self.usher("config", "filter", APP, "--clear")

    def do_map(self, a, b):
        self.model.title = None if self.model.title else "Colleague"
        self.usher("config", "map", APP, "title",
                   *(["--constant", "Colleague"] if self.model.title else ["--attribute", "jobTitle"]))

    def do_scope(self, a, b):
        self.model.scope = "all" if self.model.scope == "assigned" else "assigned"
        self.usher("app", "set", APP, "--scope", self.model.scope)

    # the application, by hand

    def do_vanish(self, a, b):
        """An account is deleted in the application, and its person changes."""
        p = self.person(a, lambda p: p.settled and self.model.in_scope(p))
        account = p and next((u for u in self.target.resources["Users"].values() if u.get("externalId") == p.handle), None)
        if account:
            self.target.forget("Users", account["id"])
            p.settled = False
            p.name = f"Person {p.n} again {b % 1000}"
            self.set(p, displayName=p.name)

    def do_adopt(self, a, b):
        """Somebody has an account before usher knows."""
        p = self.add_person()
        p.adopted = True  # not found under another name, should it be renamed before anybody looks
        self.target.add("Users", {"userName": p.upn, "displayName": "by hand", "active": True, "externalId": p.handle})
        self.usher("assignment", "add", APP, p.id)
        p.assigned = True
        self.life()

    def do_drift(self, a, b):
        """An account is changed in the application by hand, and read back; somebody leaves meanwhile."""
        if b % 3 == 0:
            self.do_settle()
        p = self.person(a, lambda p: p.settled and self.model.in_scope(p))
        account = p and next((u for u in self.target.resources["Users"].values() if u.get("externalId") == p.handle), None)
        if not account:
            return
        with self.target.lock:
            account["displayName"] = f"by hand {b % 100}"
            account["title"] = "by hand"
        self.set_up(**{"drift.answer": "repair"})
        if b % 3 == 0:
            self.hold(p, lambda: self.usher("drift", APP), b // 3)
        else:
            self.usher("drift", APP)
        self.set_up(**{"drift.answer": "report"})

    # the guard

    def hold(self, p, between, decision):
        """Somebody leaves, which is held whatever else happens, until it is decided. Nobody else,
        so everything is settled before: an account whose removal is rejected keeps its name from others."""
        self.set_up(**{"guard": "true", "guard.count": "0", "guard.percent": "100"})
        self.held = True
        if p.assigned:
            self.usher("assignment", "remove", APP, p.id)
            p.assigned = False
        between()
        self.life()
        between()
        self.life()
        self.held = False
        held = json.loads(self.usher("held", APP))
        if decision % 3 < 2 and held["count"] > 0:
            self.usher("held", ["allow", "reject"][decision % 3], APP, "--set", held["set"])
        self.life()
        self.set_up(guard="false")
        if decision % 3 == 1:  # what was rejected stays until something changes
            self.usher("restart", APP)
            for q in self.model.people.values():
                if not q.deleted:
                    q.name += "'"
                    self.set(q, displayName=q.name)

    def do_hold(self, a, b):
        self.do_settle()
        p = self.person(a, lambda p: p.settled and p.assigned and self.model.in_scope(p))
        if p:
            others = [q for q in self.model.people.values() if q.assigned and q is not p and not q.deleted]
            self.hold(p, lambda: self.set(others[0], jobTitle=others[0].title) if others else None, b)

    # runs

    def life(self, limit=None):
        """One run of a cycle in a process of its own, killed after so many seconds."""
        self.cycles += 1
        self.model.cycle_ran()
        self.usher("start", APP)
        process = subprocess.Popen([USHER, "--data", self.data, "--json", "start", APP, "--wait"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            out, err = process.communicate(timeout=limit or 120)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            if limit is None:
                raise Wrong("a cycle does not end")
            self.kills += 1
            return None
        if process.returncode < 0 or "Sanitizer" in err:
            raise Wrong(f"usher ended with {process.returncode}: {err[-3000:]}")
        return json.loads(out) if out.strip().startswith("{") else None

    def do_cycle(self, a, b):
        self.life()

    def do_faults(self, a, b):
        self.faulty += 1
        self.target.misbehave(a, [0.05, 0.2, 0.5][b % 3], [FAULTS, ["lost", "late_error"], ["reset", "truncate"]][b // 3 % 3])
        self.life()
        self.target.behave()

    def do_kill(self, a, b):
        if b % 2:
            self.target.misbehave(a, 0.2)
        self.life(0.005 + (a % 1000) / 1000 * 0.15)
        self.target.behave()

    def do_demand(self, a, b):
        p = self.person(a, lambda p: not p.deleted)
        if p:
            self.model.cycle_ran()
            self.usher("provision", APP, p.id, code=None)

    def do_pause(self, a, b):
        self.usher("pause", APP)

    def do_restart(self, a, b):
        self.usher("restart", APP)

    def do_settle(self, a=0, b=0):
        self.settles += 1
        self.target.behave()
        for _ in range(8):
            self.usher("retry", APP, "--all", code=None)
            before = self.target.writes
            result = self.life()
            if result and result["state"] == "Succeeded" and self.target.writes == before:
                break
        else:
            raise Wrong(f"does not settle: {result}\n{self.usher('logs', APP, '--status', 'failure')[:3000]}")
        if self.uncaused:
            raise Wrong("; ".join(self.uncaused))
        wrong = self.model.compare(self.target)
        if wrong:
            raise Wrong("\n".join(wrong[:10]))
        self.check_journal()
        self.model.settled()

    def check_journal(self):
        """Every account has a record that says where it comes from, and no record is missing."""
        told, numbers, before = set(), [], []
        while True:
            page = json.loads(self.usher("logs", APP, "--limit", "10000", *before))
            for r in page:
                numbers.append(int(r["id"].rsplit("-", 1)[1], 16))
                if r["provisioningStatusInfo"]["status"] in ("success", "warning"):
                    told.add(r["targetIdentity"]["id"])
            if len(page) < 10000:
                break
            before = ["--before", str(numbers[-1])]
        if sorted(numbers) != list(range(1, len(numbers) + 1)):
            raise Wrong("numbers of the provisioning log have a gap")
        due = {p.handle for p in self.model.people.values() if self.model.in_scope(p)} | \
            {g.id for g in self.model.groups.values() if self.model.group_in_scope(g)}
        for kind in self.target.resources.values():
            for r in kind.values():
                if r["id"] not in told and r.get("externalId") in due:
                    raise Wrong(f"no record tells of the account {r.get('userName') or r.get('displayName')}")


def attempt(script, options, label):
    data = f"{T}/walk-{label}"
    subprocess.run(["rm", "-rf", data], check=True)
    run = Run(data, options)
    for i, step in enumerate(script):
        try:
            run.step(*step)
        except Wrong as wrong:
            return i, wrong, run
    return None, None, run


# --- making it short ---

def shorten(script, options, failed_at, first_line):
    """Leaves stretches out, ever smaller ones, while it goes on failing."""
    end = time.monotonic() + SHRINK_S
    script = script[:failed_at + 1]
    if script[-1][0] != "settle":
        script.append(["settle"])
    size = len(script) // 2
    tries = 0
    while size >= 1 and time.monotonic() < end:
        at = 0
        while at < len(script) - 1 and time.monotonic() < end:
            shorter = script[:at] + script[at + size:]
            if shorter and shorter[-1][0] != "settle":
                shorter.append(["settle"])
            tries += 1
            failed, _, _ = attempt(shorter, options, "shrink")
            if failed is not None:
                script = shorter[:failed + 1]
            else:
                at += size
        size //= 2
    return script, tries


def main():
    if len(sys.argv) > 1:
        with open(sys.argv[1], encoding="utf-8") as file:
            saved = json.load(file)
        script, options = saved["script"], saved["options"]
    else:
        rng = random.Random(SEED)
        options = {"unique": rng.random() < 0.7, "bulk": rng.random() < 0.3, "patch": True}
        options["settings"] = {"client.listing": rng.choice(["auto", "always", "never"]),
                               "client.updateMethod": rng.choice(["auto", "patch", "put"])}
        script = draw(rng, STEPS)
    print(f"SEED={SEED} {len(script)} steps, {options}", flush=True)
    began = time.monotonic()
    failed, wrong, run = attempt(script, options, "run")
    if failed is None:
        print(f"passed: {len(script)} steps, {run.cycles} cycles ({run.faulty} with faults, {run.kills} killed), "
              f"settled {run.settles} times in {time.monotonic() - began:.0f} s; {len(run.model.people)} people, "
              f"{run.target.writes} writes", flush=True)
        return
    print(f"FAILED at step {failed} {script[failed]} (SEED={SEED}): {wrong}", file=sys.stderr, flush=True)
    short, tries = shorten(script, options, failed, str(wrong).split("\n")[0])
    failed, wrong, _ = attempt(short, options, "short")
    path = os.environ.get("SAVE") or "/tmp/random_walk.json"
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"script": short, "options": options}, file)
    print(f"shortened to {len(short)} steps in {tries} tries, kept in {path}: {wrong}", file=sys.stderr)
    for step in short:
        print("  ", json.dumps(step), file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    main()
