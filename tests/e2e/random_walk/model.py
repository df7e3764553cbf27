"""What the directory says and, following from it, what the application should say. Names of people and
groups in a script are numbers, so that a script stays meaningful when steps are left out of it."""

from target import ENTERPRISE

DEPARTMENTS = ["Red", "Green", "Blue"]


class Person:
    def __init__(self, n, id, upn):
        self.n, self.id, self.upn = n, id, upn
        self.handle = f"h{n}"  # mailNickname, the account's externalId: never changes
        self.name = f"Person {n}"
        self.department = DEPARTMENTS[n % 3]
        self.title = "Fitter"
        self.enabled = True
        self.deleted = False  # in the recycle bin
        self.assigned = False
        self.manager = None
        self.seen = False  # in scope when some cycle ran: may have an account
        self.settled = False  # in scope when everything was settled: has one
        self.adopted = False  # the account was there first


class Group:
    def __init__(self, n, id):
        self.n, self.id = n, id
        self.name = f"Group {n}"
        self.deleted = False
        self.assigned = False
        self.members = set()  # ("p", n) and ("g", n)


class Model:
    def __init__(self):
        self.people, self.groups = {}, {}
        self.gone = []  # people deleted for good who had an account for sure
        self.scope = "assigned"
        self.departments = None  # a scoping filter; None: no filter
        self.title = None  # the constant that the title is mapped to; None: jobTitle
        self.disabled_by_hand = set()

    # --- scope ---

    def group_in_scope(self, g):
        return not g.deleted and (self.scope == "all" or g.assigned)

    def is_assigned(self, p):
        return p.assigned or any(g.assigned and not g.deleted and ("p", p.n) in g.members
                                 for g in self.groups.values())

    def in_scope(self, p):
        return (p.enabled and not p.deleted and (self.scope == "all" or self.is_assigned(p))
                and (self.departments is None or p.department in self.departments))

    def may_remove(self, kind, resource):
        """Whether a removal of this account has a cause now."""
        if kind == "Groups":
            return not any(self.group_in_scope(g) and g.id == resource.get("externalId") for g in self.groups.values())
        return not any(self.in_scope(p) and p.handle == resource.get("externalId") for p in self.people.values())

    # --- what a cycle may and must have done ---

    def cycle_ran(self):
        for p in self.people.values():
            p.seen |= self.in_scope(p)

    def compare(self, target):
        """What differs between the target and what it should say; texts."""
        wrong = []
        users, groups = by_external_id(target.resources["Users"]), by_external_id(target.resources["Groups"])
        for key, found in list(users.items()) + list(groups.items()):
            if len(found) > 1:
                wrong.append(f"{len(found)} accounts for {key}")
        known = {p.handle for p in self.people.values()} | {g.id for g in self.groups.values()}
        for key in set(users) | set(groups):
            if key not in known and key in self.gone:
                wrong.append(f"{key} was deleted for good and still has an account")
        for p in self.people.values():
            self.compare_person(p, users.get(p.handle, [None])[0], users, wrong)
        for g in self.groups.values():
            self.compare_group(g, groups.get(g.id, [None])[0], users, groups, wrong)
        return wrong

    def compare_person(self, p, account, users, wrong):
        who = f"person {p.n} ({p.upn})"
        if not self.in_scope(p):
            if p.settled and account and account.get("active", True) is not False:
                wrong.append(f"{who} is out of scope, but active")
            if not account and p.settled:
                wrong.append(f"{who} is out of scope and had an account: it is not there any more")
            return
        if not account:
            wrong.append(f"{who} is in scope and has no account")
            return
        for name, expected, actual in [
                ("active", True, account.get("active")), ("userName", p.upn, account.get("userName")),
                ("displayName", p.name, account.get("displayName")),
                ("title", self.title or p.title, account.get("title")),
                ("department", p.department, account.get(ENTERPRISE, {}).get("department"))]:
            if expected != actual:
                wrong.append(f"{who}: {name} should be {expected!r}, is {actual!r}")
        manager = account.get(ENTERPRISE, {}).get("manager") or {}
        manager = manager.get("value") if isinstance(manager, dict) else manager
        boss = self.people.get(p.manager) if p.manager is not None else None
        boss_account = users.get(boss.handle, [None])[0] if boss else None
        if boss_account and (self.in_scope(boss) or boss.settled) and manager != boss_account["id"]:
            wrong.append(f"{who}: manager should be person {boss.n}, is {manager!r}")
        if not boss and manager:
            wrong.append(f"{who}: manager should be cleared, is {manager!r}")

    def compare_group(self, g, account, users, groups, wrong):
        if not self.group_in_scope(g):
            if account:
                wrong.append(f"group {g.n} is out of scope, but there")
            return
        if not account:
            wrong.append(f"group {g.n} is in scope, but not there")
            return
        if account["displayName"] != g.name:
            wrong.append(f"group {g.n}: displayName should be {g.name!r}, is {account['displayName']!r}")
        actual = {m["value"] for m in account.get("members", [])}
        must, may = set(), set()
        for kind, n in g.members:
            member = (self.people if kind == "p" else self.groups).get(n)
            there = member and (users if kind == "p" else groups).get(member.handle if kind == "p" else member.id)
            if not there:
                continue
            may.add(there[0]["id"])
            sure = (self.in_scope(member) or member.settled and not member.deleted) if kind == "p" \
                else self.group_in_scope(member)
            if sure:
                must.add(there[0]["id"])
        if not must <= actual <= may:
            wrong.append(f"group {g.n}: members should be {sorted(must)}, are {sorted(actual)}")

    def settled(self):
        for p in self.people.values():
            p.settled |= self.in_scope(p)


def by_external_id(resources):
    found = {}
    for r in resources.values():
        found.setdefault(r.get("externalId") or r.get("userName") or r.get("displayName"), []).append(r)
    return found
