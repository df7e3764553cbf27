"""What joynfsm.sh expects of usher's engine and its Joyn FSM tenant: whole lives, read back, and what is told."""

import json
import os

from lib import ENTERPRISE, T, Scim, Usher, check, check_eq, done, one, step
from life import STEPS, Directory, expected

JOYN = "urn:ietf:params:scim:schemas:extension:joynfsm:2.0:User"
vendor = Usher(f"{T}/vendor")
usher = Usher(f"{T}/data")
directory = Directory(usher)
url = f"{os.environ['BASE']}/scim/crew/v2"


def stored():
    """name -> (displayName, familyName, department, active)"""
    out = {}
    for line in vendor.run("tenant", "export", "crew", "--format", "json").splitlines():
        user = json.loads(line)
        name = user["userName"].split("@")[0]
        check_eq(f"work e-mail of {name}", user["userName"], one(user, "emails", type="work")["value"])
        check_eq(f"what of the enterprise extension {name} has", ["department"], sorted(user[ENTERPRISE]))
        out[name] = (user["displayName"], user["name"]["familyName"], user[ENTERPRISE]["department"], user["active"])
    return out


step("tenant URL and secret token are handed over")
made = vendor.json("tenant", "add", "joynfsm", "crew")
check_eq("tenant URL", url, made["baseUrl"])
key = vendor.json("key", "add", "crew", "--description", "usher")["key"]
usher.run("app", "add", "joynfsm", "--name", "Joyn", "--url", url, "--token", "wrong", code=1)
usher.run("app", "add", "joynfsm", "--name", "Joyn", "--url", url, "--token", key)
check_eq("scope", "assigned", usher.json("app", "show", "Joyn")["scope"])
usher.run("app", "set", "Joyn", "--scope", "all")

for name in STEPS:
    step(name)
    getattr(directory, name)()
    usher.cycle("Joyn", failed=0)
    want, _ = expected(name)
    check_eq(f"{name}: accounts", {k: (v[0], v[1], v[2], v[5]) for k, v in want.items()}, stored())
    usher.nothing_left("Joyn")

step("a person without a work e-mail: refused, and told with the attribute")
with open("people.csv", "w", encoding="utf-8") as out:
    out.write("userPrincipalName,displayName,mailNickname\ndora@plant.test,Dora,dora\n")
usher.run("import", "people.csv")
usher.json("start", "Joyn", "--wait")
logged = json.dumps(usher.json("logs", "Joyn", "--status", "failure"))
for part in ("MissingValues", "dora", "emails[type eq"):
    check(f"'{part}' is not in {logged}", part in logged)
check("nobody was made", "dora" not in stored())
with open("people.csv", "w", encoding="utf-8") as out:
    out.write("userPrincipalName,mail,department\ndora@plant.test,dora@plant.test,Labs\n")
usher.run("import", "people.csv")
usher.json("start", "Joyn", "--wait")
check("it is mended in the directory", "dora@plant.test" in Scim(url, key).users())

step("only userName can be filtered: that is what usher asks")
vendor.run("tenant", "set", "crew", "--switch", 'filterListed=["userName"]')
usher.run("app", "test", "Joyn")
usher.nothing_left("Joyn")
done()
