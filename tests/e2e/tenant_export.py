"""What tenant_export.sh expects of the CSV of a tenant."""

import csv
import io
import json
import sys
import urllib.request

from lib import ENTERPRISE, T, Usher, check, check_eq, done, step

BASE, KEY = sys.argv[1:]
usher = Usher(f"{T}/data")


def create(kind, body):
    request = urllib.request.Request(f"{BASE}/scim/plant/v2/{kind}", json.dumps(body).encode(), method="POST",
                                     headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/scim+json"})  # fmt: skip
    return json.load(urllib.request.urlopen(request))["id"]


def export(*args):
    return list(csv.DictReader(io.StringIO(usher.run("tenant", "export", "plant", "--format", "csv", *args), newline="")))


ada = create("Users", {
    "userName": "ada@contoso.test", "displayName": 'Ada "Countess", Lovelace', "name": {"givenName": "Ada", "familyName": "Lovelace"},
    "title": "=1+1", "locale": "en-GB", "roles": ["admin", "poet"],
    "emails": [{"type": "work", "value": "ada@contoso.test", "primary": True}, {"type": "home", "value": "ada@home.test"}],
    "phoneNumbers": [{"type": "mobile", "value": "+44 1"}, {"type": "work", "value": "2;3"}],
    "addresses": [{"type": "work", "locality": "London", "streetAddress": "St James's Square 12\nLondon"}],
    ENTERPRISE: {"department": "Engines", "employeeNumber": "1815"},
})  # fmt: skip
bob = create("Users", {"userName": "bob@contoso.test", "displayName": "Bob", "active": False,
                       ENTERPRISE: {"manager": {"value": ada}}})  # fmt: skip
crew = create("Groups", {"displayName": "Crew", "members": [{"value": ada}, {"value": bob}]})

step("the usual columns")
rows = export()
check_eq("users", ["ada@contoso.test", "bob@contoso.test"], [r["userName"] for r in rows])
check_eq("a formula is a text", ("'=1+1", "'+44 1"), (rows[0]["title"], rows[0]['phoneNumbers[type eq "mobile"].value']))
check_eq("as it is", "=1+1", export("--plain")[0]["title"])
check_eq("active", ["true", "false"], [r["active"] for r in rows])

step("chosen columns")
rows = export("--columns", 'userName, emails, EMAILS[type eq "home"].value,phoneNumbers.value,phoneNumbers[type eq "work"].value,'
                           f"roles,{ENTERPRISE}:manager.value,department,addresses", "--plain")  # fmt: skip
check_eq("all values, one value", ("ada@contoso.test;ada@home.test", "ada@home.test", "admin;poet"),
         (rows[0]["emails"], rows[0]['EMAILS[type eq "home"].value'], rows[0]["roles"]))  # fmt: skip
check_eq("a semicolon in a value", ('["+44 1","2;3"]', "2;3"),
         (rows[0]["phoneNumbers.value"], rows[0]['phoneNumbers[type eq "work"].value']))  # fmt: skip
check_eq("manager, and a name without its URI", (ada, "Engines"), (rows[1][f"{ENTERPRISE}:manager.value"], rows[0]["department"]))
check_eq("what has no value of its own", "London", json.loads(rows[0]["addresses"])["locality"])
check_eq("nothing", "", rows[1]["emails"])

step("all columns")
rows = export("--columns", "all", "--plain")
check("no password", not any("password" in name for name in rows[0]))
for name, value in {
    "id": ada, "name.familyName": "Lovelace", "locale": "en-GB", 'emails[type eq "home"].value': "ada@home.test",
    'addresses[type eq "work"].locality': "London", f"{ENTERPRISE}:employeeNumber": "1815", "title": "=1+1",
    "displayName": 'Ada "Countess", Lovelace', 'addresses[type eq "work"].streetAddress': "St James's Square 12\nLondon",
    "groups": crew,
}.items():  # fmt: skip
    check_eq(name, value, rows[0][name])
listed = [json.loads(line) for line in usher.run("tenant", "export", "plant").splitlines()]
check_eq("JSON has everybody", 3, len(listed))

step("groups")
check_eq("members", [{"id": crew, "displayName": "Crew", "externalId": "", "members": ";".join(sorted((ada, bob)))}],
         [r | {"members": ";".join(sorted(r["members"].split(";")))} for r in export("--groups")])  # fmt: skip
check_eq("of their schema", {ada, bob}, set(export("--groups", "--columns", "all")[0]["members"].split(";")))

step("mistakes")
for args, code in ((("--columns", "shoes"), 1), (("--columns", 'emails[type co "w"].value'), 1), (("--columns", "a["), 1),
                   (("--columns", ","), 1), (("--groups", "--columns", "userName"), 1)):  # fmt: skip
    usher.run("tenant", "export", "plant", "--format", "csv", *args, code=code)
usher.run("tenant", "export", "plant", "--columns", "id", code=2)
usher.run("tenant", "export", "nowhere", "--format", "csv", code=1)

step("into a directory, and what is there is what was here")
text = usher.run("tenant", "export", "plant", "--format", "csv", "--plain", "--columns",
                 'userName,displayName,name.givenName,name.familyName,title,emails[type eq "work"].value,department')  # fmt: skip
with open("users.csv", "w", encoding="utf-8", newline="") as out:
    out.write(text)
other = Usher(f"{T}/other")
other.run("import", "users.csv", "--map", "userName=userPrincipalName", "--map", "name.givenName=givenName", "--map",
          "name.familyName=surname", "--map", "title=jobTitle", "--map", 'emails[type eq "work"].value=mail')  # fmt: skip
person = other.json("user", "show", "ada@contoso.test")
check_eq("person", ('Ada "Countess", Lovelace', "Ada", "Lovelace", "=1+1", "ada@contoso.test", "Engines"),
         tuple(person.get(n, person.get("attributes", {}).get(n)) for n in
               ("displayName", "givenName", "surname", "jobTitle", "mail", "department")))  # fmt: skip
done()
