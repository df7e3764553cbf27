"""What imitation.sh expects: each tenant has its switches, each application its settings."""

import json
import os
import time

from lib import T, Usher, check_eq, done, step
from life import STEPS, Directory, expected, seen

BASE = os.environ["BASE"]
ONLY = os.environ.get("ONLY")
vendor = Usher(f"{T}/vendor")


class Case:
    def __init__(self, name, switches=(), settings=(), disabled="inactive", deleted="gone", groups=True, again=False,
                 accept=False):
        self.name = name
        self.switches = switches
        self.settings = settings
        self.disabled = disabled  # what becomes of an account that is disabled
        self.deleted = deleted
        self.groups = groups
        self.again = again  # what fails is tried again
        self.accept = accept  # new users accept their invitation


CASES = [
    Case("nothing"),
    Case("linkedAttributes", ['linkedAttributes=[["userName","emails[type eq \\"work\\"].value"]]']),
    Case("seatLimit", ["seatLimit=3"]),
    Case("referenceLookup", ['referenceLookup=["title"]', 'lookupTable={"title":["Pilot","Chief","Nurse","Cook"]}']),
    Case("managers-looked-up",
         ['referenceLookup=["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"]']),
    Case("globalUnique", ['globalUnique=["externalId"]']),
    Case("separatorDot", ["separatorDot=on"]),
    Case("latency", ["latency=[1,15]"]),
    Case("cursorOnly", ["cursorOnly=on", "maxPage=1"]),
    Case("booleansAsText", ["booleansAsText=on"]),
    Case("managerAsText", ["managerAsText=on"]),
    Case("activationDelay", ["activationDelay=on"], accept=True),
    Case("dropAfterWrite", ["dropAfterWrite=2"], again=True),
    Case("dropped-bulks", ["dropAfterWrite=3"], again=True),
    Case("faults", ['faults=[{"every":3,"status":503,"method":"POST"},{"every":4,"status":500,"method":"PATCH"}]'], again=True),
    Case("rate", ['rate={"all":{"requests":40,"seconds":1,"burst":5}}'], again=True),
    Case("tokenDays", ["tokenDays=1", "singleToken=on", "tokenBoundToUser=on"]),
    Case("deleteRefused", ["deleteRefused=on"]),
    Case("wrongTotal", ["wrongTotal=-1000"]),
    Case("createStatus", ["createStatus=200"]),
    Case("noBody", ["noBody=on"], again=True),
    Case("no-id-anywhere", ["noBody=on", "noLocation=on"], again=True),
    Case("noMeta", ["noMeta=on", "etagUnsupported=on"]),
    Case("contentType", ["contentType=text/plain"]),
    Case("html", ["contentType=text/html"]),
    Case("notFoundForEmpty", ["notFoundForEmpty=on"], ["client.emptyIs404=true"]),
    Case("patch-405", ["patchUnsupported=405"]),
    Case("patch-501", ["patchUnsupported=501"]),
    Case("putUnsupported", ["putUnsupported=on"]),
    Case("bulkUnsupported", ["bulkUnsupported=on", "sortUnsupported=on"]),
    Case("small-pages", ["maxPage=1"]),
    Case("one-member", ["maxMembersPerPatch=1"], ["client.maxMembersPerPatch=1"]),
    Case("members-one-by-one", ["noReplaceMembers=on", "noRemoveAllMembers=on"]),
    Case("filters", ['filterOps=["eq"]', 'filterListed=["userName","displayName","externalId"]', "filterMaxNodes=1"]),
    Case("filterIgnored", ["filterIgnored=on"], ["client.scanWhenFilterIgnored=true"]),
    Case("idIsExternalId", ["idIsExternalId=on"]),
    Case("caseSensitiveEndpoints", ["caseSensitiveEndpoints=on", "requireUserAgent=on"]),
    Case("strict", ["lenient.all=off"]),
    Case("noDelete-disable", ["noDelete=disable"], deleted="inactive"),
    Case("noDelete-204", ["noDelete=204"], deleted="active"),
    Case("noDelete-405", ["noDelete=405"], ["client.deleteVia=active"], deleted="inactive"),
    Case("deleteOnDisable", ["deleteOnDisable=invited"], disabled="gone"),
    Case("groupsOff", ["groupsOff=on"], groups=False),
]


def add(usher, case):
    vendor.run("tenant", "add", "generic", case.name)
    key = vendor.json("key", "add", case.name, "--description", "e2e")["key"]
    pairs = [x for s in case.switches for x in ("--switch", s)]
    if pairs:
        vendor.run("tenant", "set", case.name, *pairs)
    url = f"{BASE}/scim/{case.name}/v2"
    usher.run("app", "add", "scim", "--name", case.name, "--url", url, "--token", key, "--scope", "all",
              "--no-test", *([] if case.groups else ["--no-groups"]))  # fmt: skip
    if case.settings:
        usher.run("app", "set", case.name, "--no-test", *[x for s in case.settings for x in ("--setting", s)])


def stored(tenant):
    lines = vendor.run("tenant", "export", tenant, "--format", "json").splitlines()
    return seen([json.loads(line) for line in lines])


def waiting(usher, case):
    return usher.json("retry", case.name, "--list")["objects"]


def cycle(usher, case):
    """Until nothing fails any more, where that may take several."""
    result = usher.json("start", case.name, "--wait")
    tries = 0
    while case.again and waiting(usher, case) and tries < 4:
        usher.json("retry", case.name, "--all", "--wait")
        tries += 1
    check_eq(f"{case.name}: state ({result['error']})", "Succeeded", result["state"])
    check_eq(f"{case.name}: what fails", [], waiting(usher, case))


def live(usher, directory, cases):
    for case in cases:
        add(usher, case)
    for name in STEPS:
        step(name)
        getattr(directory, name)()
        for case in cases:
            began = time.monotonic()
            cycle(usher, case)
            if time.monotonic() - began > 5:
                print(f"  {case.name}: {time.monotonic() - began:.1f} s", flush=True)
            for who in ("ada", "bob", "carl") if case.accept and name in ("begin", "change") else ():
                if (who, name) != ("carl", "begin"):
                    vendor.run("tenant", "mark", case.name, f"{who}@plant.test", "accepted")
            people, crew = stored(case.name)
            want, want_crew = expected(name, case.disabled, case.deleted)
            check_eq(f"{case.name}, {name}: people", want, people)
            if case.groups:
                check_eq(f"{case.name}, {name}: members", want_crew, crew)


if __name__ == "__main__":
    usher = Usher(f"{T}/data")
    live(usher, Directory(usher), [c for c in CASES if not ONLY or c.name == ONLY])
    done()
