"""A SCIM server that is wrong in one thing each, as its base URL says: /MUTANT stands in front of a tenant of usher's
provider, which is right, and spoils it. For scim_mutants.sh, which wants every check of `usher scim check` to fail for
one of them at least, and none that has nothing to do with it.

    scim_mutants.py UPSTREAM KEY        serves; prints "listening PORT" and the names of the mutants"""

import copy
import http.client
import http.server
import json
import re
import sys
import threading
import urllib.parse
import uuid

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


class Request:
    def __init__(self, method, path, query, headers, data):
        self.method, self.path, self.headers, self.data = method, path, headers, data
        self.query = urllib.parse.parse_qsl(query, keep_blank_values=True)
        self.raw_query = query
        try:
            self.body = json.loads(data) if data else None
        except ValueError:
            self.body = None
        self.kind = path.strip("/").split("/")[0]
        self.one = path.count("/") > 1 and not path.endswith("/.search")

    def get(self, name):
        return next((v for n, v in self.query if n == name), None)

    @property
    def filter(self):
        return self.get("filter") or ""

    def without(self, *names):
        self.query = [(n, v) for n, v in self.query if n not in names]

    def set(self, name, value):
        self.without(name)
        self.query.append((name, value))

    @property
    def operations(self):
        return (self.body or {}).get("Operations", []) if self.method == "PATCH" else []

    def is_(self, method, kind=None, one=None):
        return self.method == method and kind in (None, self.kind) and one in (None, self.one)

    def like(self, path, method="GET", **body):
        """Another request with the same credentials."""
        out = Request(method, path, "", self.headers, json.dumps(body).encode() if body else b"")
        return out


class Answer:
    def __init__(self, status, body=None, headers=None):
        self.status, self.json, self.headers = status, body, dict(headers or {})


def refused(status=400, kind="invalidValue"):
    return Answer(status, {"schemas": [ERROR], "status": str(status), "scimType": kind, "detail": "no"})


def empty():
    return Answer(200, {"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 0,
                        "startIndex": 1, "itemsPerPage": 0, "Resources": []})  # fmt: skip


MUTANTS = {}


class Mutant:
    """ask: before the request goes on; an Answer ends it. answer: what came of it, to be spoilt."""

    def ask(self, r):
        return None

    def answer(self, r, a):
        pass


def mutant(name, ask=None, answer=None):
    m = Mutant()
    if ask:
        m.ask = ask
    if answer:
        m.answer = answer
    assert name not in MUTANTS, name
    MUTANTS[name] = m


def refuse(name, when, status=400, kind="invalidValue"):
    mutant(name, ask=lambda r: refused(status, kind) if when(r) else None)


def accept(name, when):
    """What is refused is said to be done."""

    def answer(r, a):
        if a.status >= 400 and when(r, a):
            made = copy.deepcopy(r.body) if isinstance(r.body, dict) and r.method != "PATCH" else {}
            made.setdefault("id", str(uuid.uuid4()))
            a.status, a.json = (201 if r.method == "POST" else 200), made

    mutant(name, answer=answer)


def bend(name, when, how):
    """The JSON of an answer that is a success."""

    def answer(r, a):
        if a.status < 300 and a.json is not None and when(r, a):
            out = how(a.json)
            if isinstance(out, list):
                a.json = out

    mutant(name, answer=answer)


def ignore(name, *names, when=lambda r: True):
    """A parameter of the URL is not heeded."""
    mutant(name, ask=lambda r: r.without(*names) if when(r) else None)


def no_op(name, when):
    """An operation of a PATCH is said to be done and is not."""

    def ask(r):
        rest = [o for o in r.operations if not when(r, o)]
        if rest == r.operations:
            return None
        r.body["Operations"] = rest
        return None if rest else Answer(204)

    mutant(name, ask=ask)


def operation(name, when, how):
    """An operation is taken for another."""

    def ask(r):
        for o in r.operations:
            if when(r, o):
                how(o)

    mutant(name, ask=ask)


def path(o):
    return o.get("path") or ""


def resources(v):
    return v.get("Resources", []) if isinstance(v, dict) else []


def each(how):
    def run(v):
        for one in resources(v):
            how(one)

    return run


def drop(*names):
    def run(v):
        for name in names:
            v.pop(name, None)

    return run


def at(p):
    return lambda r, a=None: r.path == p


def users_or_groups(r, a=None):
    return r.kind in ("Users", "Groups")


def is_list(r, a=None):
    return r.method == "GET" and not r.one and users_or_groups(r)


# --- discovery ---
CONFIG, TYPES, SCHEMAS = at("/ServiceProviderConfig"), at("/ResourceTypes"), at("/Schemas")
bend("config without schemas", CONFIG, drop("schemas"))
bend("config with texts for booleans", CONFIG, lambda v: v["changePassword"].update(supported="false"))
bend("config without limits", CONFIG, lambda v: v["filter"].pop("maxResults"))
bend("config without schemes", CONFIG, drop("authenticationSchemes"))
bend("config with a nameless scheme", CONFIG, lambda v: v["authenticationSchemes"][0].pop("name"))
bend("types as an array", TYPES, resources)
bend("types without endpoints", TYPES, lambda v: v["Resources"].append({"name": "Thing", "schema": "urn:x"}))
refuse("no single type", at("/ResourceTypes/User"), 404)
bend("schemas as an array", SCHEMAS, resources)
refuse("no single schema", lambda r: r.path.startswith("/Schemas/urn:ietf"), 404)


def schema(name, how):
    bend(name, lambda r, a: r.path.endswith(":User") and r.kind == "Schemas",
         lambda v: how(next(x for x in v["attributes"] if x["name"] == "userName")))  # fmt: skip


schema("userName is not required", lambda v: v.update(required=False))
schema("attributes without multiValued", lambda v: v.pop("multiValued"))
schema("characteristics in other letters", lambda v: v.update(mutability="ReadWrite"))
mutant("unknown things are found", answer=lambda r, a: a.__dict__.update(status=200, json={"id": "x", "schemas": [USER]})
       if a.status == 404 and r.method == "GET" else None)  # fmt: skip
ignore("filters on discovery", "filter", when=lambda r: r.kind in ("ResourceTypes", "Schemas"))
mutant("plain text", answer=lambda r, a: a.headers.update({"Content-Type": "text/plain"}))
mutant("open to everybody", ask=lambda r: r.headers.update(Authorization=f"Bearer {KEY}"))
mutant("refusals as pages", answer=lambda r, a: a.__dict__.update(json="<h1>No</h1>") if a.status == 401 else None)
mutant("errors of its own", answer=lambda r, a: a.__dict__.update(json={"error": "no"}) if a.status >= 400 else None)
mutant("status as a number", answer=lambda r, a: a.json.update(status=a.status)
       if a.status >= 400 and isinstance(a.json, dict) else None)  # fmt: skip
mutant("errors without a type", answer=lambda r, a: a.json.pop("scimType", None)
       if a.status >= 400 and isinstance(a.json, dict) else None)  # fmt: skip
refuse("Me is nothing", at("/Me"), 404)

# --- lists ---
bend("lists without schemas", is_list, drop("schemas"))
bend("accounts without schemas", lambda r, a: is_list(r) and r.kind == "Users", each(drop("schemas")))
bend("accounts without userName", lambda r, a: is_list(r) and r.kind == "Users", each(drop("userName")))
bend("pages that say nothing", is_list, drop("startIndex", "itemsPerPage"))
ignore("count is ignored", "count")
refuse("a negative count is refused", lambda r: (r.get("count") or "").startswith("-"))
refuse("a startIndex of 0 is refused", lambda r: r.get("startIndex") == "0")
ignore("startIndex is ignored", "startIndex")
ignore("filters are ignored", "filter", when=users_or_groups)
mutant("nobody is 404", answer=lambda r, a: a.__dict__.update(refused(404).__dict__)
       if is_list(r) and a.status == 200 and not resources(a.json) and r.filter else None)  # fmt: skip
mutant("nonsense finds nobody", answer=lambda r, a: a.__dict__.update(empty().__dict__)
       if is_list(r) and a.status == 400 and r.filter else None)  # fmt: skip
refuse("filters have case", lambda r: "USERNAME EQ" in r.filter)
refuse("filters without URNs", lambda r: "urn:" in r.filter)
mutant("a plus is a plus", ask=lambda r: r.set("filter", r.filter.replace(" ", "+")) if "+" in r.raw_query else None)
refuse("no .search", lambda r: r.path.endswith(".search"), 404)
ignore("no order", "sortBy", "sortOrder")
mutant("the other order", ask=lambda r: r.set("sortOrder", "ascending" if r.get("sortOrder") == "descending"
                                              else "descending") if r.get("sortBy") else None)  # fmt: skip
ignore("descending is ignored", "sortOrder")
refuse("no cursors", lambda r: r.get("cursor") is not None)
bend("cursors that end at once", lambda r, a: r.get("cursor") is not None, drop("nextCursor"))
accept("any cursor", lambda r, a: is_list(r) and r.get("cursor"))

# --- accounts ---
mutant("created with 200", answer=lambda r, a: a.__dict__.update(status=200) if a.status == 201 else None)
mutant("created without a place", answer=lambda r, a: a.headers.pop("Location", None) if a.status == 201 else None)
bend("another place in meta", lambda r, a: r.method == "POST", lambda v: v.get("meta", {}).update(location="/Users/1"))
bend("resources without meta", lambda r, a: r.one and users_or_groups(r), drop("meta"))
bend("numbers in meta", lambda r, a: r.one and r.kind == "Users" and "meta" in a.json,
     lambda v: v["meta"].update(created=1))  # fmt: skip
bend("ids as numbers", lambda r, a: r.is_("POST", one=False) and users_or_groups(r), lambda v: v.update(id=7))


def trimmed(r):
    if r.is_("POST", "Users") and isinstance(r.body, dict):
        r.body.pop("title", None)


def ascii_only(r):
    if r.method == "POST" and r.body:
        r.body = json.loads(json.dumps(r.body, ensure_ascii=False).encode("ascii", "replace"))


mutant("titles are lost", ask=trimmed)
mutant("ASCII alone", ask=ascii_only)
accept("names may be taken twice", lambda r, a: a.status == 409)
refuse_taken = lambda r, a: a.__dict__.update(refused(400, "uniqueness").__dict__) if a.status == 409 else None  # noqa: E731
mutant("taken is 400", answer=refuse_taken)
mutant("taken is another type", answer=lambda r, a: a.__dict__.update(refused(409, "invalidValue").__dict__)
       if a.status == 409 else None)  # fmt: skip
accept("names have case", lambda r, a: a.status == 409 and "USHER-CHECK" in json.dumps(r.body))
accept("accounts without a name", lambda r, a: r.is_("POST", "Users", False) and isinstance(r.body, dict)
       and not any(n.lower() == "username" for n in r.body) and not r.path.endswith(".search"))  # fmt: skip
refuse("accounts without a name are bad syntax", lambda r: r.is_("POST", "Users", False) and r.body is not None
       and "userName" not in r.body and "USERNAME" not in r.body and not r.path.endswith(".search"),
       kind="invalidSyntax")  # fmt: skip
accept("broken JSON", lambda r, a: r.method == "POST" and r.body is None)
mutant("broken JSON is a bad value", answer=lambda r, a: a.json.update(scimType="invalidValue")
       if r.method == "POST" and r.body is None and a.status == 400 else None)  # fmt: skip
refuse("names of attributes have case", lambda r: r.method == "POST" and "USERNAME" in (r.body or {}))


def keep_id(r, a):
    if r.is_("POST", "Users") and a.status == 201 and r.body.get("id"):
        a.json["id"] = r.body["id"]


mutant("the client's id", answer=keep_id)


class Passwords(Mutant):
    """They are shown."""

    def answer(self, r, a):
        if r.is_("POST", "Users") and a.status == 201 and "password" in r.body:
            a.json["password"] = r.body["password"]


MUTANTS["passwords are returned"] = Passwords()
mutant("the extension is lost", ask=lambda r: r.body.pop(ENTERPRISE, None) if r.is_("POST", "Users") and r.body else None)
refuse("switches are no texts", lambda r: r.is_("POST", "Users") and isinstance((r.body or {}).get("active"), str))
refuse("scim+json alone", lambda r: r.headers.get("Content-Type", "").startswith("application/json"), 415)
refuse("scim+json alone is given", lambda r: r.headers.get("Accept") == "application/json", 406)


def put_nothing(kind):
    def ask(r):
        if r.is_("PUT", kind, True) and r.body:
            return forward(r.like(r.path))
        return None

    return ask


mutant("PUT of accounts without effect", ask=put_nothing("Users"))
mutant("PUT of groups without effect", ask=put_nothing("Groups"))
accept("PUT makes accounts", lambda r, a: r.is_("PUT", "Users") and a.status == 404)
bend("PUT gives another id", lambda r, a: r.is_("PUT", "Users"), lambda v: v.update(id="another"))
mutant("removed with 200", answer=lambda r, a: a.__dict__.update(status=200, json={}) if r.is_("DELETE") and a.status == 204
       else None)  # fmt: skip
mutant("removed and still there", ask=lambda r: Answer(204) if r.is_("DELETE") else None)


class Hidden(Mutant):
    """What was removed is not read any more, but it is there."""

    def __init__(self):
        self.gone = set()

    def ask(self, r):
        if r.path in self.gone:
            return refused(404)
        if r.is_("DELETE", "Users") and forward(r.like(r.path)).status == 200:
            self.gone.add(r.path)
            return Answer(204)
        return None


MUTANTS["removed and still listed"] = Hidden()
accept("nobody is removed", lambda r, a: r.is_("DELETE") and a.status == 404)
mutant("removal is forbidden", answer=lambda r, a: a.__dict__.update(refused(403).__dict__)
       if r.is_("DELETE") and a.status == 404 else None)  # fmt: skip
ignore("attributes are ignored", "attributes")
ignore("excludedAttributes are ignored", "excludedAttributes")
bend("attributes leave out the id", lambda r, a: r.get("attributes") or r.get("excludedAttributes"), drop("id"))
bend("sub-attributes come with the rest", lambda r, a: "." in (r.get("attributes") or ""),
     lambda v: v["name"].update(familyName="Account"))  # fmt: skip
mutant("no tags", answer=lambda r, a: a.headers.pop("ETag", None))
mutant("tags of its own", answer=lambda r, a: a.headers.update(ETag='W/"own"') if "ETag" in a.headers else None)
mutant("If-None-Match is ignored", ask=lambda r: r.headers.pop("If-None-Match", None) and None)
mutant("If-Match is ignored", ask=lambda r: r.headers.pop("If-Match", None) and None)


def one_version(r, a):
    if "ETag" in a.headers:
        a.headers["ETag"] = 'W/"1"'
    if isinstance(a.json, dict) and isinstance(a.json.get("meta"), dict):
        a.json["meta"]["version"] = 'W/"1"'


mutant("one version for ever", answer=one_version)

# --- PATCH ---
no_op("PATCH without effect", lambda r, o: True)
no_op("titles are not replaced", lambda r, o: path(o) == "title" and o["op"] == "replace")
no_op("titles are not removed", lambda r, o: path(o) == "title" and o["op"] == "remove")
no_op("nothing is added", lambda r, o: o["op"] == "add")


def first_operation(r):
    if len(r.operations) > 1:
        r.body["Operations"] = r.operations[:1]


mutant("the first operation alone", ask=first_operation)


def neighbours(r, a):
    if a.status == 200 and r.is_("GET", "Users") and (a.json.get("name") or {}).get("familyName") == "Munk":
        a.json["name"].pop("givenName", None)


mutant("neighbours go", answer=neighbours)
refuse("PATCH with paths alone", lambda r: any(not path(o) and o.get("op", "").lower() != "remove" for o in r.operations))
operation("adding replaces", lambda r, o: o["op"].lower() == "add" and path(o) in ("emails", "members"),
          lambda o: o.update(op="replace"))  # fmt: skip
refuse("no value paths", lambda r: any("[" in path(o) for o in r.operations), kind="invalidPath")


def primaries(r, a):
    if a.status == 200 and r.is_("GET", "Users"):
        for e in a.json.get("emails", []):
            e["primary"] = True


operation("filters mean all", lambda r, o: o["op"].lower() == "remove" and re.search(r"\[.*\]$", path(o)),
          lambda o: o.update(path=path(o).split("[")[0]))  # fmt: skip
operation("replacing adds", lambda r, o: path(o) == 'emails[type eq "work"].value',
          lambda o: o.update(op="add", path="emails", value=[{"type": "other", "value": o["value"]}]))  # fmt: skip
mutant("many primary values", answer=primaries)


class Clock(Mutant):
    """lastModified is that of the answer."""

    n = 0

    def answer(self, r, a):
        if r.is_("GET", "Users", True) and a.status == 200 and "meta" in a.json:
            self.n += 1
            a.json["meta"]["lastModified"] = f"2030-01-01T00:00:{self.n % 60:02d}Z"


MUTANTS["always just modified"] = Clock()


def in_part(r, a):
    if len(r.operations) > 1 and a.status == 400:
        forward(r.like(r.path, "PATCH", schemas=r.body["schemas"], Operations=r.operations[:1]))


mutant("PATCH in part", answer=in_part)
accept("unknown operations", lambda r, a: any(o.get("op") == "move" for o in r.operations))
accept("removal without a path", lambda r, a: any(o.get("op") == "remove" and not path(o) for o in r.operations))
accept("malformed paths", lambda r, a: any(path(o) == "emails[type eq" for o in r.operations))
accept("the id can be changed", lambda r, a: any(path(o) == "id" for o in r.operations))
accept("no target is fine", lambda r, a: any("value co" in path(o) for o in r.operations))
refuse("paths have case", lambda r: any(path(o) == "NAME.GivenName" for o in r.operations), kind="invalidPath")
refuse("paths without URNs", lambda r: any(path(o).startswith("urn:") for o in r.operations), kind="invalidPath")
accept("PATCH of nobody", lambda r, a: r.is_("PATCH") and a.status == 404)


def no_switch(on):
    return lambda r, o: (path(o) == "active" and str(o["value"]).lower() == on) or (
        not path(o) and isinstance(o.get("value"), dict) and str(o["value"].get("active")).lower() == on)  # fmt: skip


no_op("nobody is disabled", no_switch("false"))
no_op("nobody is enabled", no_switch("true"))
refuse("small letters alone", lambda r: any(o.get("op", "") != o.get("op", "").lower() for o in r.operations),
       kind="invalidSyntax")  # fmt: skip
refuse("booleans alone", lambda r: any(path(o) == "active" and isinstance(o.get("value"), str) for o in r.operations))


def hide_inactive(r, a):
    if a.status != 200 or not r.is_("GET", "Users"):
        return
    if r.one and a.json.get("active") is False:
        a.__dict__.update(refused(404).__dict__)
    elif not r.one:
        left = [u for u in resources(a.json) if u.get("active") is not False]
        a.json["totalResults"] -= len(resources(a.json)) - len(left)
        a.json["Resources"] = left


mutant("who is disabled is gone", answer=hide_inactive)
refuse("adding where there is a value", lambda r: any(o.get("op") == "Add" and path(o) == "title" for o in r.operations), 409)
refuse("no new elements by a filter", lambda r: any(path(o).startswith("phoneNumbers[") for o in r.operations),
       kind="noTarget")  # fmt: skip
refuse("no dotted names", lambda r: any(not path(o) and any("." in k.split(":")[-1] for k in (o.get("value") or {}))
                                        for o in r.operations))  # fmt: skip
refuse("no URNs in values", lambda r: any(not path(o) and any("urn:" in k for k in (o.get("value") or {}))
                                          for o in r.operations))  # fmt: skip
refuse("managers as texts alone", lambda r: any(path(o).endswith(":manager") and isinstance(o["value"], dict)
                                                for o in r.operations))  # fmt: skip
refuse("managers as objects alone", lambda r: any(path(o).endswith(":manager") and isinstance(o["value"], str)
                                                  for o in r.operations))  # fmt: skip
no_op("empty texts are ignored", lambda r, o: o.get("value") == "")

# --- filters ---
for op in ("ne", "co", "sw", "ew", "pr", "gt", "lt", "ge", "le"):
    refuse(f"no operator {op}", lambda r, op=op: re.search(rf"\b{op}\b(?=( |$|\)))", re.sub('"[^"]*"', '""', r.filter)),
           kind="invalidFilter")  # fmt: skip


def finds_nobody(name, when):
    mutant(name, ask=lambda r: empty() if is_list(r) and when(r) else None)


def cut(name, pattern, by=""):
    """A part of a filter is taken for another."""
    mutant(name, ask=lambda r: r.set("filter", re.sub(pattern, by, r.filter)) if r.filter else None)


cut("the first term alone", r" and .*$")
cut("pr always holds", r"\w+ pr\b", "userName pr")
cut("lt always holds", r'meta\.lastModified lt "[^"]*"', "userName pr")
cut("instants are texts", r'meta\.lastModified gt "[^"]*"', 'meta.lastModified eq "x"')
finds_nobody("switches are texts", lambda r: "active eq true" in r.filter)
finds_nobody("or is and", lambda r: " or " in r.filter and "not" not in r.filter and r.filter.startswith("userName"))
finds_nobody("not is nothing", lambda r: "not (" in r.filter)
cut("or binds closer than and", r"\((displayName [^)]* or title eq \"Tester\") and (title eq \"Nobody\")\)", r"((\1) and \2)")
finds_nobody("no sub-attributes", lambda r: "name.givenName" in r.filter)
finds_nobody("no sub-attributes of many", lambda r: "emails.value" in r.filter)
finds_nobody("no value filters", lambda r: "emails[" in r.filter and "]." not in r.filter)
cut("elements are mixed", r'emails\[type eq "(\w+)" and value eq "([^"]*)"\]', r'(emails.type eq "\1" and emails.value eq "\2")')
finds_nobody("texts have case", lambda r: "cHECK" in r.filter)
finds_nobody("names are found in their case", lambda r: "USHER-CHECK" in r.filter)
finds_nobody("externalId finds nobody", lambda r: r.filter.startswith("externalId") and " or " not in r.filter)
refuse("no addresses by type", lambda r: "]." in r.filter, kind="invalidFilter")
refuse("no pages of what is filtered", lambda r: r.get("filter") and r.get("startIndex"), kind="invalidFilter")
finds_nobody("userName finds nobody", lambda r: r.filter.startswith("userName eq"))

# --- groups ---
bend("groups without names", lambda r, a: is_list(r) and r.kind == "Groups", each(drop("displayName")))
mutant("groups without a place", answer=lambda r, a: a.headers.pop("Location", None)
       if a.status == 201 and r.kind == "Groups" else None)  # fmt: skip
mutant("new groups are empty", ask=lambda r: r.body.pop("members", None) and None if r.is_("POST", "Groups") and r.body else None)
accept("groups may be nameless", lambda r, a: r.is_("POST", "Groups") and "displayName" not in (r.body or {}))
no_op("groups keep their name", lambda r, o: path(o) == "displayName" and r.kind == "Groups")


def one_member(o):
    if path(o) == "members" and isinstance(o.get("value"), list):
        o["value"] = o["value"][:1]


operation("one member at a time", lambda r, o: r.kind == "Groups", one_member)


def twice(r, a):
    if r.is_("GET", "Groups", True) and a.status == 200:
        a.json["members"] = a.json.get("members", []) * 2


mutant("members twice", answer=twice)
no_op("members stay", lambda r, o: o["op"].lower() == "remove" and path(o).startswith("members"))
operation("all members go", lambda r, o: o["op"] == "Remove" and path(o) == "members", lambda o: o.pop("value", None))
operation("members are not replaced", lambda r, o: o["op"] == "replace" and path(o) == "members",
          lambda o: o.update(op="add"))  # fmt: skip
bend("accounts without groups", lambda r, a: r.is_("GET", "Users", True), drop("groups"))
refuse("groups of one schema", lambda r: r.is_("POST", "Groups") and len((r.body or {}).get("schemas", [])) > 1)
refuse("members cannot be filtered", lambda r: "members eq" in r.filter, kind="invalidFilter")
cut("everybody is a member", r" and members eq .*$")
refuse("no $ref", lambda r: "$ref" in json.dumps(r.body or 0))
refuse("no id in a value", lambda r: any(not path(o) and "id" in (o.get("value") or {}) for o in r.operations), kind="mutability")
refuse("members have no display", lambda r: '"display":' in json.dumps(r.operations))
refuse("excludedAttributes are refused", lambda r: r.get("excludedAttributes") == "members")

# --- bulk ---
BULK = at("/Bulk")


def operations(how):
    def run(v):
        for o in v.get("Operations", []):
            how(o)

    return run


refuse("bulk is announced only", BULK, 501)
bend("bulk with numbers", BULK, operations(lambda o: o.update(status=int(o["status"]))))
bend("bulk without places", BULK, operations(drop("location")))
bend("bulk without errors", BULK, operations(drop("response")))


def unlimited(r):
    if BULK(r) and r.body:
        r.body.pop("failOnErrors", None)


def unnamed(r):
    for o in (r.body or {}).get("Operations", []) if BULK(r) else []:
        (o.get("data") or {}).pop("members", None)


def reads_only(r):
    if BULK(r) and r.body:
        for o in r.body.get("Operations", []):
            if o["method"] == "PATCH":
                o["data"]["Operations"][0]["value"] = "Tester"


mutant("failOnErrors is ignored", ask=unlimited)
mutant("bulkIds are ignored", ask=unnamed)
mutant("bulk changes something else", ask=reads_only)
accept("bulk of nothing", lambda r, a: BULK(r) and "Operations" not in (r.body or {}))

# --- the server ---
UPSTREAM = urllib.parse.urlparse(sys.argv[1])
KEY = sys.argv[2]
local = threading.local()


def forward(r):
    if not hasattr(local, "connection"):
        local.connection = http.client.HTTPConnection(UPSTREAM.netloc)
    data = json.dumps(r.body).encode() if isinstance(r.body, dict) else r.data
    target = UPSTREAM.path + r.path
    if r.query:
        target += "?" + urllib.parse.urlencode(r.query, quote_via=urllib.parse.quote)
    headers = {n: v for n, v in r.headers.items() if n not in ("Host", "Content-Length", "Connection", "Accept-Encoding")}
    local.connection.request(r.method, target, data or None, headers)
    got = local.connection.getresponse()
    body = got.read()
    a = Answer(got.status, json.loads(body) if body else None)
    a.headers = {n: got.headers[n] for n in ("Content-Type", "ETag", "Location", "WWW-Authenticate") if got.headers[n]}
    return a


REFUSALS = {}


def refusal(r):
    """The provider limits how often it refuses, so it is asked once. Its discovery is for everybody."""
    if r.kind not in ("Users", "Groups"):
        return forward(r)
    known = "Authorization" in r.headers
    if known not in REFUSALS:
        REFUSALS[known] = forward(r)
    return copy.deepcopy(REFUSALS[known])


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do(self):
        target, _, query = self.path.partition("?")
        name, _, rest = target.lstrip("/").partition("/")
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        m = MUTANTS.get(urllib.parse.unquote(name).replace("_", " ")) or Mutant()
        r = Request(self.command, "/" + urllib.parse.unquote(rest), query, dict(self.headers), data)
        r.path = "/" + rest
        a = m.ask(r)
        if not isinstance(a, Answer):
            a = forward(r) if r.headers.get("Authorization") == f"Bearer {KEY}" else refusal(r)
        m.answer(r, a)
        self.send(a)

    def send(self, a):
        body = b"" if a.json is None or a.status in (204, 304) else json.dumps(a.json).encode()
        self.send_response(a.status)
        a.headers.setdefault("Content-Type", "application/scim+json")
        for header in a.headers.items():
            self.send_header(*header)
        if a.status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print("listening", server.server_address[1], flush=True)
for name in MUTANTS:
    print("mutant", name.replace(" ", "_"), flush=True)
print("that is all", flush=True)
server.serve_forever()
