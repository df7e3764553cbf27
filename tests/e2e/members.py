"""See members.sh: BASE KEY. A model of who is in which group takes the same steps as the directory."""

import os
import random
import sys

from lib import ENTERPRISE, T, Scim, Usher, check_eq, done, step

ROUNDS = int(os.environ.get("ROUNDS") or 12)
SEED = int(os.environ.get("SEED") or 0) or random.SystemRandom().randrange(1 << 32)
APP = "Plant"
PEOPLE = 25


class Model:
    """Who is there, in which groups, and under whom."""

    def __init__(self, usher, rng):
        self.usher = usher
        self.rng = rng
        self.people = {}  # name -> "there", "disabled" or "binned"
        self.accounts = set()  # who was there in a cycle; whoever was not has none, and can be no member
        self.managers = {}
        self.groups = {}  # name -> members
        self.made = 0

    def person(self):
        self.made += 1
        name = f"p{self.made}@example.com"
        self.usher.run("user", "add", name, f"displayName=Person {self.made}", f"mailNickname=p{self.made}")
        self.people[name] = "there"

    def group(self):
        self.made += 1
        name = f"Group {self.made}"
        self.usher.run("group", "add", name, "securityEnabled=true")
        self.groups[name] = set()

    def some(self, names, most=6):
        names = sorted(names)
        return self.rng.sample(names, min(len(names), self.rng.randint(1, most)))

    def live(self, *states):
        return [p for p, state in self.people.items() if state in states]

    def join(self):
        group = self.rng.choice(sorted(self.groups))
        who = self.some(set(self.live("there", "disabled")) - self.groups[group] or {self.live("there")[0]})
        self.usher.run("group", "add-member", group, *who)
        self.groups[group].update(who)

    def leave(self):
        group = self.rng.choice(sorted(self.groups))
        if self.groups[group]:
            # Somebody in the recycle bin is not found by name.
            who = self.some(self.groups[group] & set(self.live("there", "disabled")) or set())
            if who:
                self.usher.run("group", "remove-member", group, *who)
                self.groups[group].difference_update(who)

    def disable(self):
        who = self.rng.choice(self.live("there"))
        self.usher.run("user", "set", who, "accountEnabled=false")
        self.people[who] = "disabled"

    def enable(self):
        for who in self.live("disabled")[:2]:
            self.usher.run("user", "set", who, "accountEnabled=true")
            self.people[who] = "there"

    def bin(self):
        who = self.rng.choice(self.live("there"))
        self.usher.run("user", "remove", who)
        self.people[who] = "binned"

    def restore(self):
        for who in self.live("binned")[:1]:
            self.usher.run("user", "restore", who)
            self.people[who] = "there"

    def purge(self):
        who = self.rng.choice(self.live("there"))
        self.usher.run("user", "remove", who, "--permanently")
        del self.people[who]
        self.accounts.discard(who)
        self.managers.pop(who, None)
        for members in self.groups.values():
            members.discard(who)
        for report in [r for r, m in self.managers.items() if m == who]:
            del self.managers[report]

    def manage(self):
        who, boss = self.rng.sample(self.live("there"), 2)
        boss = "" if self.rng.random() < 0.3 else boss
        self.usher.run("user", "set", who, f"manager={boss}")
        self.managers.pop(who, None)
        if boss:
            self.managers[who] = boss

    def drop_group(self):
        if len(self.groups) > 3:
            name = self.rng.choice(sorted(self.groups))
            self.usher.run("group", "remove", name, "--permanently")
            del self.groups[name]

    def move(self):
        steps = (self.join, self.join, self.join, self.leave, self.leave, self.disable, self.enable, self.bin,
                 self.restore, self.purge, self.manage, self.manage, self.person, self.group, self.drop_group)
        self.rng.choice(steps)()

    def cycle(self):
        self.usher.cycle(APP, failed=0)
        self.accounts.update(self.live("there"))


def compare(model, scim):
    users = scim.users()
    names = {u["id"]: name for name, u in users.items()}
    groups = {
        name: sorted(names.get(m["value"], m["value"]) for m in g.get("members", []))
        for name, g in scim.groups().items()
    }
    check_eq("groups and their members", {g: sorted(m & model.accounts) for g, m in model.groups.items()}, groups)
    managers = {
        name: names.get(u[ENTERPRISE]["manager"]["value"])
        for name, u in users.items()
        if u.get(ENTERPRISE, {}).get("manager") and model.people.get(name) == "there"
    }
    expected = {
        r: m for r, m in model.managers.items() if model.people.get(r) == "there" and m in model.accounts
    }
    check_eq("managers", expected, managers)


def main():
    base, key = sys.argv[1:]
    usher = Usher(f"{T}/directory")
    scim = Scim(base, key)
    model = Model(usher, random.Random(SEED))
    step(f"{ROUNDS} rounds of changes (SEED={SEED})")
    for _ in range(PEOPLE):
        model.person()
    for _ in range(4):
        model.group()
    usher.run("app", "add", "scim", "--name", APP, "--url", base, "--token", key, "--scope", "all")
    usher.run("app", "set", APP, "--setting", "guard=false")
    for _ in range(ROUNDS):
        for _ in range(model.rng.randint(1, 9)):
            model.move()
        model.cycle()
        compare(model, scim)

    step("memberships changed by somebody else come back when they are asserted")
    usher.run("members", "reassert", APP, "--all")
    model.cycle()
    compare(model, scim)

    step("nothing waits any more when everybody is back")
    while model.live("disabled", "binned"):
        model.enable()
        model.restore()
    model.cycle()
    compare(model, scim)
    check_eq("references that wait", 0, usher.json("status", APP)["counts"]["pendingReferences"])
    done()


try:
    main()
except BaseException:
    print(f"To repeat it: SEED={SEED} ROUNDS={ROUNDS} USHER={os.environ['USHER']} tests/e2e/members.sh", file=sys.stderr)
    raise
