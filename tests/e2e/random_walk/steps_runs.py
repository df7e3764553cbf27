"""Steps of usher's own life: cycles with faults, kills, one person on demand, restarts, the guard, drift."""

from compare import Comparison
from run import APP, LONG_FAULTS, Base, Wrong
from target import FAULTS, REFUSALS

RESETS = ["Watermark", "Escrows", "QuarantineState"]
FAULT_SETS = [FAULTS, ["lost", "late_error"], ["reset", "truncate"], [*REFUSALS], [*FAULTS, *REFUSALS]]


class CycleSteps(Base):
    def do_cycle(self, a, b):
        self.life()

    def do_faults(self, a, b):
        """What fails is tried again after a second, five and 25: the faults end before the last two."""
        self.faulty += 1
        self.target.misbehave(a, [0.05, 0.2, 0.5][b % 3], FAULT_SETS[b // 3 % len(FAULT_SETS)],
                              None if LONG_FAULTS else 0.1 + a % 50 / 100)
        self.life()
        self.target.behave()

    def do_kill(self, a, b):
        if b % 2:
            self.target.misbehave(a, 0.2, seconds=None if LONG_FAULTS else 0.5)
        self.life(0.005 + (a % 1000) / 1000 * 0.15)
        self.target.behave()

    def do_pause(self, a, b):
        self.usher("pause", APP)

    def do_restart(self, a, b):
        flags = [f for i, f in enumerate(RESETS) if a >> i & 1]
        self.usher("restart", APP, *(["--reset", ",".join(flags)] if flags and b % 2 else []),
                   *(["--now"] if b % 3 == 0 else []))

    def do_forget(self, a, b):
        """Who is connected to what is forgotten; who is out of scope cannot be found again until back in it."""
        self.do_settle()
        if b % 2:
            self.usher("restart", APP, "--full", "--yes")
            self.usher("restart", APP, "--undo-reset")
        elif not any(m.protected or not m.settled and m.account or self.unlike(m) for m in self.model.everybody()):
            self.usher("restart", APP, "--full" if a % 2 else "--reset", *([] if a % 2 else ["ConnectorDataStore"]), "--yes")
            if not a % 2:
                self.usher("restart", APP)
            self.forgotten()
        self.do_settle()

    def unlike(self, m):
        """Renamed while it was out of scope: once forgotten, nobody could tell whose the account is."""
        account = self.account(m)
        return account and (account["userName"] != m.upn if m.kind == "Users" else account["displayName"] != m.name)

    def forgotten(self):
        model = self.model
        for m in model.everybody():
            m.undone = False
            m.cancelled = None
            if m.account and model.events(m):
                m.settled, m.stray = False, True
        for g in model.groups.values():
            account = self.account(g)
            g.stale |= {v["value"] for v in (account or {}).get("members", [])}
        for p in model.people.values():
            boss = model.people.get(p.manager)
            if boss and boss.stray:
                p.named = boss.account

    def do_demand(self, a, b):
        """One person at once, whoever it is: the account is as it should be without any cycle."""
        p = self.person(a, lambda p: not (p.protected or p.undone or p.stray or p.doubtful))
        if not p or self.target.faults:
            return
        self.renew_cancelled()
        self.model.may_write(p)
        done = self.usher("provision", APP, p.id, code=None)
        self.check_causes()
        if '"failure"' in done:
            return  # another one has the name, maybe
        comparison = Comparison(self.model, self.target)
        account = comparison.of(p)
        if self.model.in_scope(p):
            comparison.served(p, f"on demand, {p.name}", account)
        elif p.settled or account:
            comparison.removed(p, f"on demand, {p.name}", account)
        self.fail_if(comparison.wrong)

    def do_demand_group(self, a, b):
        """A group with all its members."""
        g = self.group(a, lambda g: not g.stray)
        if g and not self.target.faults:
            self.renew_cancelled()
            self.model.cycle_ran()
            self.usher("provision", APP, g.id, code=None)


class GuardSteps(Base):
    def hold(self, leavers, between, decide):
        """Some leave, which is held whatever else happens, until it is decided. Everything is settled
        before, so it is they alone: an account whose removal is rejected keeps its name from others."""
        self.set_up(**{"guard": "true", "guard.count": "0", "guard.percent": "100"})
        self.held = True
        for p in leavers:
            self.assign(p, False)
        between()
        self.life()
        between()
        self.wait_for_grace()  # a removal counts when it would be sent
        self.life()
        held = self.json("held", APP)
        due = {p.id for p in leavers if set(self.model.measures(p)) & {"disable", "delete"} and p.settled
               and self.account(p) and (self.account(p).get("active") or "delete" in self.model.measures(p))}
        got = {r["sourceId"] for r in held["rows"]}
        if due != got:
            raise Wrong(f"held should be {sorted(due)}, are {held['rows']}")
        self.held = False
        rejected = decide(held)
        self.life()
        for p in rejected:
            p.rejected = True
        self.set_up(guard="false")
        self.do_settle()
        for p in rejected:  # what was rejected stays until something changes
            if p.rejected:
                self.change(p, name=p.name + "'")

    def do_hold(self, a, b):
        self.do_settle()
        fitting = [p for p in self.model.people.values() if self.plain(p) and p.assigned]
        leavers = [fitting[(a + i) % len(fitting)] for i in range(min(len(fitting), 1 + b % 3))]
        others = [q for q in self.model.people.values() if q.assigned and q not in leavers and not q.deleted]
        if leavers:
            self.hold(leavers, lambda: self.change(others[0], title=others[0].title) if others else None,
                      lambda held: self.decide(held, a // 5))

    def decide(self, held, decisions):
        """Row by row, or all at once, or not at all; who is rejected."""
        who = {p.id: p for p in self.model.people.values()}
        if decisions % 4 == 0 or not held["rows"]:
            return []
        if decisions % 4 == 1:
            self.usher("held", ["allow", "reject"][decisions // 4 % 2], APP, "--set", held["set"])
            return [who[r["sourceId"]] for r in held["rows"]] if decisions // 4 % 2 else []
        rejected = []
        for i, row in enumerate(held["rows"]):
            reject = decisions >> 2 + i & 1
            digest = self.json("held", APP)["set"]
            self.usher("held", "reject" if reject else "allow", APP, row["sourceId"], "--set", digest)
            rejected += [who[row["sourceId"]]] if reject else []
        return rejected


class HandSteps(Base):
    """In the application, by hand."""

    def do_vanish(self, a, b):
        """An account is deleted in the application, and its person changes."""
        p = self.person(a, self.plain)
        account = p and self.account(p)
        if account:
            self.target.forget("Users", account["id"])
            self.model.vanished.add(account["id"])
            p.settled, p.account, p.was = False, None, {}
            p.may_exist = p.may_vanish = True
            self.change(p, name=f"Person {p.n} again {b % 1000}")

    def do_adopt(self, a, b):
        """Somebody has an account before usher knows."""
        p = self.add_person()
        p.stray = True  # not found under another name, should it be renamed before anybody looks
        self.target.add("Users", {"userName": p.upn, "displayName": "by hand", "active": True, "externalId": p.key})
        self.assign(p)
        self.life()

    def do_drift(self, a, b):
        """An account is changed in the application by hand, and read back; somebody leaves meanwhile."""
        if b % 3 == 0:
            self.do_settle()
        p = self.person(a, lambda p: self.plain(p) and self.account(p))
        if not p:
            return
        values = {"displayName": f"by hand {b % 100}", "title": "by hand"}
        with self.target.lock:
            self.account(p).update(values)
        for name, value in values.items():
            p.may.setdefault(name, set()).add(value)
        self.model.may_write(p)  # what it should say now is what a repair sends
        self.set_up(**{"drift.answer": "repair"})
        if b % 3 == 0 and p.assigned:
            self.hold([p], lambda: self.usher("drift", APP), lambda held: self.decide(held, b // 3))
        else:
            self.usher("drift", APP)
        self.set_up(**{"drift.answer": "report"})

    def do_reassert(self, a, b):
        """Members are taken out by hand, and sent again."""
        self.do_settle()
        g = self.group(a, lambda g: self.plain(g) and (self.account(g) or {}).get("members"))
        if g:
            with self.target.lock:
                self.account(g)["members"] = []
            g.stale = set()
            self.usher("members", "reassert", APP, *([g.id] if b % 2 else ["--all"]))
            self.do_settle()


