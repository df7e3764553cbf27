"""What must be true at the application when all is settled: texts that say what is not."""

from target import ENTERPRISE


def said_by(kind, account):
    """An account as the model speaks of it."""
    if kind == "Groups":
        return {"displayName": account.get("displayName")}
    return {"active": account.get("active", True), "userName": account.get("userName"),
            "displayName": account.get("displayName"), "title": account.get("title"),
            "department": account.get(ENTERPRISE, {}).get("department")}


def manager_of(account):
    manager = account.get(ENTERPRISE, {}).get("manager") or {}
    return manager.get("value") if isinstance(manager, dict) else manager


class Comparison:
    def __init__(self, model, target):
        self.model = model
        self.wrong = []
        self.accounts = {}
        for kind, resources in target.resources.items():
            for r in resources.values():
                self.accounts.setdefault((kind, r.get("externalId") or r["id"]), []).append(r)

    def of(self, m):
        return self.accounts.get((m.kind, m.key), [None])[0]

    def run(self):
        """Texts; empty when all is as it should be."""
        owners = {(m.kind, m.key): m for m in self.model.everybody()}
        for key, found in self.accounts.items():
            if len(found) > 1:
                self.wrong.append(f"{len(found)} accounts for {key[1]}")
            if key not in owners:
                self.wrong.append(f"an account of nobody: {found[0]}")
        for m in owners.values():
            account = self.of(m)
            who = f"{m.kind[:-1]} {m.n} ({m.name})"
            if self.model.in_scope(m) and not (m.protected or m.undone):
                self.served(m, who, account)
            else:
                self.removed(m, who, account)
        for p in self.model.people.values():
            self.compare_manager(p)
        for g in self.model.groups.values():
            self.compare_members(g)
        return self.wrong

    def served(self, m, who, account):
        """In scope."""
        if not account:
            self.wrong.append(f"{who} is in scope and has no account")
            return
        if m.account and account["id"] != m.account and not m.may_vanish:
            self.wrong.append(f"{who} has another account than before, without a cause")
        said = said_by(m.kind, account)
        for name, wanted in self.model.wanted(m).items():
            if wanted is None:
                self.kept(m, who, name, said[name])
            elif said[name] != wanted:
                self.wrong.append(f"{who}: {name} should be {wanted!r}, is {said[name]!r}")

    def kept(self, m, who, name, value):
        """Nothing is written now: it says what it said, or what it was told since."""
        allowed = m.may.get(name, set()) | ({m.was[name]} if name in m.was else set())
        if value not in allowed and (m.was or m.may_exist) and value is not None:
            self.wrong.append(f"{who}: {name} should be one of {sorted(map(repr, allowed))}, is {value!r}")

    def removed(self, m, who, account):
        """Out of scope, or not to be written."""
        measures = self.model.measures(m)
        if not account:
            if m.settled and not m.may_vanish:
                self.wrong.append(f"{who} had an account, and nobody was to delete it")
            return
        if not m.account and not m.may_exist and not m.stray:
            self.wrong.append(f"{who} was never in scope and has an account")
        if m.doubtful or not m.known() or m.stray and not m.settled:
            return
        said = said_by(m.kind, account)
        strongest = measures[-1] if measures else None
        if strongest == "delete":
            self.wrong.append(f"{who} is out of scope ({self.model.events(m)}) and still has an account")
            return
        for name in said:
            if name == "active" and strongest == "disable":
                if said[name] is not False:
                    self.wrong.append(f"{who} is out of scope ({self.model.events(m)}), but active")
            elif name == "title" and strongest == "set":
                if said[name] != "Left":
                    self.wrong.append(f"{who} is out of scope and has the title {said[name]!r}")
            else:
                self.kept(m, who, name, said[name])

    # --- references ---

    def connected(self, m):
        """For sure."""
        return self.of(m) and not m.doubtful and (self.model.in_scope(m) or m.settled) and not (m.stray and not m.settled)

    def compare_manager(self, p):
        account = self.of(p)
        if not account or p.protected or p.undone or not self.model.in_scope(p):
            return
        actual = manager_of(account)
        boss = self.model.people.get(p.manager) if p.manager is not None else None
        if boss and self.connected(boss):
            if actual != self.of(boss)["id"]:
                self.wrong.append(f"{p.name}: manager should be {boss.name}, is {actual!r}")
        elif not boss and actual and actual != p.named:
            self.wrong.append(f"{p.name}: manager should be cleared, is {actual!r}")

    def compare_members(self, g):
        account = self.of(g)
        if not account or g.protected or g.undone or not self.model.in_scope(g):
            return
        actual = {m["value"] for m in account.get("members", [])}
        must, may = set(), g.stale | self.model.vanished
        for kind, n in g.members:
            m = (self.model.people if kind == "p" else self.model.groups).get(n)
            found = m and self.of(m)
            if found:
                may.add(found["id"])
                if not m.deleted and self.connected(m):
                    must.add(found["id"])
        if not must <= actual <= may:
            self.wrong.append(f"{g.name}: {[self.owner(id) for id in sorted(must - actual)]} should be members, "
                              f"{[self.owner(id) for id in sorted(actual - may)]} should not")

    def owner(self, id):
        return next((f"{m.kind[:-1]} {m.n} {m.name!r}" + (" (gone)" if m.gone else "") + f" {self.model.events(m)}"
                     for m in self.model.everybody() if self.of(m) and self.of(m)["id"] == id), id)

    # --- it is settled ---

    def remember(self):
        """What is there now is what the next settling starts from."""
        for m in self.model.everybody():
            account = self.of(m)
            served = self.model.in_scope(m) and not m.protected and not m.undone
            found = m.may_exist and not m.stray and not m.doubtful  # since, and it has left again
            m.settled = bool(account) and (served or m.settled or found)
            if m.settled or not account:
                m.stray = m.stray and not m.settled
                m.doubtful = False
            m.account = account["id"] if account else None
            m.was = said_by(m.kind, account) if account else {}
            m.may, m.may_exist, m.may_vanish = {}, False, False
        self.model.left = [m for m in self.model.left if m.account]
