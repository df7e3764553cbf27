"""What refusals.sh expects: every refusal stays with the object it concerns, says why, and is over when its reason is."""

import json
import os
import time
import urllib.request

from lib import T, Usher, check, check_eq, done, fail, step
from life import Directory, seen

BASE = os.environ["BASE"]
vendor = Usher(f"{T}/vendor")
usher = Usher(f"{T}/data")
directory = Directory(usher)


class App:
    def __init__(self, name, *switches):
        self.name = name
        vendor.run("tenant", "add", "generic", name)
        self.set(*switches)
        self.key = vendor.json("key", "add", name, "--description", "e2e")["key"]
        usher.run("app", "add", "scim", "--name", name, "--url", f"{BASE}/scim/{name}/v2", "--token", self.key, "--scope",
                  "all", "--no-test")  # fmt: skip

    def set(self, *switches):
        vendor.run("tenant", "set", self.name, *[x for s in switches for x in ("--switch", s)])

    def cycle(self):
        return usher.json("start", self.name, "--wait")

    def waiting(self):
        return usher.json("retry", self.name, "--list")["objects"]

    def refused(self, who, code, *words):
        """Exactly this one fails (None: one, whoever it is), with that code and these words, and all others are there."""
        self.cycle()
        (one,) = self.waiting()
        check_eq(f"{self.name}: who fails", (who or one["name"], code), (one["name"], one["code"]))
        logs = json.dumps(usher.json("logs", self.name, "--status", "failure"))
        for word in words:
            check(f"{self.name}: '{word}' is not in {logs[:2000]}", word in logs)

    def heals(self, what, holds):
        """The reason is gone; a running service knows it within a second."""
        end = time.monotonic() + 60
        while True:
            usher.json("retry", self.name, "--all", "--wait")
            if not self.waiting() and holds():
                return
            if time.monotonic() > end:
                fail(f"{self.name}: waited in vain until {what}: {self.waiting()}")
            time.sleep(0.2)

    def stored(self):
        lines = vendor.run("tenant", "export", self.name, "--format", "json").splitlines()
        return seen([json.loads(line) for line in lines])

    def people(self):
        return {name for name, is_ in self.stored()[0].items() if is_[5]}

    def post(self, kind, body):
        request = urllib.request.Request(f"{BASE}/scim/{self.name}/v2/{kind}", data=json.dumps(body).encode(), method="POST")
        request.add_header("Authorization", f"Bearer {self.key}")
        request.add_header("Content-Type", "application/scim+json")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())


directory.begin()
directory.change()

step("no seat is free")
seats = App("seats", "seatLimit=2")
seats.refused(None, "LicenseLimitExceeded", "all 2 seats are taken")  # they arrive in any order
check_eq("accounts", 2, len(seats.people()))
seats.set("seatLimit=3")
seats.heals("everybody has a seat", lambda: seats.people() == {"ada", "bob", "carl"})

step("a value that is not in the lookup table")
lookup = App("lookup", 'referenceLookup=["title"]', 'lookupTable={"title":["Chief","Nurse"]}')
lookup.refused("Carl", "UnprocessableEntity", "InvalidLookupReference", "Cook")
lookup.set('lookupTable={"title":["Chief","Nurse","Cook"]}')
lookup.heals("the table has it", lambda: lookup.people() == {"ada", "bob", "carl"})

step("a name that another tenant has")
other = App("other", 'globalUnique=["userName"]')
taken = other.post("Users", {"userName": "Carl@plant.test", "emails": [{"type": "work", "value": "carl@plant.test"}]})
unique = App("unique", 'globalUnique=["userName"]')
unique.refused("Carl", "EntryConflict", "is already in use")
vendor.run("tenant", "remove", "other")
unique.heals("the name is free", lambda: unique.people() == {"ada", "bob", "carl"})

step("a domain that is not verified")
domains = App("domains", 'verifiedDomains=["else.test"]')
domains.cycle()
check_eq("codes", {"InvalidDomain"}, {o["code"] for o in domains.waiting() if o["code"] != "MissingReference"} or None)
domains.set('verifiedDomains=["else.test","plant.test"]')
domains.heals("it is verified", lambda: domains.people() == {"ada", "bob", "carl"})

step("members without the role")
roles = App("roles", "groupMembersRole=agent")
roles.refused("Crew", "UnprocessableEntity", "members must have the role 'agent'")
check_eq("the group is there, without members", set(), roles.stored()[1])
roles.set("groupMembersRole=")
roles.heals("they may be members", lambda: roles.stored()[1] == {"bob", "carl"})

step("a new key revokes the one before")
single = App("single", "singleToken=on")
single.cycle()
fresh = vendor.json("key", "add", "single", "--description", "new")["key"]
end = time.monotonic() + 30
while "credentialsRefused" not in usher.run_any("--json", "app", "test", "single"):
    check("the old key is refused", time.monotonic() < end)
usher.run("app", "set", "single", "--token", fresh)
check_eq("state", "Succeeded", single.cycle()["state"])

step("a key dies with who made it, and that is told")
bound = App("bound", "tokenBoundToUser=on")
bound.cycle()
adas = vendor.json("key", "add", "bound", "--description", "ada's", "--created-by", "ada@plant.test")["key"]
usher.run("app", "set", "bound", "--token", adas)
check_eq("state", "Succeeded", bound.cycle()["state"])
usher.run("user", "set", "ada@plant.test", "accountEnabled=false")
bound.cycle()  # disables her in the application, and with her the key
end = time.monotonic() + 30
while "credentialsRefused" not in usher.run_any("--json", "app", "test", "bound"):
    check("the key of who is disabled is refused", time.monotonic() < end)
usher.run_any("start", "bound", "--wait")
check_eq("state", "Quarantine", usher.json("status", "bound")["state"])
usher.run("user", "set", "ada@plant.test", "accountEnabled=true")

step("who is busy is not deleted until they are free")
busy = App("busy", "deleteRefused=on")
busy.cycle()
vendor.run("tenant", "mark", "busy", "carl@plant.test", "busy")
usher.run("user", "remove", "carl@plant.test", "--permanently")
busy.cycle()
check_eq("carl's account", {"ada", "bob", "carl"}, set(busy.stored()[0]))
check("it is told", "busy" in json.dumps(usher.json("logs", "busy", "--status", "failure")))
vendor.run("tenant", "mark", "busy", "carl@plant.test", "free")
busy.heals("carl is gone", lambda: set(busy.stored()[0]) == {"ada", "bob"})
done()
