"""What jostle.sh expects of usher's engine and its Jostle tenant."""

import json
import os
import subprocess
import time
import urllib.error
import urllib.request

from lib import T, Scim, Usher, check, check_eq, fail, one, step
from smtp_sink import Smtp

JOSTLE = "urn:ietf:params:scim:schemas:extension:jostle:2.0:User"
vendor = Usher(f"{T}/jostle")  # the application's side
usher = Usher(f"{T}/data")
url = f"{os.environ['BASE']}/scim/intranet/v2"


def says(side, *parts, args, code=1):
    run = subprocess.run(side.argv(*args), capture_output=True, text=True, timeout=120)
    said = run.stdout + run.stderr
    check_eq(f"exit code of {args}: {said}", code, run.returncode)
    for part in parts:
        check(f"{args}: '{part}' is not in: {said}", part in said)
    return said


def status_of(key, path="/Users", method="GET", body=None):
    request = urllib.request.Request(url + path, data=body and json.dumps(body).encode(), method=method)
    request.add_header("Authorization", f"Bearer {key}")
    request.add_header("Content-Type", "application/scim+json")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"{}")


def until(what, holds, seconds=30):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            fail(f"waited in vain until {what}")
        time.sleep(0.1)


step("the tenant: automation user, first sign-in, key shown once")
made = vendor.json("tenant", "add", "jostle", "intranet")
check_eq("base URL to copy", url, made["baseUrl"])
vendor.run("tenant", "automation-user", "add", "intranet", "azure-bot")
key = vendor.json("key", "add", "intranet", "--automation-user", "azure-bot", "--description", "Azure")
check_eq("key", ["automationUser", "description", "id", "key"], sorted(key))
token, key_id = key["key"], key["id"]
check_eq("before the first sign-in", (403, "automation user is not activated"),
         (status_of(token)[0], status_of(token)[1]["detail"]))  # fmt: skip
(user,) = vendor.json("tenant", "automation-user", "list", "intranet")
check_eq("its state", ("azure-bot", "notActivated", 1), (user["name"], user["state"], user["keys"]))
add = ("app", "add", "jostle", "--name", "Intranet", "--url", url, "--token", token)
said = says(usher, "403", args=add)
check(f"the reason is told: {said}", "not activated" in said)
vendor.run("tenant", "automation-user", "activate", "intranet", "azure-bot")
until("the key works", lambda: status_of(token)[0] == 200)
(listed,) = vendor.json("key", "list", "intranet")
check_eq("the list of keys", ("Azure", "azure-bot", True), (listed["description"], listed["automationUser"], listed["usable"]))
check("the key itself is not listed", token not in json.dumps(vendor.json("key", "list", "intranet")))

step("the application, with hints on its scope")
said = says(usher, "only assigned users and groups", "--notification-mail is optional", args=add, code=0)
check_eq("scope", "assigned", usher.json("app", "show", "Intranet")["scope"])

step("first cycle: assigned users, and members of assigned groups")
with open("people.csv", "w", encoding="utf-8") as out:
    out.write("userPrincipalName,displayName,givenName,surname,mail,accountEnabled\n")
    for name in ("ada", "bob", "cleo", "dora", "emil"):
        out.write(f"{name}@example.com,{name.title()},{name.title()},Example,{name}@example.com,true\n")
with open("groups.csv", "w", encoding="utf-8") as out:
    out.write("displayName,members\nCrew,cleo@example.com;dora@example.com\n")
usher.run("import", "people.csv")
usher.run("import", "groups.csv", "--type", "group")
usher.run("assignment", "add", "Intranet", "ada@example.com")
usher.run("assignment", "add", "Intranet", "Crew")
usher.cycle("Intranet")
accounts = Scim(url, token)
people = accounts.users()
check_eq("accounts", ["ada@example.com", "azure-bot", "cleo@example.com", "dora@example.com"], sorted(people))
ada = people["ada@example.com"]
check_eq("name", ("Ada", "Example"), (ada["name"]["givenName"], ada["name"]["familyName"]))
check_eq("work e-mail", "ada@example.com", one(ada, "emails", type="work").get("value"))
check_eq("there are no groups", 404, status_of(token, "/Groups")[0])
usher.nothing_left("Intranet")
check("the key was used", "lastUsed" in vendor.json("key", "list", "intranet")[0])

step("a member joins the group, another leaves")
with open("groups.csv", "w", encoding="utf-8") as out:
    out.write("displayName,members\nCrew,cleo@example.com;emil@example.com\n")
usher.run("import", "groups.csv", "--type", "group")
usher.cycle("Intranet")
people = accounts.users()
check_eq("emil has an account", True, people["emil@example.com"]["active"])
check_eq("dora's is disabled", False, people["dora@example.com"]["active"])

step("a person is disabled in the directory")
with open("people.csv", "w", encoding="utf-8") as out:
    out.write("userPrincipalName,accountEnabled\nada@example.com,false\n")
usher.run("import", "people.csv")
usher.cycle("Intranet")
check_eq("and in Jostle", False, accounts.users()["ada@example.com"]["active"])

step("/Me is the automation user")
code, me = status_of(token, "/Me")
check_eq("/Me", (200, "azure-bot"), (code, me["userName"]))

step("failed requests are told Jostle's administrators by mail")
sink = Smtp()
os.environ.update(USHER_SMTP_URL=f"smtp://127.0.0.1:{sink.port}", USHER_SMTP_FROM="jostle@example.com",
                  USHER_SMTP_TLS="none")  # fmt: skip
says(vendor, "is no mail address", args=("tenant", "set", "intranet", "--notification-mail", "nobody"))
vendor.run("tenant", "set", "intranet", "--notification-mail", "admin@example.com",
           "--switch", 'valuePattern={"name.givenName":"^[A-Z]"}')  # fmt: skip
until("the rule holds",
      lambda: status_of(token, "/Users", "POST", {"userName": "x", "name": {"givenName": "x"}})[0] == 400)  # fmt: skip
with open("people.csv", "w", encoding="utf-8") as out:
    out.write("userPrincipalName,givenName\ncleo@example.com,cleopatra\n")
usher.run("import", "people.csv")
says(usher, args=("start", "Intranet", "--wait"), code=0)
until("the failure is recorded",
      lambda: any(n["target"] == "cleo@example.com" for n in vendor.json("tenant", "notices", "intranet")))  # fmt: skip
notice = next(n for n in vendor.json("tenant", "notices", "intranet") if n["target"] == "cleo@example.com")
check_eq("notice", ("PATCH", "name.givenName", 400), (notice["method"], notice["attribute"], notice["status"]))
check_eq("no mail before the hour is over", 0, len(sink.messages))
vendor.run("notify", "flush")
check_eq("one mail", 1, len(sink.messages))
mail = sink.parsed()
check("subject", mail["Subject"].startswith("usher: intranet: "))
for part in ("cleo@example.com", "PATCH answered 400, name.givenName", "usher tenant notices intranet"):
    check(f"'{part}' is not in {mail.get_content()}", part in mail.get_content())
logged = json.dumps(usher.json("logs", "Intranet", "--status", "failure"))
check(f"the failing user is seen in usher as well: {logged}", "cleo" in logged.lower())
vendor.run("tenant", "set", "intranet", "--switch", "valuePattern=")
sink.stop()

step("provisioning is taken out of the subscription: a clear error, and quarantine that says why")
vendor.run("tenant", "set", "intranet", "--provisioning", "off")
until("it is off", lambda: status_of(token)[0] == 403)
code, error = status_of(token, "/Users", "POST", {"userName": "z"})
check_eq("a SCIM error", ("403", ["urn:ietf:params:scim:api:messages:2.0:Error"]), (error["status"], error["schemas"]))
check_eq("its words", "user provisioning is not part of this subscription", error["detail"])
says(usher, "not part of this subscription", args=("app", "test", "Intranet"))
subprocess.run(usher.argv("start", "Intranet", "--wait"), capture_output=True, timeout=120)
status = usher.json("status", "Intranet")
check_eq("state", "Quarantine", status["state"])
check(f"the words of quarantine: {status['quarantine']}",
      "not part of this subscription" in json.dumps(status["quarantine"]))  # fmt: skip
vendor.run("tenant", "set", "intranet", "--provisioning", "on")
until("it is on", lambda: status_of(token)[0] == 200)
usher.cycle("Intranet")
check_eq("out of quarantine", None, usher.json("status", "Intranet")["quarantine"])

step("the key is revoked, and the automation user is removed")
vendor.run("key", "revoke", "intranet", key_id)
until("it is refused", lambda: status_of(token)[0] == 401)
vendor.run("tenant", "automation-user", "remove", "intranet", "azure-bot")
check_eq("no automation users", [], vendor.json("tenant", "automation-user", "list", "intranet"))
