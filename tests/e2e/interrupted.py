"""Ctrl-C while an application is asked: a probe removes what it has made, whenever it comes; a discovery says that it
is not complete and leaves no file."""

import os
import signal
import subprocess
import time

from faulty_server import Answer, Handler, Mode, error, serve
from lib import T, Usher, check, check_eq, done, step


class Slow(Mode):
    """Every answer takes a while."""

    def handle(self, method, path, query, body, headers):
        time.sleep(0.02)
        return super().handle(method, path, query, body, headers)


class Endless(Mode):
    """There is always another page."""

    def list(self, kind, query):
        if "filter" in query:
            return super().list(kind, query)
        time.sleep(0.02)
        at = int(query.get("startIndex", 1))
        page = [{"id": f"E{at + n}", "userName": f"e{at + n}"} for n in range(int(query.get("count", 100)))]
        return self.page(page, 10_000_000, at)


class FailsToRemove(Slow):
    def delete(self, kind, one, body, headers):
        return error(405)


class LosesAnswers(Mode):
    """An account is made, and the answer lost."""

    def created(self, kind, one):
        return Answer(0, raw=b"")


def begin(usher, *args):
    return subprocess.Popen(usher.argv(*args), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def probed(mode):
    return [r for r in mode.everything() if "usher-probe" in str(r)]


def interrupt_after(usher, mode, writes):
    """A probe that gets SIGINT when so many writes were seen."""
    before = len(mode.seen)
    probe = begin(usher, "app", "probe", mode.name, "--write", "--save", f"{T}/profile.json")
    while probe.poll() is None and sum(s[0] != "GET" for s in mode.seen[before:]) < writes:
        time.sleep(0.002)
    probe.send_signal(signal.SIGINT)
    out = probe.communicate(timeout=60)[0]
    return probe.returncode, out


port = serve()
Handler.modes = {m.__name__: m(m.__name__) for m in (Slow, Endless, FailsToRemove, LosesAnswers)}
usher = Usher(f"{T}/data")
with open(f"{T}/people.csv", "w", encoding="utf-8") as out:
    out.write("userPrincipalName,displayName\nada@plant.test,Ada\n")
usher.run("import", f"{T}/people.csv")
for name in Handler.modes:
    usher.run("app", "add", "scim", "--name", name, "--url", f"http://127.0.0.1:{port}/{name}", "--token", "t", "--no-test")

step("a probe, wherever it is")
slow = Handler.modes["Slow"]
for writes in (1, 2, 4, 7, 11, 16, 20):
    code, out = interrupt_after(usher, slow, writes)
    check_eq(f"exit code after {writes} writes: {out}", 1, code)
    check(f"what it says: {out}", "stopped: what was made is removed" in out)
    check_eq(f"left after {writes} writes", [], probed(slow))
    check("a profile of half of it", not os.path.exists(f"{T}/profile.json"))

step("what cannot be removed is told")
stays = Handler.modes["FailsToRemove"]
code, out = interrupt_after(usher, stays, 3)
check_eq("exit code", 1, code)
check(f"what it says: {out}", "could not be removed: /Users/U1" in out)

step("a creation whose answer was lost")
lost = Handler.modes["LosesAnswers"]
usher.run("app", "probe", "LosesAnswers", "--write")
check_eq("left", [], probed(lost))

step("a discovery")
discovery = begin(usher, "discover", "Endless", "--export", f"{T}/all.csv")
while len(Handler.modes["Endless"].seen) < 10:
    time.sleep(0.01)
discovery.send_signal(signal.SIGINT)
out = discovery.communicate(timeout=60)[0]
check_eq(f"exit code: {out}", 1, discovery.returncode)
check(f"what it says: {out}", "could not be read to its end" in out)
check("a file of some of them", not os.path.exists(f"{T}/all.csv"))
done()
