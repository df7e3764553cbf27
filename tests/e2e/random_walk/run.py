"""usher beside the model: its commands, its cycles, and how it is brought to rest."""

import calendar
import datetime
import json
import os
import subprocess
import time

from checks import check_journal, check_queues, check_audit
from compare import Comparison
from lib import USHER
from model import Model
from target import Target

APP = "Walk"
LIFE_S = 120  # no cycle takes longer
LONG_FAULTS = bool(os.environ.get("LONG_FAULTS"))  # as long as the cycle: its retries wait for half a minute


class Wrong(Exception):
    pass


class Base:
    def __init__(self, data, options, database=None):
        self.data = data
        self.database = database
        self.model = Model()
        self.target = Target(unique=options.get("unique", True))
        self.target.bulk = options.get("bulk", False)
        self.target.patch = options.get("patch", True)
        self.target.on_removal = self.removal
        self.uncaused = []
        self.refused = ""  # what the last cycle said on standard error
        self.held = False  # the guard lets nobody go
        self.next = 0
        self.told = 0  # records of the log before the last settling
        self.cycles = self.kills = self.faulty = self.settles = 0
        self.usher("app", "add", "scim", "--name", APP, "--url", f"http://127.0.0.1:{self.target.port}/scim",
                   "--token", "secret", "--scope", "assigned")
        # Everybody may leave at once, but when the step "hold" is taken.
        self.set_up(guard="false", **options.get("settings", {}))

    def argv(self, *args):
        return [USHER, "--data", self.data, *(["--database", self.database] if self.database else []), "--json", *args]

    def usher(self, *args, code=0):
        done = subprocess.run(self.argv(*args), capture_output=True, text=True, timeout=120)
        if code is not None and done.returncode != code or done.returncode < 0 or "Sanitizer" in done.stderr:
            raise Wrong(f"usher {' '.join(args)}: exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    def json(self, *args, code=0):
        text = self.usher(*args, code=code)
        try:
            return json.loads(text)
        except ValueError as error:
            raise Wrong(f"usher {' '.join(args)}: {error}: {text[:500]!r}") from error

    def set_up(self, **settings):
        self.usher("app", "set", APP, *[x for k, v in settings.items() for x in ("--setting", f"{k}={v}")])

    def removal(self, kind, resource, what):
        name = resource.get("userName") or resource.get("displayName")
        if self.held:
            self.uncaused.append(f"{what} although it is held: {name}")
        if not self.model.may_remove(kind, resource, what):
            self.uncaused.append(f"{what} without a cause: {name}")

    # --- whom a step means ---

    def person(self, n, want=lambda p: True):
        fitting = [p for p in self.model.people.values() if want(p)]
        return fitting[n % len(fitting)] if fitting else None

    def group(self, n, want=lambda g: True):
        fitting = [g for g in self.model.groups.values() if want(g)]
        return fitting[n % len(fitting)] if fitting else None

    def plain(self, p):
        """Has an account that follows the directory."""
        return p.settled and self.model.in_scope(p) and not p.protected and not p.undone

    def account(self, m):
        return next((r for r in self.target.resources[m.kind].values() if r.get("externalId") == m.key), None)

    def step(self, name, a=0, b=0):
        getattr(self, "do_" + name)(a, b)
        self.check_causes()

    def check_causes(self):
        if self.uncaused:
            raise Wrong("; ".join(self.uncaused))

    # --- cycles ---

    def renew_cancelled(self):
        """A removal that was cancelled stays so until the person changes, or comes back and leaves again; if
        that was seen by a cycle cannot be told of every one, so another change makes it plain."""
        for p in self.model.people.values():
            if p.cancelled is not None and self.model.events(p) != p.cancelled_at:
                if p.deleted:
                    p.touched()
                else:
                    self.change(p, name=p.name + "*")

    def life(self, limit=None):
        """One run of a cycle in a process of its own, killed after so many seconds."""
        self.cycles += 1
        self.renew_cancelled()
        self.model.cycle_ran()
        self.usher("start", APP)
        process = subprocess.Popen(self.argv("start", APP, "--wait"), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True)
        try:
            out, err = process.communicate(timeout=limit or LIFE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            if limit is None:
                raise Wrong("a cycle does not end") from None
            self.kills += 1
            self.killed()
            return None
        if process.returncode < 0 or "Sanitizer" in err:
            raise Wrong(f"usher ended with {process.returncode}: {err[-3000:]}")
        self.refused = err
        return json.loads(out) if out.strip().startswith("{") else None

    def killed(self):
        """What was on its way when it was killed arrives; of an account that was made by that nobody may know."""
        self.target.drain()
        for m in self.model.everybody():
            if not m.settled and m.may_exist:
                m.doubtful = True

    def wait_for_grace(self):
        """Until the short grace periods are over; False: some had still to run."""
        soon = time.time() + 60
        due = [calendar.timegm(time.strptime(r["due"][:19], "%Y-%m-%dT%H:%M:%S"))
               for r in self.json("grace", APP) if r["state"] == "waiting"]
        due = [t for t in due if t < soon]
        if due:
            time.sleep(max(0.0, max(due) + 1.05 - time.time()))
        return not due

    def rest(self):
        """Cycles without faults until one writes nothing. One that was begun before has not seen what changed since."""
        self.target.behave()
        result = None
        for _ in range(10):
            self.usher("retry", APP, "--all", code=None)
            before, began = self.target.writes, datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None).isoformat(timespec="milliseconds")
            result = self.life()
            if result and result["state"] == "Succeeded" and result["began"] >= began and self.target.writes == before \
                    and self.wait_for_grace():
                return
        raise Wrong(f"does not settle: {result} {self.refused}\n{self.usher('logs', APP, '--status', 'failure')[:3000]}")

    def do_settle(self, a=0, b=0):
        self.settles += 1
        self.rest()
        self.check_causes()
        comparison = Comparison(self.model, self.target)
        self.fail_if(comparison.run())
        self.fail_if(check_journal(self))
        self.fail_if(check_queues(self))
        if a % 4 == 0:
            self.fail_if(check_audit(self))
        comparison.remember()
        self.target.changed.clear()

    def fail_if(self, wrong):
        if wrong:
            raise Wrong("\n".join(wrong[:10]))

    def end(self):
        self.target.close()
        if os.environ.get("KEEP"):
            print(f"kept: {self.data}")
