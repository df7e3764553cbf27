"""See database_lost.sh: URL KEY.  DOWN_S=N lets the database be away for longer."""

import json
import os
import signal
import subprocess
import sys
import time

from lib import T, Scim, Usher, check, check_eq, done, fail, step
from postgres import OnPostgres, Postgres

APP = "Plant"
PEOPLE = 600
DOWN_S = float(os.environ.get("DOWN_S") or 3)


def within(seconds, what, holds):
    end = time.monotonic() + seconds
    while not (result := holds()):
        if time.monotonic() > end:
            fail(f"not within {seconds} s: {what}")
        time.sleep(0.05)
    return result


def write_people(path, count):
    with open(path, "w", encoding="utf-8") as out:
        out.write("userPrincipalName,displayName,givenName,surname,mail\n")
        for n in range(count):
            out.write(f"p{n:04d}@plant.example,Person {n},Person,{n},p{n:04d}@plant.example\n")
    return path


def count(scim):
    return json.loads(scim.get("/Users?count=0"))["totalResults"]


def check_whole(usher, scim, people):
    users = scim.users()  # refuses two of a name
    check_eq("accounts", [f"p{n:04d}@plant.example" for n in range(people)], sorted(users))
    check_eq("connected people", people, usher.json("status", APP)["counts"]["users"])
    records = usher.json("logs", APP, "--limit", "10000")
    told = [r["sourceIdentity"]["id"] for r in records if r["provisioningStatusInfo"]["status"] == "success"
            and r["provisioningAction"] in ("create", "update", "other")]
    check_eq("people with a success in the log", people, len(set(told)))
    created = [r["sourceIdentity"]["id"] for r in records if r["provisioningAction"] == "create"
               and r["provisioningStatusInfo"]["status"] == "success"]
    check_eq("people recorded as created twice", len(set(created)), len(created))
    numbers = sorted(int(r["id"].rsplit("-", 1)[1], 16) for r in records)
    check_eq("numbers in the log", list(range(1, len(records) + 1)), numbers)
    usher.nothing_left(APP)


def killed_under_a_command(usher, postgres, scim):
    step("the database is killed under a cycle: the command says so, and the next one goes on")
    kills = 0
    while True:
        before = count(scim)
        cycle = subprocess.Popen(usher.argv("start", APP, "--wait"), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 text=True)
        if kills == 3:
            out, err = cycle.communicate(timeout=120)
            check_eq(f"exit code of the last one: {out}{err}", 0, cycle.returncode)
            break
        within(30, "accounts are created", lambda: count(scim) > before + 20 or cycle.poll() is not None)
        if cycle.poll() is not None:
            fail(f"the cycle ended before it was disturbed: {cycle.communicate()}")
        postgres.kill()
        out, err = cycle.communicate(timeout=60)
        check_eq(f"exit code without a database: {out}{err}", 1, cycle.returncode)
        check(f"what is wrong is not said: {err}", "PostgreSQL" in err)
        postgres.start()
        s = usher.json("status", APP)
        check(f"state {s['state']} after a lost database", s["state"] in ("NotRun", "Active"))
        check_eq("quarantine", None, s["quarantine"])
        check_eq("objects that wait for a retry", 0, s["counts"]["retries"])
        kills += 1
    check_whole(usher, scim, PEOPLE)


def lost_under_the_service(usher, postgres, scim):
    step("the database is gone under the service: it goes on by itself")
    with open(f"{T}/service.log", "w", encoding="utf-8") as log:
        service = subprocess.Popen(usher.argv("serve", "--listen", "127.0.0.1:0", "--role", "engine"), stdout=log,
                                   stderr=log)
    try:
        for people, lose, back in ((PEOPLE * 2, postgres.kill, postgres.start), (PEOPLE * 3, postgres.halt, postgres.go_on)):
            before = count(scim)
            usher.run("import", write_people(f"{T}/people.csv", people))
            within(30, "the service has begun", lambda: count(scim) > before + 20)
            check("the cycle was too fast to be disturbed", count(scim) < people)
            lose()
            time.sleep(DOWN_S)
            check_eq("the service has ended", None, service.poll())
            with open(f"{T}/service.log", encoding="utf-8") as log:
                check("the service does not say what is wrong", lose != postgres.kill or "PostgreSQL" in log.read())
            back()
            within(120, "everybody has an account", lambda: count(scim) >= people)
            within(60, "and is connected", lambda: usher.json("status", APP)["counts"]["users"] == people
                   and not usher.json("status", APP)["running"])
            check_eq("quarantine", None, usher.json("status", APP)["quarantine"])
            check_whole(usher, scim, people)
    finally:
        service.send_signal(signal.SIGTERM)
        code = service.wait(timeout=60)
    check_eq("exit code of the service", 0, code)


def main():
    url, key = sys.argv[1:]
    scim = Scim(url, key)
    postgres = Postgres()
    try:
        usher = OnPostgres(f"{T}/data", postgres.url)
        usher.run("import", write_people(f"{T}/people.csv", PEOPLE))
        usher.run("app", "add", "joynfsm", "--name", APP, "--url", url, "--token", key, "--scope", "all")
        usher.run("app", "set", APP, "--setting", "client.rate=60", "--setting", "client.bulk=off")
        killed_under_a_command(usher, postgres, scim)
        lost_under_the_service(usher, postgres, scim)
        done()
    finally:
        postgres.remove()


main()
