"""See log_stream.sh: URL KEY."""

import json
import subprocess
import sys
import time

from lib import T, Usher, check, check_eq, done, fail, step
from smtp_sink import Webhook

SECRET = "0123456789abcdef0123456789abcdef"
usher = Usher(f"{T}/data")
hook = Webhook(SECRET)
FILE = f"{T}/log.jsonl"


def people(first, count):
    path = f"{T}/people.csv"
    with open(path, "w", encoding="utf-8") as out:
        out.write("userPrincipalName,displayName,givenName,surname,mail\n")
        for n in range(first, first + count):
            name = f"p{n:04d}@example.com"
            out.write(f"{name},Person {n},Person,{n},{name}\n")
    usher.run("import", path)


def serve():
    return subprocess.Popen(usher.argv("serve", "--listen", "127.0.0.1:0", "--role", "engine"),
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def taken():
    """Ids of the records in the order in which the receiver has taken them."""
    ids = []
    for i, (_, body) in enumerate(hook.got):
        hook.verify(i)
        if i not in refused:
            ids += [r["id"] for r in json.loads(body)["records"]]
    return ids


def recorded():
    return [r["id"] for r in reversed(usher.json("logs", "Plant", "--limit", "10000"))]


def wait_until(what, holds):
    end = time.monotonic() + 60
    while not holds():
        if time.monotonic() > end:
            fail(f"waited in vain until {what}")
        time.sleep(0.1)


def once(ids):
    """Without repetitions: a record may come more than once, its first time is in order."""
    return list(dict.fromkeys(ids))


step("nobody listens to what was before")
people(0, 30)
usher.run("app", "add", "joynfsm", "--name", "Plant", "--url", sys.argv[1], "--token", sys.argv[2], "--scope", "all")
usher.run("start", "Plant", "--wait")
usher.run("app", "set", "Plant", "--webhook-secret", "-", stdin=SECRET + "\n")
usher.run("app", "set", "Plant", "--setting", f"journal.stream=http://127.0.0.1:{hook.port}/geheim")
before = len(recorded())
refused = {0, 1}
hook.answers = [500, 302]

step("a receiver that refuses at first")
service = serve()
people(30, 250)
wait_until("the log is there", lambda: len(recorded()) == before + 250 and once(taken()) == recorded()[before:])
check_eq("job", "Plant", hook.json()["job"]["name"])
status = usher.json("status", "Plant")["logStream"]
check_eq("status", (0, ""), (status["failures"], status["error"]))
check("the address may be a secret", "geheim" not in usher.run("audit", "list"))

step("killed again and again")
for n in range(4):
    people(1000 + n * 100, 100)
    time.sleep(0.3 + 0.4 * n)
    service.kill()
    service.wait()
    service = serve()
wait_until("nothing is missing", lambda: len(recorded()) == before + 650 and once(taken()) == recorded()[before:])

step("to a file from now on, which is moved away meanwhile")
usher.run("app", "set", "Plant", "--setting", f"journal.stream=file:{FILE}")
people(2000, 5)


def lines(path):
    try:
        with open(path, encoding="utf-8") as f:
            return [json.loads(line)["id"] for line in f]
    except FileNotFoundError:
        return []


wait_until("five lines", lambda: len(lines(FILE)) == 5)
subprocess.run(["mv", FILE, FILE + ".1"], check=True)
people(2005, 5)
wait_until("five more", lambda: len(lines(FILE)) == 5)
check_eq("both files", recorded()[-10:], lines(FILE + ".1") + lines(FILE))

step("no longer")
usher.run("app", "set", "Plant", "--setting", "journal.stream=")
people(3000, 5)
wait_until("they are recorded", lambda: len(recorded()) == before + 665)
time.sleep(1.5)
check_eq("nothing is sent", 5, len(lines(FILE)))
check_eq("status", None, usher.json("status", "Plant")["logStream"])
service.terminate()
check_eq("exit code", 0, service.wait())
done()
