"""Steps with plans: saved, gone stale, applied in part; a cycle undone, held so, and released."""

import json

from compare import Comparison, said_by
from run import APP, Base, Wrong


class PlanSteps(Base):
    def several(self, a, count, want):
        """Different people who fit."""
        fitting = [p for p in self.model.people.values() if want(p)]
        return [fitting[(a + i) % len(fitting)] for i in range(min(count, len(fitting)))]

    def differing(self):
        """Whom a plan has to name after a settling: source id -> what is to be done."""
        due = {}
        for p in self.model.people.values():
            if p.protected or p.undone or p.stray and not p.settled:
                continue
            account = self.account(p)
            if self.model.in_scope(p):
                wanted = {k: v for k, v in self.model.wanted(p).items() if v is not None}
                said = said_by("Users", account) if account else {}
                if any(said.get(k) != v for k, v in wanted.items()):
                    due[p.id] = "update" if account else "createOrMatch"
            elif account and p.settled:
                measures = self.model.measures(p)
                if "delete" in measures:
                    due[p.id] = "delete"
                elif "disable" in measures and account.get("active", True):
                    due[p.id] = "disable"
        return due

    def do_plan(self, a, b):
        """A plan names exactly those who differ; applied, it does exactly what it says, except for what has
        changed since."""
        if not self.calm():
            return
        path = f"{self.data}.plan"
        for i, p in enumerate(self.several(a, 1 + b % 3, self.plain)):
            if (a >> i) % 4 == 0 and p.assigned:
                self.assign(p, False)
            elif (a >> i) % 4 == 1:
                self.change(p, enabled=False)
            else:
                self.change(p, name=f"Planned {p.n} {a % 1000}", title="Clerk")
        if b % 2:
            self.assign(self.add_person())
        due = self.differing()
        rows = {r["sourceId"]: r["action"] for r in self.json("plan", APP)["rows"] if r["kind"] == "user"}
        if rows != due:
            raise Wrong(f"the plan should be {due}, is {rows}")
        if not due:
            return
        self.usher("plan", APP, "--save", path, *(["--ask"] if a % 3 == 0 else []), *(["--all"] if a % 5 == 0 else []))
        self.usher("show", path)
        people = [p for p in self.model.people.values() if p.id in due]
        [self.apply_whole, self.apply_stale, self.apply_one, self.apply_by_hand, self.apply_late][b // 2 % 5](path, people, b)

    def calm(self):
        """Settled, and with policies that act at once."""
        self.do_settle()
        return not any(m.protected or m.undone or m.cancelled for m in self.model.everybody()) \
            and all(grace is None and measure != "set" for measure, grace in self.model.policies.values())

    def apply(self, path, people, *only, code=0):
        for p in people:
            self.model.may_write(p)
        out = self.usher("apply", path, *only, code=code)
        self.check_causes()
        return json.loads(out) if out.strip() else {}

    def done(self, people, what):
        comparison = Comparison(self.model, self.target)
        for p in people:
            check = comparison.served if self.model.in_scope(p) else comparison.removed
            check(p, f"{what}: {p.name}", comparison.of(p))
        self.fail_if(comparison.wrong)

    def said(self, people):
        return {p.n: self.account(p) and said_by("Users", self.account(p)) for p in people}

    def untouched(self, before, people, what):
        after = self.said(people)
        for n, said in before.items():
            if after[n] != said:
                raise Wrong(f"{what}: person {n} should be {said}, is {after[n]}")

    def apply_whole(self, path, people, b):
        self.apply(path, people)
        self.done(people, "applied")
        again = self.apply(path, people, code=None)
        if again.get("done"):
            raise Wrong(f"applied twice: {again}")

    def apply_stale(self, path, people, b):
        """One of them changes after it was planned, maybe so that there is nothing to do any more."""
        p = people[b % len(people)]
        before = self.said([p])
        if not p.enabled:
            self.change(p, enabled=True)
        else:
            self.change(p, name=p.name + " later")
        others = [q for q in people if q is not p]
        self.apply(path, others, code=1)
        self.untouched(before, [p], "changed since it was planned")
        self.done(others, "applied beside a stale row")

    def apply_one(self, path, people, b):
        p = people[b % len(people)]
        others = [q for q in people if q is not p]
        before = self.said(others)
        self.apply(path, [p], "--only", p.id)
        self.untouched(before, others, "not selected")
        self.done([p], "applied alone")

    def apply_by_hand(self, path, people, b):
        """The account of one says something else since."""
        p = people[b % len(people)]
        account = self.account(p)
        others = [q for q in people if q is not p]
        if account and self.model.in_scope(p):
            values = {"displayName": "by hand", "title": "by hand"}
            with self.target.lock:
                account.update(values)
            for name, value in values.items():
                p.may.setdefault(name, set()).add(value)
            before = self.said([p])
            self.apply(path, others, code=1)
            self.untouched(before, [p], "changed by hand since it was planned")
            self.done(others, "applied beside a row whose account has changed")
            self.change(p, name=p.name + " again", title="Driver")

    def apply_late(self, path, people, b):
        """Another version of the configuration: none of it."""
        self.do_map(b, 0)
        before = self.said(people)
        self.apply(path, [], code=1)
        self.untouched(before, people, "planned with another configuration")

    def do_undo(self, a, b):
        """What a cycle did is put back, stays so whatever the directory says, and comes again when released."""
        if not self.calm():
            return
        changed = self.several(a, 1 + b % 3, self.plain)
        if not changed:
            return
        before = self.said(changed)
        for i, p in enumerate(changed):
            if (a >> i) % 3 == 0 and p.assigned:
                self.assign(p, False)
            else:
                self.change(p, name=f"Undone {p.n} {a % 1000}")
        new = [self.add_person()] if b % 2 else []
        for p in new:
            self.assign(p)
        self.rest_once()
        after = self.said(changed)
        changed = [p for p in changed if after[p.n] != before[p.n]]
        new = [p for p in new if self.account(p)]
        self.undo(changed, new, before)
        if b // 4 % 3 == 0:
            self.usher("release", APP, "--all")
        elif b // 4 % 3 == 1:
            for p in changed + new:
                self.usher("release", APP, p.id, code=None)
        else:
            self.do_map(a, b)
        for p in changed + new:
            p.undone = False
        self.do_settle()

    def rest_once(self):
        result = self.life()
        if not result or result["state"] != "Succeeded":
            raise Wrong(f"a cycle without faults: {result}")
        self.check_causes()

    def undo(self, changed, new, before):
        gone = [p for p in changed if not self.account(p)]  # a deletion cannot be undone
        back = [p for p in changed if p not in gone]
        path = f"{self.data}.undo"
        self.usher("undo", APP, "last", "--save", path)
        self.usher("show", path)
        self.model.removing = {self.account(p)["id"] for p in new}
        self.usher("apply", path, code=None)
        self.check_causes()
        self.model.removing = None
        self.untouched({p.n: before[p.n] for p in back}, back, "undone")
        for p in new:
            if self.account(p)["active"] is not False:
                raise Wrong(f"{p.name} was created by the cycle that is undone, and is active")
        for p in back + new:
            p.undone = True
        before = self.said(back + new)
        for p in [p for p in back if not p.deleted][:1]:
            self.change(p, title="Driver")
        self.rest_once()
        self.untouched(before, back + new, "held after an undo")
        for p in back + new:
            p.was, p.may = said_by("Users", self.account(p)), {}
