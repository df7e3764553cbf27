"""Steps of the job's configuration: scope, filters, mappings, what becomes of leavers, protection."""

from model import DEPARTMENTS, DISABLED, FILTERED, HARD, LEFT, SOFT, UNASSIGNED
from run import APP, Base

GRACE = {None: "", "short": " after PT1S", "long": " after P2D"}


class ConfigurationSteps(Base):
    def released(self):
        """Whom an undo holds, another version of the configuration lets go."""
        for m in self.model.everybody():
            m.undone = False

    def do_filter(self, a, b):
        self.model.departments = [DEPARTMENTS[a % 3], DEPARTMENTS[(a + 1) % 3]]
        self.usher("config", "filter", APP, "department NOT EQUALS '%s'" % DEPARTMENTS[(a + 2) % 3])

    def do_no_filter(self, a, b):
        if self.model.departments:
            self.model.departments = None
            self.usher("config", "filter", APP, "--clear")

    def do_group_filter(self, a, b):
        g = self.group(a, lambda g: not g.deleted)
        if self.model.group_filter:
            self.model.group_filter = None
            self.usher("config", "filter", APP, "--groups", "--clear")
        elif g:
            self.model.group_filter = g.name
            self.usher("config", "filter", APP, "--groups", f"displayName NOT EQUALS '{g.name}'")

    def do_map(self, a, b):
        """The title: an attribute, a constant, an expression, or nothing where no policy sets it."""
        kinds = {"attribute": ["--attribute", "jobTitle"], "constant": ["--constant", "Colleague"],
                 "joined": ["--expression", 'Join(" ", [jobTitle], [department])'], "none": None}
        names = [k for k in kinds if k != self.model.title and (
            k != "none" or not any(m == "set" for m, _ in self.model.policies.values()))]
        self.model.title = names[a % len(names)]
        if kinds[self.model.title]:
            self.usher("config", "map", APP, "title", *kinds[self.model.title])
        else:
            self.usher("config", "unmap", APP, "title")

    def do_scope(self, a, b):
        self.model.scope = "all" if self.model.scope == "assigned" else "assigned"
        self.usher("app", "set", APP, "--scope", self.model.scope)

    def do_nested(self, a, b):
        self.model.nested = not self.model.nested
        self.set_up(**{"scope.nestedGroups": str(self.model.nested).lower()})

    def do_policy(self, a, b):
        """Of one event, from a settled system on; whom it concerns that has left before, is looked at again."""
        self.do_settle()
        event = [SOFT, DISABLED, UNASSIGNED, FILTERED, HARD][a % 5]
        measures = ["default", "disable", "delete", "keep"] + (["set"] if self.model.title != "none" else [])
        measure, grace = measures[b % len(measures)], [None, None, "short", "long"][b // 7 % 4]
        self.model.policies[event] = (measure, grace)
        words = f"set title={LEFT}" if measure == "set" else measure
        self.set_up(**{f"deprovision.{event}": words + GRACE[grace if measure != "keep" else None]})
        self.usher("restart", APP)
        self.do_settle()

    def do_no_policy(self, a, b):
        self.do_settle()
        for event in self.model.policies:
            self.set_up(**{f"deprovision.{event}": "default"})
        self.model.policies = {}
        self.usher("restart", APP)
        self.do_settle()

    def do_skip_flag(self, a, b):
        """The flags that leave accounts alone."""
        self.do_settle()
        name, events = [("skipOutOfScope", {UNASSIGNED, FILTERED}), ("skipDisabled", {DISABLED, SOFT})][a % 2]
        on = not events <= self.model.suppressed
        self.model.suppressed = self.model.suppressed | events if on else self.model.suppressed - events
        self.set_up(**{f"deprovision.{name}": str(on).lower()})
        self.usher("restart", APP)
        self.do_settle()

    def do_cancel(self, a, b):
        """The removals of somebody who is in a grace period."""
        waiting = [r for r in self.json("grace", APP) if r["state"] == "waiting" and self.model.policies.get(
            r["event"], (None, None))[1] == "long"]
        owners = [m for m in self.model.people.values() if m.id in {r["sourceId"] for r in waiting}
                  and self.model.events(m) and not m.deleted]
        if owners:
            self.do_settle()
            p = owners[a % len(owners)]
            self.usher("grace", "cancel", APP, p.id)
            # The others have their own reasons.
            p.cancelled = frozenset(r["event"] for r in self.json("grace", APP) if r["sourceId"] == p.id
                                    and r["state"] == "cancelled")
            p.cancelled_at = self.model.events(p)

    def do_protect(self, a, b):
        """By its id, by its name, or by what the account says of itself; until the next time."""
        self.do_settle()
        before = [m for m in self.model.everybody() if m.protected]
        p = self.person(a, lambda p: p.settled and not p.undone and p not in before)
        account = p and self.account(p)
        settings = {"protected.accounts": "", "protected.filter": ""}
        for m in before:
            m.protected = False
        if account:
            p.protected = True
            if b % 3 == 0:
                settings["protected.accounts"] = account["id"]
            elif b % 3 == 1:
                settings["protected.accounts"] = "nobody@walk.example, " + account["userName"].upper()
            else:
                with self.target.lock:
                    account["userType"] = f"Robot {p.n}"
                settings["protected.filter"] = f'userType eq "Robot {p.n}"'
        self.set_up(**settings)
        if before:
            self.usher("restart", APP)
        self.do_settle()
