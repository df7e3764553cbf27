"""The life of a few people and groups in a SCIM application: every mapped attribute of every account, and every
member of every group, is read back after each step. The test keeps its own idea of the directory (People) and of the
mapping (account_of), written from the documented table and not asked of usher.

    full_life.py BASE TOKEN [LOG]       LOG: where the application tells what it was asked since the last time"""

import csv
import json
import os
import sys
import urllib.request

from lib import CORE, ENTERPRISE, T, Scim, Usher, check, check_eq, done, one, step

APP = "Plant"
BASE, TOKEN = sys.argv[1], sys.argv[2]
LOG = sys.argv[3] if len(sys.argv) > 3 else None
COLUMNS = [
    "userPrincipalName", "displayName", "givenName", "surname", "mail", "mailNickname", "jobTitle",
    "department", "employeeId", "preferredLanguage", "physicalDeliveryOfficeName", "streetAddress", "city",
    "state", "postalCode", "country", "telephoneNumber", "mobile", "facsimileTelephoneNumber",
    "accountEnabled", "manager",
]
# Source attribute -> where it stands in the account: the template's table, but for the computed ones.
DIRECT = {
    "userPrincipalName": "userName",
    "displayName": "displayName",
    "jobTitle": "title",
    "mail": "emails.work",
    "preferredLanguage": "preferredLanguage",
    "givenName": "name.givenName",
    "surname": "name.familyName",
    "physicalDeliveryOfficeName": "addresses.work.formatted",
    "streetAddress": "addresses.work.streetAddress",
    "city": "addresses.work.locality",
    "state": "addresses.work.region",
    "postalCode": "addresses.work.postalCode",
    "country": "addresses.work.country",
    "telephoneNumber": "phoneNumbers.work",
    "mobile": "phoneNumbers.mobile",
    "facsimileTelephoneNumber": "phoneNumbers.fax",
    "mailNickname": "externalId",
    "employeeId": "enterprise.employeeNumber",
    "department": "enterprise.department",
}


# What somebody is found by here.
KEPT = ("userPrincipalName", "mail", "preferredLanguage", "employeeId")


def make_people():
    """24 people, some with every attribute, some with few; everybody from the fourth on has a manager."""
    people = {}
    given = ["Ada", "Béla", "Chloé", "Dmitri", "Eszter", "Fàtima", "Gül", "Håkon"]
    family = ["Lovelace", "O'Neill", "Sørensen"]
    for n in range(24):
        first, last = given[n % 8], family[n // 8]
        nick = f"p{n:02d}"
        p = {name: "" for name in COLUMNS}
        p.update(userPrincipalName=f"{nick}@plant.example", displayName=f"{first} {last}", givenName=first,
                 surname=last, mailNickname=nick, accountEnabled="true", employeeId=str(7000 + n))
        if n % 2 == 0:
            p.update(mail=f"{first}.{n}@mail.example".lower(), jobTitle="Fitter, senior", department="Labs & Tools",
                     telephoneNumber=f"+45 12 34 {n:02d}", preferredLanguage="da-DK")
        if n % 3 == 0:
            p.update(mobile=f"+45 9{n:07d}", facsimileTelephoneNumber=f"+45 8{n:07d}", streetAddress=f"Kaj {n}\nFloor 2",
                     city="Århus", state="Midtjylland", postalCode=f"80{n:02d}", country="DK",
                     physicalDeliveryOfficeName=f'Room "{n}"')
        if n > 2:  # by employeeId, by userPrincipalName
            p["manager"] = "7000" if n % 2 else "p01@plant.example"
        people[nick] = p
    people["p05"]["accountEnabled"] = "false"
    return people


class World:
    """What the test believes to be true: people, who is in scope, and what accounts must say then."""

    def __init__(self):
        self.usher = Usher(f"{T}/data")
        self.scim = Scim(BASE, TOKEN)
        self.people = make_people()
        self.groups = {
            "Service Team": ["p00", "p02", "p03", "p04", "p05", "p06"],
            "Fitters": ["p10", "p11", "p12", "p13"],
            "Nobody's business": ["p20", "p21"],
        }
        self.assigned_groups = set()
        self.assigned = set()
        self.accounts = {}  # nick -> account as it must be
        self.foreign = {}  # accounts that are not usher's

    def ref(self, text):
        """Who a manager cell means."""
        for nick, p in self.people.items():
            if text and text in (p["userPrincipalName"], p["employeeId"]):
                return nick
        return None

    def in_scope(self, nick):
        by_group = any(nick in self.groups[g] for g in self.assigned_groups)
        return nick in self.people and self.people[nick]["accountEnabled"] == "true" and (nick in self.assigned or by_group)

    def expect(self):
        """Carries what a cycle must do into self.accounts."""
        for nick, p in self.people.items():
            if self.in_scope(nick):
                account = self.accounts.setdefault(nick, {})
                # What is empty in the source is not sent, and not cleared where it stands; another
                # case alone is no difference.
                account.update({DIRECT[name]: p[name] for name in DIRECT
                                if p[name] and p[name].lower() != account.get(DIRECT[name], "").lower()})
                account["name.formatted"] = f"{p['givenName']} {p['surname']}"
                account["active"] = True
                account["manager"] = self.ref(p["manager"])
            elif nick in self.accounts:
                self.accounts[nick]["active"] = False
        for account in self.accounts.values():
            if account["manager"] not in self.accounts:
                account["manager"] = None

    def compare(self):
        self.expect()
        users = self.scim.users()
        nick_of = {u["id"]: n.split("@")[0].lower() for n, u in users.items()}
        names = {a["userName"] for a in self.accounts.values()} | set(self.foreign)
        check_eq("user names in the application", sorted(names), sorted(users))
        for nick, account in self.accounts.items():
            check_eq(f"account of {nick}", account, flat(users[account["userName"]], nick_of))
        for name, user in self.foreign.items():
            check_eq(f"account '{name}', which is not usher's", user, users[name])
        self.compare_groups(nick_of)

    def compare_groups(self, nick_of):
        groups = self.scim.groups()
        check_eq("groups in the application", sorted(self.assigned_groups), sorted(groups))
        ids = {g["displayName"]: g["objectId"] for g in self.usher.json("group", "list", "--limit", "100")}
        for name in self.assigned_groups:
            # Members who leave scope stay members of their group: they are disabled, not removed.
            members = sorted(n for n in self.groups[name] if n in self.accounts)
            check_eq(f"members of {name}", members, sorted(nick_of[m["value"]] for m in groups[name].get("members", [])))
            check_eq(f"externalId of {name}", ids[name], groups[name].get("externalId"))

    def settle(self, what, **counts):
        """One cycle, then everything is as it must be, and nothing is left to do."""
        step(what)
        self.usher.cycle(APP, failed=0, **counts)
        self.compare()
        self.usher.nothing_left(APP)

    def asked(self, what, holds):
        """What the application was asked since the last time, as METHOD kind -> number, where that can be known."""
        if LOG:
            counts = self.requests()
            check(f"{what}: {counts}", holds(counts))

    def requests(self):
        request = urllib.request.Request(LOG)
        request.add_header("Authorization", f"Bearer {TOKEN}")
        counts = {}
        with urllib.request.urlopen(request, timeout=60) as answer:
            for line in answer.read().decode().splitlines():
                method, path = line.split(" ")
                key = f"{method} {path.split('/')[1]}"
                counts[key] = counts.get(key, 0) + 1
        return counts

    def upn(self, nick):
        return self.people[nick]["userPrincipalName"]

    def import_people(self, nicks):
        path = f"{T}/people.csv"
        with open(path, "w", encoding="utf-8", newline="") as out:
            rows = csv.DictWriter(out, COLUMNS)
            rows.writeheader()
            rows.writerows(self.people[nick] for nick in nicks)
        self.usher.run("import", path)

    def import_groups(self):
        path = f"{T}/groups.json"
        groups = [{"displayName": g, "members": [self.upn(n) for n in m]} for g, m in self.groups.items()]
        with open(path, "w", encoding="utf-8") as out:
            json.dump({"groups": groups}, out)
        self.usher.run("import", path)

    def set(self, nick, **values):
        """usher user set; the test's own idea changes with it."""
        upn = self.upn(nick)
        self.people[nick].update(values)
        self.usher.run("user", "set", upn, *[f"{k}={v}" for k, v in values.items()])


def flat(user, nick_of):
    """An account as the names of DIRECT have it, without what is absent."""
    account = {name: user.get(name) for name in ("userName", "displayName", "title", "preferredLanguage", "externalId")}
    account.update({f"name.{k}": v for k, v in user.get("name", {}).items()})
    account["emails.work"] = one(user, "emails", type="work").get("value")
    address = one(user, "addresses", type="work")
    account.update({f"addresses.work.{k}": v for k, v in address.items() if k not in ("type", "primary")})
    for kind in ("work", "mobile", "fax"):
        account[f"phoneNumbers.{kind}"] = one(user, "phoneNumbers", type=kind).get("value")
    extension = user.get(ENTERPRISE, {})
    for name in ("employeeNumber", "department"):
        account[f"enterprise.{name}"] = extension.get(name)
    account = {k: v for k, v in account.items() if v is not None}
    account["active"] = user.get("active")
    account["manager"] = nick_of.get(extension.get("manager", {}).get("value"))
    return account


def post(w, user):
    body = json.dumps({"schemas": [CORE], **user}).encode()
    request = urllib.request.Request(BASE + "/Users", data=body, method="POST")
    request.add_header("Authorization", f"Bearer {TOKEN}")
    request.add_header("Content-Type", "application/scim+json")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def first_cycle(w):
    step("people and groups come in")
    w.import_people(w.people)
    w.import_groups()
    # One account of somebody else, and one of p02, made by hand before usher came.
    w.foreign["admin@plant.example"] = post(w, {"userName": "admin@plant.example", "displayName": "Admin"})
    by_hand = post(w, {"userName": "P02@plant.example", "displayName": "made by hand", "title": "Fitter"})
    w.usher.run("app", "add", "scim", "--name", APP, "--url", BASE, "--token", "-", stdin=TOKEN + "\n")
    w.usher.run("app", "set", APP, "--setting", "client.bulk=off")  # the requests are counted below
    for nick in ["p01", "p07", "p08", "p09"]:
        w.assigned.add(nick)
        w.usher.run("assignment", "add", APP, w.upn(nick))
    w.assigned_groups.add("Service Team")
    w.usher.run("assignment", "add", APP, "Service Team")
    w.accounts["p02"] = {"userName": by_hand["userName"]}
    w.asked("set up", lambda counts: True)
    # 9 people and the group; p05 is disabled and gets no account. p02 is found by its userName.
    plan = w.usher.json("plan", APP)
    check_eq("planned", 10, plan["counts"]["createOrMatch"])
    w.asked("requests of a plan", lambda counts: counts == {})
    w.settle("initial cycle", created=9, matched=1)
    check_eq("id of the account made by hand", by_hand["id"], w.scim.users()[by_hand["userName"]]["id"])
    w.asked("creations asked for", lambda counts: (counts["POST Users"], counts["POST Groups"]) == (8, 1))
    w.usher.cycle(APP)
    w.asked("requests of a cycle without changes", lambda counts: counts == {"GET Users": 1, "GET Groups": 1})


def changes(w):
    w.set("p00", displayName="Ada King", surname="King", department="Research")
    w.set("p07", mail="seven@mail.example", mobile="+45 77777777", city="København")  # had none of these
    w.set("p08", jobTitle="")  # cleared in the source: stays in the application
    w.people["p09"].update(telephoneNumber="+45 99 99 99 99", department='R & D "North"')
    w.import_people(["p09", "p23"])
    w.asked("changes", lambda counts: True)
    w.settle("changed attributes", updated=3)
    # scimmy refuses to add to an element that is not there (noTarget); p07 and p09 are sent once more.
    w.asked("requests of three changes", lambda counts: 3 <= counts["PATCH Users"] <= 5 and "POST Users" not in counts)
    w.people["p03"]["userPrincipalName"] = "p03@renamed.example"
    w.usher.run("user", "set", "p03@plant.example", "userPrincipalName=p03@renamed.example")
    w.settle("changed userName", updated=1, created=0)
    # Every attribute at once, of somebody who had all of them and of somebody who had few.
    for nick in ("p00", "p01"):
        w.people[nick].update({name: f"{name} of {nick}" for name in COLUMNS if name in DIRECT and name not in KEPT})
        w.people[nick].update(mail=f"{nick}.new@mail.example", preferredLanguage="sv-SE", employeeId=f"E-{nick}")
    w.people["p04"]["manager"] = w.people["p02"]["manager"] = ""
    for nick in [n for n in w.people if w.people[n]["manager"] == "7000"]:
        w.people[nick]["manager"] = "E-p00"
    w.import_people(w.people)
    w.settle("every attribute changed")


def leaving(w):
    w.set("p00", accountEnabled="false", department="Unseen while disabled")
    w.assigned.discard("p08")
    w.usher.run("assignment", "remove", APP, w.upn("p08"))
    w.settle("disabled in the directory, and unassigned", disabled=2)
    w.set("p00", accountEnabled="true")
    w.assigned.add("p08")
    w.usher.run("assignment", "add", APP, w.upn("p08"))
    w.settle("back again")
    check_eq("department that changed meanwhile", "Unseen while disabled", w.accounts["p00"]["enterprise.department"])

    upn = w.upn("p04")
    gone = w.people.pop("p04")
    w.accounts["p04"]["active"] = False
    w.usher.run("user", "remove", upn)
    w.settle("in the recycle bin", disabled=1)
    w.people["p04"] = gone
    w.usher.run("user", "restore", upn)
    w.settle("restored", created=0)

    w.usher.run("user", "remove", w.upn("p06"))
    w.usher.run("user", "remove", w.upn("p06"), "--permanently")
    w.people.pop("p06")
    w.accounts.pop("p06")
    w.groups["Service Team"].remove("p06")
    w.settle("gone for good", deleted=1)


def groups(w):
    w.assigned_groups.add("Fitters")
    w.usher.run("assignment", "add", APP, "Fitters")
    w.settle("a second group", created=5)
    w.usher.run("group", "set", "Fitters", "displayName=Fitters & Co")
    w.groups["Fitters & Co"] = w.groups.pop("Fitters")
    w.assigned_groups = {"Service Team", "Fitters & Co"}
    w.settle("group renamed")
    # p07 has an account already, p14 gets one with it; p10 leaves the group and with it the scope.
    w.groups["Fitters & Co"] = ["p07", "p11", "p12", "p13", "p14"]
    w.import_groups()
    w.settle("members added and removed", created=1, disabled=1)
    w.assigned_groups.discard("Fitters & Co")
    w.usher.run("assignment", "remove", APP, "Fitters & Co")
    w.settle("group unassigned", deleted=1, disabled=4)


def managers(w):
    w.set("p07", manager="p08@plant.example")
    w.settle("manager set")
    check_eq("manager of p07", "p08", w.accounts["p07"]["manager"])
    w.set("p07", manager="")
    w.settle("manager cleared")
    check_eq("manager of p07", None, w.accounts["p07"]["manager"])
    # p15 has no account until now; p01 points to p15 before that.
    w.set("p01", manager=w.upn("p15"))
    w.settle("manager without account")
    w.assigned.add("p15")
    w.usher.run("assignment", "add", APP, w.upn("p15"))
    w.settle("manager gets an account", created=1)
    check_eq("manager of p01", "p15", w.accounts["p01"]["manager"])


def restarts(w):
    before = {name: user["id"] for name, user in w.scim.users().items()}
    w.asked("before the restart", lambda counts: True)
    step("Full restart")
    w.usher.run("restart", APP, "--full")
    w.settle("initial cycle again", created=0)
    w.asked("a Full restart creates nothing", lambda counts: "POST Users" not in counts)
    check_eq("accounts before and after", before, {name: user["id"] for name, user in w.scim.users().items()})


w = World()
first_cycle(w)
changes(w)
leaving(w)
groups(w)
managers(w)
restarts(w)
done()
