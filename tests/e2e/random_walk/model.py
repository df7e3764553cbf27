"""What the directory says and, following from it, what the application should say. Names of people and
groups in a script are numbers, so that a script stays meaningful when steps are left out of it.

Between two settlings it is not known what each cycle came to: it may have been killed, or refused. So of
every account it is kept what it said when all was settled last (`was`) and what any cycle since may have
written (`may`). What a settled system has to say is one value; compare.py knows which."""

DEPARTMENTS = ["Red", "Green", "Blue"]
TITLES = ["Fitter", "Driver", "Clerk"]

# What keeps somebody out, and what the settings call it.
SOFT, DISABLED, UNASSIGNED, FILTERED, HARD = (
    "sourceSoftDeleted", "sourceDisabled", "unassigned", "filteredOut", "sourceHardDeleted")
STRENGTH = ["set", "disable", "delete"]
LEFT = "Left"  # what the policy "set" writes as title


class Managed:
    """What people and groups have in common."""

    def __init__(self, n, id):
        self.n, self.id = n, id
        self.deleted = False  # in the recycle bin
        self.gone = False  # for good
        self.assigned = False
        # at the application
        self.account = None  # the id that it had when all was settled
        self.settled = False  # has an account for sure, which usher knows
        self.was, self.may = {}, {}  # name -> value; name -> values
        self.may_exist = self.may_vanish = False
        self.doubtful = False  # an account may be there that nobody knows of
        self.protected = False
        self.undone = False  # held as an undo has left it
        self.rejected = False  # its removal was
        self.cancelled = None  # the events whose removals were, or None
        self.cancelled_at = None  # ... and all that kept it out of scope then
        self.stray = False  # an account that is found by its name alone: it was there first, or is forgotten

    def known(self):
        """Whether usher may know its account."""
        return self.settled or self.may_exist or self.doubtful

    def touched(self):
        """The source object has another version."""
        self.rejected = False
        self.cancelled = None


class Person(Managed):
    kind = "Users"

    def __init__(self, n, id, upn):
        super().__init__(n, id)
        self.upn = upn
        self.key = f"h{n}"  # mailNickname, the account's externalId: never changes
        self.name = f"Person {n}"
        self.department = DEPARTMENTS[n % 3]
        self.title = TITLES[0]
        self.enabled = True
        self.manager = None
        self.named = None  # the manager whom the account may go on naming: nobody can tell it otherwise


class Group(Managed):
    kind = "Groups"

    def __init__(self, n, id):
        super().__init__(n, id)
        self.key = id
        self.name = f"Group {n}"
        self.members = set()  # ("p", n) and ("g", n)
        self.stale = set()  # accounts in its list of which nobody knows any more


class Model:
    def __init__(self):
        self.people, self.groups = {}, {}
        self.left = []  # deleted for good, and the account may be there
        self.scope = "assigned"
        self.nested = False
        self.departments = None  # a scoping filter; None: no filter
        self.group_filter = None  # a group that is filtered out by its name
        self.title = "attribute"  # what the title is mapped to
        self.policies = {}  # event -> (measure, grace), grace None, "short" or "long"
        self.suppressed = set()  # events that the skip flags cover
        self.vanished = set()  # accounts deleted by hand, which usher cannot know of before it asks for them
        self.removing = None  # accounts that a plan removes, while it is applied; None: none is

    # --- scope ---

    def group_assigned(self, g):
        """Also through groups around it, where that is asked for."""
        seen, around = set(), {g.n}
        while around:
            if any(self.groups[n].assigned for n in around):
                return True
            if not self.nested:
                return False
            seen |= around
            around = {o.n for o in self.groups.values() if not o.deleted and o.n not in seen
                      and any(("g", n) in o.members for n in around)}
        return False

    def is_assigned(self, p):
        return p.assigned or any(not g.deleted and ("p", p.n) in g.members and self.group_assigned(g)
                                 for g in self.groups.values())

    def events(self, m):
        """All that keep it out of scope; none: it is in."""
        if m.gone:
            return {HARD}
        found = {SOFT} if m.deleted else set()
        if m.kind == "Users":
            assigned = self.is_assigned(m)
            passes = self.departments is None or m.department in self.departments
            if not m.enabled:
                found.add(DISABLED)
        else:
            assigned = m.assigned  # groups inside others bring in their people only
            passes = m.name != self.group_filter
        if self.scope == "assigned" and not assigned:
            found.add(UNASSIGNED)
        return found if passes else found | {FILTERED}

    def in_scope(self, m):
        return not self.events(m)

    # --- removals ---

    def measures(self, m):
        """What is to be done about an account whose owner is out of scope, the strongest last."""
        if m.rejected or m.protected or m.undone:
            return []
        found = set()
        for event in self.events(m):
            measure, grace = self.policies.get(event, ("default", None))
            if measure == "keep" or grace == "long" or event in self.suppressed or event in (m.cancelled or ()):
                continue
            if measure == "default":
                measure = "delete" if event == HARD else "disable"
            if m.kind == "Users":
                found.add(measure)
            elif measure != "set":  # a group has no title, and cannot be disabled
                found.add("delete")
        return sorted(found, key=STRENGTH.index)

    def everybody(self):
        return [*self.people.values(), *self.groups.values(), *self.left]

    def may_remove(self, kind, resource, what):
        """Whether a removal of this account has a cause now."""
        if self.removing is not None:
            return resource["id"] in self.removing
        measure = {"deleted": "delete", "disabled": "disable"}[what]
        return any(measure in self.measures(m) for m in self.everybody()
                   if m.kind == kind and m.key == resource.get("externalId") and m.known())

    # --- what an account says ---

    def wanted(self, m):
        """By name; None: it is not written."""
        if m.kind == "Groups":
            return {"displayName": m.name}
        title = {"attribute": m.title, "constant": "Colleague", "joined": f"{m.title} {m.department}", "none": None}[self.title]
        return {"active": True, "userName": m.upn, "displayName": m.name, "title": title, "department": m.department}

    # --- what a cycle may have done ---

    def may_write(self, m):
        if m.protected or m.undone:
            return
        if self.in_scope(m):
            m.may_exist = True
            for name, value in self.wanted(m).items():
                if value is not None:
                    m.may.setdefault(name, set()).add(value)
            return
        for measure in self.measures(m):
            if measure == "delete":
                m.may_vanish = True
            elif measure == "disable":
                m.may.setdefault("active", set()).add(False)
            else:
                m.may.setdefault("title", set()).add(LEFT)

    def cycle_ran(self):
        for m in self.everybody():
            self.may_write(m)
