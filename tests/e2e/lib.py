"""For the parts of the end-to-end tests that compare data: usher as a command, a small SCIM client to
read accounts back with, and checks that say what differs. lib.sh puts USHER and T in the environment."""

import json
import os
import subprocess
import sys
import urllib.parse
import urllib.request

USHER = os.environ["USHER"]
T = os.environ["T"]
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

checks = 0


def step(text):
    print("-", text, flush=True)


def fail(text):
    print("FAILED:", text, file=sys.stderr, flush=True)
    sys.exit(1)


def check_eq(what, expected, actual):
    global checks
    checks += 1
    if expected == actual:
        return
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in sorted(set(expected) | set(actual), key=repr):
            if expected.get(key) != actual.get(key):
                fail(f"{what}: {key!r}: expected {expected.get(key)!r}, got {actual.get(key)!r}")
    fail(f"{what}: expected {expected!r}, got {actual!r}")


def check(what, holds):
    global checks
    checks += 1
    if not holds:
        fail(what)


class Usher:
    """usher on one data directory."""

    def __init__(self, data):
        self.data = data

    def argv(self, *args):
        return [USHER, "--data", self.data, *args]

    def run(self, *args, code=0, stdin=None):
        """Runs a command and returns its standard output; another exit code than expected fails."""
        done = subprocess.run(self.argv(*args), input=stdin, capture_output=True, text=True, timeout=300)
        if done.returncode != code:
            fail(f"usher {' '.join(args)}: exit code {done.returncode}, expected {code}\n{done.stdout}{done.stderr}")
        return done.stdout

    def run_any(self, *args):
        """The same whatever its exit code; standard output and error in one."""
        done = subprocess.run(self.argv(*args), capture_output=True, text=True, timeout=300)
        return done.stdout + done.stderr

    def json(self, *args, **options):
        text = self.run("--json", *args, **options)
        try:
            return json.loads(text)
        except ValueError as error:
            fail(f"usher --json {' '.join(args)}: {error}: {text!r}")

    def cycle(self, app, **want):
        """Runs the application's next cycle here; want: counts that it must report."""
        result = self.json("start", app, "--wait")
        check_eq(f"state of the {result['kind']} cycle ({result['error']})", "Succeeded", result["state"])
        for name, count in want.items():
            check_eq(f"{name} in the {result['kind']} cycle {result['counts']}", count, result["counts"][name])
        return result

    def nothing_left(self, app, **options):
        plan = self.json("plan", app)
        check_eq("rows of a plan that should be empty", [], plan["rows"])


class Scim:
    """Reads accounts back, over SCIM itself."""

    def __init__(self, base, token):
        self.base = base
        self.token = token

    def get(self, path, accept="application/scim+json"):
        request = urllib.request.Request(self.base + path)
        request.add_header("Authorization", f"Bearer {self.token}")
        request.add_header("Accept", accept)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def all(self, kind, count=500):
        """Every resource, page by page."""
        found = []
        while True:
            query = urllib.parse.urlencode({"startIndex": len(found) + 1, "count": count, "sortBy": "id"})
            page = json.loads(self.get(f"/{kind}?{query}"))
            found += page.get("Resources", [])
            if len(found) >= page["totalResults"] or not page.get("Resources"):
                check_eq(f"{kind} read page by page", page["totalResults"], len(found))
                return found

    def users(self):
        """By userName, which none may have twice."""
        return unique(self.all("Users"), "userName")

    def groups(self):
        return unique(self.all("Groups"), "displayName")


def unique(resources, name):
    found = {}
    for resource in resources:
        if resource[name] in found:
            fail(f"two accounts have {name} {resource[name]!r}")
        found[resource[name]] = resource
    return found


def one(resource, name, **terms):
    """The one element of a multi-valued attribute that fits the terms, or {}."""
    fitting = [e for e in resource.get(name, []) if all(e.get(k) == v for k, v in terms.items())]
    if len(fitting) > 1:
        fail(f"{name} has two elements with {terms}: {resource.get(name)}")
    return fitting[0] if fitting else {}


def done():
    print(f"passed: {checks} checks", flush=True)
