"""Steps of the directory: people come, change, go and return; groups and who is in them; assignments."""

import json

from model import DEPARTMENTS, TITLES, HARD, Group, Person
from run import APP, Base


def live(m):
    return not m.deleted


class PeopleSteps(Base):
    def add_person(self, upn=None):
        n = self.next
        self.next += 1
        p = Person(n, None, upn or f"p{n}@walk.example")
        p.id = json.loads(self.usher("user", "add", p.upn, f"displayName={p.name}", f"department={p.department}",
                                     f"jobTitle={p.title}", f"mailNickname={p.key}"))["objectId"]
        self.model.people[n] = p
        return p

    def assign(self, m, assigned=True):
        self.usher("assignment", "add" if assigned else "remove", APP, m.id)
        m.assigned = assigned

    NAMES = {"name": "displayName", "title": "jobTitle", "department": "department", "upn": "userPrincipalName",
             "enabled": "accountEnabled"}

    def change(self, p, **values):
        """Sets attributes of a person, here and in the directory."""
        for name, value in values.items():
            setattr(p, name, value)
        self.usher("user", "set", p.id, *[f"{self.NAMES[k]}={str(v).lower() if isinstance(v, bool) else v}"
                                          for k, v in values.items()])
        p.touched()

    def do_add_person(self, a, b):
        p = self.add_person()
        if a % 3:
            self.assign(p)

    def do_change(self, a, b):
        p = self.person(a, live)
        if p:
            self.change(p, name=f"Person {p.n} the {b % 1000}th", title=TITLES[b % 3], department=DEPARTMENTS[b // 3 % 3])

    def do_rename(self, a, b):
        p = self.person(a, lambda p: live(p) and (p.settled or not p.stray))
        if p:
            self.change(p, upn=f"q{b % 100000}.{p.n}@walk.example")

    def do_disable(self, a, b):
        p = self.person(a, lambda p: p.enabled and live(p))
        if p:
            self.change(p, enabled=False)

    def do_enable(self, a, b):
        p = self.person(a, lambda p: not p.enabled and live(p))
        if p:
            self.change(p, enabled=True)

    def do_delete(self, a, b):
        p = self.person(a, live)
        if p:
            p.deleted = True
            p.touched()
            self.usher("user", "remove", p.id)

    def do_restore(self, a, b):
        p = self.person(a, lambda p: p.deleted)
        if p:
            p.deleted = False
            p.touched()
            self.usher("user", "restore", p.id)

    def purge(self, p):
        self.usher("user", "remove", p.id, "--permanently")
        del self.model.people[p.n]
        p.gone = True
        p.touched()
        self.model.left.append(p)
        for g in self.model.groups.values():
            g.members.discard(("p", p.n))
        for other in self.model.people.values():
            if other.manager == p.n:
                other.manager = None
                other.touched()

    def do_purge(self, a, b):
        p = self.person(a)
        if p:
            self.purge(p)

    def do_rehire(self, a, b):
        """The name goes to somebody new; the old account has to be out of its way, and known to usher."""
        p = self.person(a, lambda p: p.settled and not p.protected)
        if p and self.model.policies.get(HARD, ("default", None)) in (("default", None), ("delete", None)):
            self.purge(p)
            self.assign(self.add_person(p.upn))

    def do_assign(self, a, b):
        who = self.person(a, lambda p: not p.assigned and live(p)) if b % 4 else \
            self.group(a, lambda g: not g.assigned and live(g))
        if who:
            self.assign(who)

    def do_unassign(self, a, b):
        who = self.person(a, lambda p: p.assigned and live(p)) if b % 4 else self.group(a, lambda g: g.assigned and live(g))
        if who:
            self.assign(who, False)

    def set_manager(self, p, boss):
        p.manager = boss.n if boss else None
        p.touched()
        self.usher("user", "set", p.id, f"manager={boss.id if boss else ''}")

    def do_manager(self, a, b):
        """Also round in a circle."""
        p, boss = self.person(a, live), self.person(b, live)
        if p and boss is not p:
            self.set_manager(p, boss)
            if a % 5 == 0 and boss.manager is None:
                self.set_manager(boss, p)

    def do_no_manager(self, a, b):
        p = self.person(a, lambda p: p.manager is not None and live(p))
        if p:
            self.set_manager(p, None)


class GroupSteps(Base):
    def do_add_group(self, a, b):
        n = self.next
        self.next += 1
        g = Group(n, None)
        g.id = g.key = json.loads(self.usher("group", "add", g.name))["objectId"]
        self.model.groups[n] = g
        if a % 2 == 0:
            self.assign(g)

    def do_rename_group(self, a, b):
        g = self.group(a, lambda g: live(g) and not g.stray)
        if g:
            g.name = f"Group {g.n} of {b % 1000}"
            g.touched()
            self.usher("group", "set", g.id, f"displayName={g.name}")

    def do_delete_group(self, a, b):
        g = self.group(a, live)
        if g:
            g.deleted = True
            g.touched()
            self.usher("group", "remove", g.id)

    def do_restore_group(self, a, b):
        g = self.group(a, lambda g: g.deleted)
        if g:
            g.deleted = False
            g.touched()
            self.usher("group", "restore", g.id)

    def do_purge_group(self, a, b):
        g = self.group(a)
        if g:
            self.usher("group", "remove", g.id, "--permanently")
            del self.model.groups[g.n]
            g.gone = True
            g.touched()
            self.model.left.append(g)
            for other in self.model.groups.values():
                other.members.discard(("g", g.n))

    def do_join(self, a, b):
        p, g = self.person(a, live), self.group(b, live)
        if p and g:
            self.usher("group", "add-member", g.id, p.id)
            g.members.add(("p", p.n))

    def do_leave(self, a, b):
        g = self.group(b, lambda g: live(g) and self.inside(g))
        if g:
            kind, n = self.inside(g)[a % len(self.inside(g))]
            self.usher("group", "remove-member", g.id, (self.model.people if kind == "p" else self.model.groups)[n].id)
            g.members.discard((kind, n))

    def inside(self, g):
        return sorted((k, n) for k, n in g.members if live((self.model.people if k == "p" else self.model.groups)[n]))

    def do_nest(self, a, b):
        """Also a group in itself, round some others."""
        inner, outer = self.group(a, live), self.group(b, live)
        if inner and inner is not outer:
            self.usher("group", "add-member", outer.id, inner.id)
            outer.members.add(("g", inner.n))
            if a % 7 == 0:
                self.usher("group", "add-member", inner.id, outer.id)
                inner.members.add(("g", outer.n))

    def do_assign_nested(self, a, b):
        """A group that has others inside, with people in them, comes and goes as a whole."""
        g = self.group(a, lambda g: live(g) and any(k == "g" for k, _ in g.members))
        if g:
            self.assign(g, not g.assigned)
