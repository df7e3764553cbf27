"""The life of a few people in an application behind saml-jackson's directory sync. What is compared is what
jackson says of an account over SCIM, and what it holds of a group.

jackson is no full SCIM server (deviations.txt), and the people are made so that it can serve them: it looks for
an account by its first e-mail address whatever the filter names, so both are the same here; and it takes the
dots of a schema URI in a PATCH path for levels, so attributes of the extension do not change."""

import csv
import json
import sys
import urllib.request

from lib import ENTERPRISE, T, Scim, Usher, check, check_eq, done, one, step

APP = "Jackson"
BASE, SECRET = sys.argv[1], sys.argv[2]
ROOT = BASE[: BASE.index("/api/")]
COLUMNS = ["userPrincipalName", "displayName", "givenName", "surname", "mail", "mailNickname", "jobTitle", "department",
           "city", "mobile", "accountEnabled"]


def make_people():
    people = {}
    for n in range(12):
        upn = f"j{n:02d}@plant.example"
        people[upn] = dict(userPrincipalName=upn, displayName=f"Jo Müller {n}", givenName="Jo", surname=f"Müller {n}",
                           mail=upn, mailNickname=f"j{n:02d}", jobTitle="Fitter, senior" if n % 2 else "",
                           department="Labs" if n % 3 == 0 else "", city="Århus" if n % 2 else "",
                           mobile=f"+45 9{n:07d}" if n % 4 == 0 else "", accountEnabled="true")
    return people


class World:
    def __init__(self):
        self.usher = Usher(f"{T}/data")
        self.scim = Scim(BASE, SECRET)
        self.people = make_people()
        self.groups = {"Crew": ["j00", "j01", "j02", "j03"], "Shift B": ["j04", "j05"]}
        self.assigned_groups = set()
        self.accounts = {}  # userName -> account as it must be
        self.ids = {}  # userName -> id

    def person(self, nick):
        return self.people[f"{nick}@plant.example"]

    def expect(self, upn):
        """The account of somebody in scope."""
        p = self.people[upn]
        account = self.accounts.setdefault(upn, {})
        wanted = {"displayName": p["displayName"], "name.givenName": p["givenName"], "name.familyName": p["surname"],
                  "title": p["jobTitle"], "email": p["mail"], "externalId": p["mailNickname"], "department": p["department"],
                  "city": p["city"], "mobile": p["mobile"]}
        # What is empty in the source is not sent, and not cleared where it stands.
        account.update({name: value for name, value in wanted.items() if value})
        account["active"] = True

    def users(self):
        """By userName: what jackson says of every account. Its pages are as long as they are asked for."""
        found = json.loads(self.scim.get("/Users?startIndex=1&count=500"))["Resources"]
        check_eq("two accounts of one name", len({u["userName"] for u in found}), len(found))
        return {u["userName"]: u for u in found}

    def members(self, group):
        request = urllib.request.Request(f"{ROOT}/members/{group}")
        request.add_header("Authorization", f"Bearer {SECRET}")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return sorted(json.loads(answer.read()))

    def compare(self):
        in_scope = {f"{nick}@plant.example" for g in self.assigned_groups for nick in self.groups[g]}
        for upn, p in self.people.items():
            if upn in in_scope and p["accountEnabled"] == "true":
                self.expect(upn)
            elif upn in self.accounts:
                self.accounts[upn]["active"] = False
        users = self.users()
        check_eq("accounts", sorted(self.accounts), sorted(users))
        for upn, account in self.accounts.items():
            check_eq(f"account of {upn}", account, flat(users[upn]))
            check_eq(f"id of {upn}", self.ids.setdefault(upn, users[upn]["id"]), users[upn]["id"])
        groups = {g["displayName"]: g for g in json.loads(self.scim.get("/Groups"))["Resources"]}
        check_eq("groups", sorted(self.assigned_groups), sorted(groups))
        for name in self.assigned_groups:
            want = sorted(self.ids[f"{n}@plant.example"] for n in self.groups[name] if f"{n}@plant.example" in self.ids)
            check_eq(f"members of {name}", want, self.members(groups[name]["id"]))

    def settle(self, what, **counts):
        step(what)
        self.usher.cycle(APP, failed=0, **counts)
        self.compare()
        self.usher.nothing_left(APP)

    def import_people(self):
        path = f"{T}/people.csv"
        with open(path, "w", encoding="utf-8", newline="") as out:
            rows = csv.DictWriter(out, COLUMNS)
            rows.writeheader()
            rows.writerows(self.people.values())
        self.usher.run("import", path)

    def import_groups(self):
        path = f"{T}/groups.json"
        groups = [{"displayName": g, "members": [f"{n}@plant.example" for n in m]} for g, m in self.groups.items()]
        with open(path, "w", encoding="utf-8") as out:
            json.dump({"groups": groups}, out)
        self.usher.run("import", path)

    def set(self, nick, **values):
        person = self.person(nick)
        self.usher.run("user", "set", person["userPrincipalName"], *[f"{k}={v}" for k, v in values.items()])
        person.update(values)


def flat(user):
    account = {name: user.get(name) for name in ("displayName", "title", "externalId")}
    account.update({f"name.{k}": user.get("name", {}).get(k) for k in ("givenName", "familyName")})
    account["email"] = one(user, "emails", type="work").get("value")
    account["city"] = one(user, "addresses", type="work").get("locality")
    account["mobile"] = one(user, "phoneNumbers", type="mobile").get("value")
    account["department"] = user.get(ENTERPRISE, {}).get("department")
    account = {k: v for k, v in account.items() if v}
    account["active"] = user.get("active")
    return account


def life(w):
    step("people and groups come in")
    w.import_people()
    w.import_groups()
    w.usher.run("app", "add", "scim", "--name", APP, "--url", BASE, "--token", "-", stdin=SECRET + "\n")
    w.usher.run("app", "test", APP)
    w.assigned_groups.add("Crew")
    w.usher.run("assignment", "add", APP, "Crew")
    w.settle("initial cycle", created=5)
    w.set("j01", displayName="Jo Munk", surname="Munk", city="København", mobile="+45 11111111")
    w.set("j02", jobTitle="Pilot")
    w.settle("changed attributes", updated=2)
    w.set("j00", accountEnabled="false")
    w.settle("disabled", disabled=1)
    w.set("j00", accountEnabled="true")
    w.settle("enabled again", created=0)
    check("j00 is active", w.accounts["j00@plant.example"]["active"])


def groups(w):
    w.assigned_groups.add("Shift B")
    w.usher.run("assignment", "add", APP, "Shift B")
    w.settle("a second group", created=3)
    w.usher.run("group", "set", "Shift B", "displayName=Shift C")
    w.groups["Shift C"] = w.groups.pop("Shift B")
    w.assigned_groups = {"Crew", "Shift C"}
    w.settle("group renamed", created=0)
    w.groups["Shift C"] = ["j05", "j06", "j01"]
    w.import_groups()
    w.settle("members added and removed", created=1, disabled=1)
    w.assigned_groups.discard("Shift C")
    w.usher.run("assignment", "remove", APP, "Shift C")
    w.settle("group unassigned", deleted=1, disabled=2)


def end(w):
    upn = w.person("j03")["userPrincipalName"]
    w.usher.run("user", "remove", upn)
    w.usher.run("user", "remove", upn, "--permanently")
    del w.people[upn], w.accounts[upn], w.ids[upn]
    w.groups["Crew"].remove("j03")
    w.settle("gone for good", deleted=1)
    step("Full restart")
    w.usher.run("restart", APP, "--full")
    w.settle("initial cycle again", created=0)


w = World()
life(w)
groups(w)
end(w)
done()
