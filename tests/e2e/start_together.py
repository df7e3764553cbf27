"""See start_together.sh: URL KEY.  ROUNDS=N makes it longer, SEED=N repeats its delays."""

import os
import random
import signal
import subprocess
import sys
import time

from lib import T, Scim, Usher, check, check_eq, done, step
from postgres import OnPostgres, Postgres

APP = "Plant"
ROUNDS = int(os.environ.get("ROUNDS") or 12)
SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
EACH = 15  # people a round


def write_people(domain, count):
    path = f"{T}/people.csv"
    with open(path, "w", encoding="utf-8") as out:
        out.write("userPrincipalName,displayName,givenName,surname,mail\n")
        for n in range(count):
            name = f"p{n:04d}@{domain}"
            out.write(f"{name},Person {n},Person,{n},{name}\n")
    return path


def starts(usher, rng, kill):
    """Two commands that start the cycle; with kill, one of them dies in the middle."""
    began = []
    for _ in range(2):
        began.append(subprocess.Popen(usher.argv("start", APP, "--wait"), stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, text=True))
        time.sleep(rng.choice([0, 0, rng.uniform(0, 0.2)]))
    if kill:
        time.sleep(rng.uniform(0, 0.4))
        rng.choice(began).kill()
    return [(p.communicate(timeout=90), p.returncode) for p in began]


def rounds(name, usher, scim, rng):
    domain = f"{name}.example"
    people = EACH
    waited = killed = 0
    usher.run("import", write_people(domain, people))
    usher.run("app", "add", "joynfsm", "--name", APP, "--url", sys.argv[1], "--token", sys.argv[2], "--scope", "all")
    usher.run("app", "set", APP, "--setting", "client.rate=100", "--setting", "client.bulk=off")
    for n in range(ROUNDS):
        kill = n % 4 == 3
        ended = starts(usher, rng, kill)
        codes = sorted(code for _, code in ended)
        if kill and codes[0] == -signal.SIGKILL:
            killed += 1
            check_eq(f"exit code of the other: {ended}", 0, codes[1])
        else:
            check_eq(f"exit codes: {ended}", [0, 0], codes)
        waited += any("another process" in out + err for (out, err), _ in ended)
        s = usher.json("status", APP)
        check_eq("connected people", people, s["counts"]["users"])
        check_eq("whether it runs", False, s["running"])
        check_eq("objects that wait for a retry", 0, s["counts"]["retries"])
        mine = sorted(u for u in scim.users() if u.endswith(domain))  # refuses two of a name
        check_eq("accounts", [f"p{i:04d}@{domain}" for i in range(people)], mine)
        people += EACH
        usher.run("import", write_people(domain, people))
    usher.run("start", APP, "--wait")
    records = usher.json("logs", APP, "--limit", "10000")
    created = [r["sourceIdentity"]["id"] for r in records if r["provisioningAction"] == "create"
               and r["provisioningStatusInfo"]["status"] == "success"]
    check_eq("people recorded as created twice", len(set(created)), len(created))
    print(f"  {name}: in {waited} of {ROUNDS} rounds one waited, {killed} were killed", flush=True)
    check(f"they came together in {waited} rounds only", waited >= ROUNDS // 3)


def main():
    scim = Scim(sys.argv[1], sys.argv[2])
    rng = random.Random(SEED)
    print(f"SEED={SEED}", flush=True)
    step("on SQLite")
    rounds("sqlite", Usher(f"{T}/data"), scim, rng)
    postgres = Postgres()
    try:
        step("on PostgreSQL")
        rounds("postgres", OnPostgres(f"{T}/data2", postgres.url), scim, rng)
    finally:
        postgres.remove()
    done()


main()
