"""Servers that are wrong in one way each, and what usher makes of them. LIVES: the whole life of people and a group, and
what the server holds is what it should (scim.md 10.2). SAID: what cannot go well is told (10.2, 10.3), and nothing is
sent that should not be."""

import email.utils
import json
import os
import re
import time

from faulty_server import LIST, Answer, Handler, Mode, error, packed, serve
from lib import CORE, ENTERPRISE, T, Usher, check, check_eq, done, step
from life import STEPS, Directory, expected, seen

ONLY = os.environ.get("ONLY")


def body_of(answer):
    return json.dumps(answer.body).encode()


# --- Lives ---


class Created200(Mode):
    def created(self, kind, one):
        return Answer(200, one)


class Created204(Mode):
    """The id is in a relative Location alone."""

    def created(self, kind, one):
        return Answer(204, None, [("Location", f"{kind}/{one['id']}")])


class CreatedNoId(Mode):
    """Neither body nor Location: the account is found by its name."""

    again = True

    def created(self, kind, one):
        return Answer(201)


class Accepted(Mode):
    def patched(self, kind, one):
        return Answer(202)

    def deleted(self):
        return Answer(202)


class Patched204(Mode):
    def patched(self, kind, one):
        return Answer(204)


class PatchedEmpty(Mode):
    def patched(self, kind, one):
        return Answer(200)


class PatchedStale(Mode):
    """PATCH answers with the account as it was before."""

    def patch(self, kind, one, body, headers):
        before = json.loads(json.dumps(one))
        super().patch(kind, one, body, headers)
        return Answer(200, before)


class DeletedAlready(Mode):
    def deleted(self):
        return error(404)


class Types(Mode):
    """Every kind of Content-Type in turn, or none."""

    kinds = ("application/json; charset=utf-8", "text/json", "text/plain; charset=utf-8", None, "text/html")
    at = 0

    @property
    def types(self):
        self.at += 1
        return self.kinds[self.at % len(self.kinds)]


class Lists(Mode):
    """Subclasses say which page they answer."""

    def page(self, page, total, start):
        answer = super().page(page, total, start)
        self.bend(answer.body)
        return answer


class LowerCase(Lists):
    def bend(self, body):
        body["resources"] = body.pop("Resources")


class TotalAsText(Lists):
    def bend(self, body):
        body["totalResults"] = str(body["totalResults"])


class NoTotal(Lists):
    def bend(self, body):
        del body["totalResults"]


class TotalOfThePage(Lists):
    def bend(self, body):
        body["totalResults"] = len(body["Resources"])


class ListIsMissing(Lists):
    def bend(self, body):
        if not body["Resources"]:
            del body["Resources"]


class ListIsNull(Lists):
    def bend(self, body):
        if not body["Resources"]:
            body["Resources"] = None


class ItemsPerPageLies(Lists):
    def bend(self, body):
        body["itemsPerPage"] = 7000
        body["startIndex"] = -3


class Twice(Lists):
    """Every account twice in a list without filter."""

    def list(self, kind, query):
        self.filtered = "filter" in query
        return super().list(kind, query)

    def bend(self, body):
        if not self.filtered:
            body["Resources"] = [r for r in body["Resources"] for _ in range(2)]


class TooMany(Mode):
    """A page of more than one is too many."""

    def list(self, kind, query):
        if int(query.get("count", 1)) > 1:
            return error(400, "tooMany")
        return super().list(kind, query)


class PageTooLarge(Mode):
    def list(self, kind, query):
        return error(413) if int(query.get("count", 1)) > 1 else super().list(kind, query)


class SamePage(Mode):
    """startIndex is ignored: the same page over and over."""

    def list(self, kind, query):
        return super().list(kind, {k: v for k, v in query.items() if k not in ("startIndex", "count")})

    def page(self, page, total, start):
        answer = super().page(page, total, start)
        answer.body["totalResults"] = 5000
        return answer if page else super().page(page, total, start)


class EndlessCursor(Mode):
    """Every page has a next one, which is the same."""

    def list(self, kind, query):
        answer = super().list(kind, query)
        if "filter" not in query:
            answer.body["nextCursor"] = "again"
        return answer


class CursorOnly(Mode):
    config = dict(Mode.config, pagination={"cursor": True, "index": False})

    def list(self, kind, query):
        found = self.matching(kind, query)
        at = int(query.get("cursor") or 0)
        body = {"schemas": [LIST], "resources": found[at : at + 1]}
        if at + 1 < len(found):
            body["nextCursor"] = str(at + 1)
        return Answer(200, body)


class FilterIgnored(Mode):
    settings = ("client.scanWhenFilterIgnored=true",)

    def matching(self, kind, query):
        return list(self.resources[kind].values())


class EmptyIs404(Mode):
    settings = ("client.emptyIs404=true",)

    def page(self, page, total, start):
        return super().page(page, total, start) if page else error(404)


class OtherSpelling(Mode):
    """Names in capitals, booleans as text, the manager as text, ids as numbers."""

    def shown(self, resource):
        out = {}
        for name, value in resource.items():
            if name == ENTERPRISE:
                value = {k.upper(): v["value"] if isinstance(v, dict) else v for k, v in value.items()}
            elif isinstance(value, bool):
                value = str(value)
            elif isinstance(value, dict):
                value = {k.upper(): v for k, v in value.items()}
            elif name == "id":
                value = int(value[1:]) + (1000 if value[0] == "G" else 0)
            out[name if name == ENTERPRISE else name.upper()] = value
        return out

    def handle(self, method, path, query, body, headers):
        parts = path.strip("/").split("/")
        if len(parts) > 1 and parts[1].isdigit():
            path = f"/{parts[0]}/{parts[0][0]}{int(parts[1]) % 1000}"
        return super().handle(method, path, query, renumbered(body), headers)

    def apply(self, one, op, path, value):
        super().apply(one, op, re.sub(r'members\[value eq "(\d+)"\]', r'members[value eq "U\1"]', path), value)


def renumbered(v):
    """Ids of users as the store has them."""
    if isinstance(v, list):
        return [renumbered(x) for x in v]
    if not isinstance(v, dict):
        return v
    return {k: f"U{x}" if k == "value" and isinstance(x, str) and x.isdigit() else renumbered(x) for k, x in v.items()}


class NoActive(Mode):
    def shown(self, resource):
        return {k: v for k, v in resource.items() if k != "active"}


class NoTypes(Mode):
    def shown(self, resource):
        emails = [{"value": e["value"]} for e in resource.get("emails", [])]
        return dict(resource, emails=emails)


class Forgetful(Mode):
    """What was sent is kept, and never shown: a manager that is not known to be there is not taken away."""

    manager_stays = True

    def shown(self, resource):
        return {k: v for k, v in resource.items() if k in ("id", "userName", "displayName")}


class NoSchemas(Mode):
    def shown(self, resource):
        return {k: v for k, v in resource.items() if k != "schemas"}

    def page(self, page, total, start):
        answer = super().page(page, total, start)
        del answer.body["schemas"]
        return answer


class MembersAsText(Mode):
    def shown(self, resource):
        if "members" not in resource:
            return resource
        return dict(resource, members=[m["value"] for m in resource["members"]])


class StrayTags(Mode):
    """Tags that the service does not promise, other ones each time, and If-Match would fail."""

    number_of_tags = 0

    def handle(self, method, path, query, body, headers):
        if "If-Match" in headers:
            return error(412)
        answer = super().handle(method, path, query, body, headers)
        self.number_of_tags += 1
        answer.headers.append(("ETag", f'W/"{self.number_of_tags}"'))
        return answer


class TagsPromised(Mode):
    """Tags are promised, and none is ever seen."""

    config = dict(Mode.config, etag={"supported": True})

    def handle(self, method, path, query, body, headers):
        check("If-Match without a tag", "If-Match" not in headers)
        return super().handle(method, path, query, body, headers)


class ChangedMeanwhile(Mode):
    """The first PUT of every account finds it changed: 412."""

    config = dict(Mode.config, etag={"supported": True}, patch={"supported": False})

    def __init__(self, name):
        super().__init__(name)
        self.refused = set()

    def get(self, kind, one, body, headers):
        answer = super().get(kind, one, body, headers)
        answer.headers.append(("ETag", 'W/"1"'))
        return answer

    def put(self, kind, one, body, headers):
        if one["id"] not in self.refused:
            self.refused.add(one["id"])
            return error(412)
        check_eq("If-Match", 'W/"1"', headers.get("If-Match"))
        return super().put(kind, one, body, headers)


class Packed(Mode):
    def handle(self, method, path, query, body, headers):
        answer = super().handle(method, path, query, body, headers)
        if answer.body is not None and "gzip" in headers.get("Accept-Encoding", ""):
            answer.body = packed(answer.body)
            answer.headers += [("Content-Encoding", "gzip"), ("Content-Type", "application/scim+json")]
        return answer


class Moved(Mode):
    """Everything is elsewhere on the same host: 307, 308; 301, 302 and 303 for reading."""

    at = 0

    def handle(self, method, path, query, body, headers):
        if path.startswith("/there/"):
            return super().handle(method, path[len("/there") :], query, body, headers)
        self.at += 1
        statuses = (301, 302, 303, 307, 308) if method == "GET" else (307, 308)
        rest = "?" + "&".join(f"{k}={quoted(v)}" for k, v in query.items()) if query else ""
        return Answer(statuses[self.at % len(statuses)], None, [("Location", f"/{self.name}/there{path}{rest}")])


def quoted(text):
    return "".join(c if c.isalnum() else f"%{b:02X}" for c in text for b in c.encode()[:1])


class AnswerLost(Mode):
    """Every second creation is done, and the connection closed."""

    again = True
    at = 0

    def created(self, kind, one):
        self.at += 1
        return Answer(0, raw=b"") if self.at % 2 else super().created(kind, one)


class Torn(Mode):
    """Every third answer to a write, or to a read of one, ends in its middle."""

    again = True
    at = 0

    def handle(self, method, path, query, body, headers):
        answer = super().handle(method, path, query, body, headers)
        self.at += method != "GET" or path.count("/") > 1
        if self.at % 3 == 2:
            self.at += 1
            answer.raw = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{\"totalResults\":"
        return answer


class Throttles(Mode):
    """Every third write: 429 with seconds, 429 with a date, or 503 with seconds."""

    at = 0

    def handle(self, method, path, query, body, headers):
        self.at += method != "GET"
        if self.at % 3 or method == "GET":
            return super().handle(method, path, query, body, headers)
        later = [("Retry-After", "0")]
        if self.at % 2:
            later = [("Retry-After", email.utils.formatdate(time.time(), usegmt=True))]
        return Answer(503 if self.at % 9 == 0 else 429, None, later)


class Chunked(Mode):
    """Chunks of a byte, with extensions and a trailer."""

    def handle(self, method, path, query, body, headers):
        answer = super().handle(method, path, query, body, headers)
        data = body_of(answer) if answer.body is not None else b""
        head = f"HTTP/1.1 {answer.status} x\r\nTransfer-Encoding: chunked\r\n"
        head += "".join(f"{n}: {v}\r\n" for n, v in answer.headers)
        chunks = b"".join(b"1;x=y\r\n" + data[i : i + 1] + b"\r\n" for i in range(len(data)))
        if answer.status != 204:
            answer.raw = head.encode() + b"\r\n" + chunks + b"0\r\nX-Trailer: z\r\n\r\n"
        return answer


class NoPatch405(Mode):
    def patch(self, kind, one, body, headers):
        return error(405)


class NoPatch501(Mode):
    """Promised, and not there."""

    def patch(self, kind, one, body, headers):
        return error(501)


class NoConfig(Mode):
    def service(self):
        return error(501)


class ConfigIsAPage(Mode):
    def service(self):
        return Answer(200, b"<html>Welcome", [("Content-Type", "text/html")])


class OddIds(Mode):
    """Ids that a URL has to encode."""

    def create(self, kind, body):
        answer = super().create(kind, body)
        if answer.status == 201:
            one = self.resources[kind].pop(answer.body["id"])
            one["id"] = f"a/b?c {one['id']}%2F\u00e9"
            self.resources[kind][one["id"]] = one
            answer = Answer(201, one)
        return answer


class Hiccup(Mode):
    """The first question of each cycle fails in passing: the cycle goes on all the same."""

    at = 0

    def handle(self, method, path, query, body, headers):
        if re.search("[0-9a-f-]{36}", query.get("filter", "")) and path == "/Users":
            self.at += 1
            if self.at % 2 == 1:
                return (error(503), error(500), Answer(0, raw=b""), error(429))[self.at // 2 % 4]
        return super().handle(method, path, query, body, headers)


class GroupsNoPatch(Mode):
    """People can be changed by PATCH, groups by PUT only."""

    status = 405

    def patch(self, kind, one, body, headers):
        return error(self.status) if kind == "Groups" else super().patch(kind, one, body, headers)


class GroupsNoPatch404(GroupsNoPatch):
    status = 404


class SamePageIgnored(Mode):
    """Neither filter nor startIndex is heeded: the same page over and over, which is all there is."""

    settings = ("client.scanWhenFilterIgnored=true",)

    def list(self, kind, query):
        return super().list(kind, {})

    def page(self, page, total, start):
        answer = super().page(page, total, start)
        del answer.body["totalResults"]
        if page:
            answer.body["nextCursor"] = "again"
        return answer


class OtherEndpoints(Mode):
    """ResourceTypes has other names for the endpoints."""

    names = {"People": "Users", "Teams": "Groups"}

    def handle(self, method, path, query, body, headers):
        if path == "/ResourceTypes":
            return Answer(200, {"schemas": [LIST], "totalResults": 2, "Resources": [
                {"name": "User", "endpoint": "/People", "schema": CORE},
                {"name": "Group", "endpoint": f"http://127.0.0.1:{port}/{self.name}/Teams", "schema": CORE.replace("User", "Group")}]})  # fmt: skip
        first, _, rest = path.strip("/").partition("/")
        if first in ("Users", "Groups"):
            return error(404)
        return super().handle(method, f"/{self.names.get(first, first)}/{rest}".rstrip("/"), query, body, headers)


class PatchNotPromised(Mode):
    """It says that it has no PATCH, and answers one as if it were done. Tags are promised, and looked at."""

    config = dict(Mode.config, etag={"supported": True}, patch={"supported": False})

    def handle(self, method, path, query, body, headers):
        if method == "PATCH":
            return Answer(200, {"id": path.split("/")[-1]})
        if method == "PUT" and headers.get("If-Match") != 'W/"1"':
            return error(428)
        answer = super().handle(method, path, query, body, headers)
        answer.headers.append(("ETag", 'W/"1"'))
        return answer


class Capped(Mode):
    """Pages are shorter than asked for, the further the shorter."""

    def list(self, kind, query):
        return super().list(kind, dict(query, count="1"))


class CappedNoTotal(Capped):
    """And how many there are is not said; the rest of a list that is taken for all would be made twice."""

    settings = ("client.listing=always",)

    def page(self, page, total, start):
        answer = super().page(page, total, start)
        del answer.body["totalResults"]
        return answer

    def create(self, kind, body):
        name = "userName" if kind == "Users" else "displayName"
        if any(r[name] == body[name] for r in self.resources[kind].values()):
            self.resources[kind]["twice"] = dict(body, id="twice")
        return super().create(kind, body)

    def before(self, name):
        if name == "begin":
            for n in range(3):
                self.create("Users", {"userName": f"x{n}", "displayName": "x", "emails": []})
            for who in ("ada", "bob"):
                self.create("Users", {"userName": f"{who}@plant.test", "displayName": "?"})

    def everything(self):
        return [r for r in super().everything() if r.get("displayName") != "x"]


class BareList(Lists):
    """Nobody: neither a list nor a number."""

    def bend(self, body):
        if not body["Resources"]:
            for name in ("Resources", "totalResults", "startIndex", "itemsPerPage"):
                del body[name]


class Vanished(Mode):
    """bob's account is deleted there by hand when he is to be disabled: that is done, then; and when he comes back it
    is missed, and made again with what belongs to it."""

    disabled = "gone"

    def before(self, name):
        if name == "disable":
            bob = next(u for u in self.resources["Users"].values() if u["userName"].startswith("bob"))
            self.delete("Users", bob, None, None)


class AlreadyThere(Mode):
    """People have accounts there before usher comes, in other letters: they are matched, and changed."""

    def before(self, name):
        if name == "begin":
            for who in ("ada", "bob"):
                self.create("Users", {"userName": f"{who.upper()}@plant.test", "active": True, "title": "Temp"})


LIVES = [
    Mode, Created200, Created204, CreatedNoId, Accepted, Patched204, PatchedEmpty, PatchedStale, DeletedAlready, Types,
    LowerCase, TotalAsText, NoTotal, TotalOfThePage, ListIsMissing, ListIsNull, ItemsPerPageLies, Twice, TooMany,
    PageTooLarge, SamePage, EndlessCursor, CursorOnly, FilterIgnored, EmptyIs404, OtherSpelling, NoActive, NoTypes,
    Forgetful, NoSchemas, MembersAsText, StrayTags, TagsPromised, ChangedMeanwhile, Packed, Moved, AnswerLost, Torn,
    Throttles, Chunked, NoPatch405, NoPatch501, NoConfig, ConfigIsAPage, OddIds,
    Vanished, AlreadyThere, Hiccup, GroupsNoPatch, GroupsNoPatch404, SamePageIgnored, OtherEndpoints, BareList,
    PatchNotPromised, Capped, CappedNoTotal,
]  # fmt: skip


# --- What is told ---


class Said(Mode):
    """code and words: what is in the log, or what the cycle does not begin for."""


class PageForPeople(Said):
    code, words = "notScim", "Welcome"

    def list(self, kind, query):
        return Answer(200, b"<html><p>Welcome", [("Content-Type", "text/html")])


class NotFoundForEmpty(Said):
    code, words = "wrongUrl", "is not compliant"

    def page(self, page, total, start):
        return super().page(page, total, start) if page else error(404)


class Strangers(Said):
    """The filter is ignored, and there are many."""

    code, words = "filterIgnored", "ignores the filter"
    settings = ("client.listing=never",)

    def list(self, kind, query):
        page = [{"id": str(i), "userName": f"s{i}", "displayName": f"s{i}"} for i in range(100)]
        return self.page(page, 90000, 1)


class CannotFilter(Said):
    code, words = "filterRefused", "cannot filter on the matching attribute"
    settings = ("client.listing=never",)

    def list(self, kind, query):
        return error(400, "invalidFilter") if "filter" in query else super().list(kind, query)


class Hidden(Said):
    """The name is held by an account that no query shows."""

    code, words = "EntryConflict", "409"

    def create(self, kind, body):
        return error(409, "uniqueness")


class CreatedAsAPage(Said):
    """The page of a portal with status 200 is no account."""

    code, words = "SystemForCrossDomainIdentityManagementServiceIncompatible", "a page, not SCIM"

    def create(self, kind, body):
        return Answer(200, b"<html><p>Please sign in", [("Content-Type", "text/html")])


class CreatedElsewhere(Said):
    code, words = "NotPermitted", "another server: nothing is sent there"

    def create(self, kind, body):
        return Answer(308, None, [("Location", f"http://127.0.0.1:{other_port}/Elsewhere/Users")])


class CreatedSeeOther(Said):
    """303 for a POST would have it become a GET: it is not followed."""

    code, words = "WebExceptionProtocolError", "303"

    def create(self, kind, body):
        return Answer(303, None, [("Location", f"/{self.name}/Users")])


class NoSeats(Said):
    code, words = "LicenseLimitExceeded", "no seats"

    def create(self, kind, body):
        return error(403, "", "no seats are left")


class Domains(Said):
    code, words = "InvalidDomain", "not verified"

    def create(self, kind, body):
        return error(403, "", "the domain plant.test is not verified")


class Mandatory(Said):
    code, words = "MandatoryFieldsMissing", "shoe size"

    def create(self, kind, body):
        return error(400, "invalidValue", "the shoe size is required")


class OtherHost(Said):
    """Another port is another server: nothing is sent there."""

    code, words = "wrongUrl", "another server: nothing is sent there"

    def handle(self, method, path, query, body, headers):
        if path == "/ServiceProviderConfig":
            return self.service()
        return Answer(307, None, [("Location", f"http://127.0.0.1:{other_port}/Elsewhere{path}")])


class RoundAndRound(Said):
    code, words = "wrongUrl", "goes on redirecting"

    def handle(self, method, path, query, body, headers):
        return Answer(308, None, [("Location", f"/{self.name}{path}")])


class Deep(Said):
    code, words = "notScim", "the answer is not SCIM"

    def list(self, kind, query):
        return Answer(200, b'{"totalResults":0,"Resources":' + b"[" * 100000)


class TwiceTheName(Said):
    code, words = "notScim", "the answer is not SCIM"

    def list(self, kind, query):
        return Answer(200, b'{"totalResults":0,"Resources":[],"Resources":[{"id":"1"}]}')


class Huge(Said):
    """More than 64 MiB for one account."""

    code, words = "filterIgnored", "larger than 67108864 bytes"

    def list(self, kind, query):
        return Answer(200, b'{"totalResults":0,"x":"' + b"x" * (65 << 20) + b'"}')


class NotHttp(Said):
    code, words = "notScim", "does not answer in HTTP"

    def handle(self, method, path, query, body, headers):
        return Answer(0, raw=b"220 mail.example ESMTP\r\n")


class BadChunks(Said):
    code, words = "notScim", "chunk size"

    def list(self, kind, query):
        return Answer(0, raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nnonsense\r\n")


class SlowHead(Said):
    code, words = "timeout", "took too long"
    settings = ("client.timeout.answer=PT1S", "client.timeout.total=PT2S")

    def list(self, kind, query):
        time.sleep(3)
        return super().list(kind, query)


class BadToken(Said):
    code, words = "credentialsRefused", "does not accept the token"

    def handle(self, method, path, query, body, headers):
        return error(401)


class NotFoundLater(Said):
    """Nobody is an empty list at first, and 404 from then on: that is no answer to whether somebody is there."""

    code, words = "ServiceIncompatible", "was answered with status 404"

    def list(self, kind, query):
        if query.get("filter", "").count("@"):
            return error(404)
        return super().list(kind, query)


class UncountedStrangers(Said):
    """Whoever has an @ is not filtered, and how many there are is not said: somebody may be on another page."""

    code, words = "Filtering", "the filter was ignored"
    settings = ("client.listing=never",)

    def list(self, kind, query):
        if "@" not in query.get("filter", ""):
            return super().list(kind, query)
        return Answer(200, {"schemas": [LIST], "Resources": [{"id": f"S{n}", "userName": f"s{n}"} for n in range(20)]})


class StrangersByCursor(UncountedStrangers):
    def list(self, kind, query):
        answer = super().list(kind, query)
        if "@" in query.get("filter", ""):
            answer.body.update(totalResults=20, nextCursor="more")
        return answer


class Forbidden(Said):
    code, words = "credentialsRefused", "may not read accounts"

    def handle(self, method, path, query, body, headers):
        return error(403)


SAID = [
    PageForPeople, NotFoundForEmpty, Strangers, CannotFilter, Hidden, CreatedAsAPage, CreatedElsewhere,
    CreatedSeeOther, NoSeats, Domains, Mandatory, OtherHost, RoundAndRound, Deep, TwiceTheName, Huge,
    NotHttp, BadChunks, SlowHead, BadToken, Forbidden, NotFoundLater, UncountedStrangers, StrangersByCursor,
]  # fmt: skip


def add(usher, mode):
    usher.run("app", "add", "scim", "--name", mode.name, "--url", f"http://127.0.0.1:{port}/{mode.name}", "--token",
              "s3cret", "--scope", "all", "--no-test")  # fmt: skip
    settings = [x for s in mode.settings for x in ("--setting", s)]
    if settings:
        usher.run("app", "set", mode.name, "--no-test", *settings)


def waiting(usher, mode):
    return usher.json("retry", mode.name, "--list")["objects"]


def live(usher, directory, modes):
    for mode in modes:
        add(usher, mode)
    for name in STEPS:
        step(name)
        getattr(directory, name)()
        for mode in modes:
            if hasattr(mode, "before"):
                mode.before(name)
            result = usher.json("start", mode.name, "--wait")
            for _ in range(4):
                if not getattr(mode, "again", False) or not waiting(usher, mode):
                    break
                usher.json("retry", mode.name, "--all", "--wait")
            check_eq(f"{mode.name}, {name}: state ({result['error']})", "Succeeded", result["state"])
            check_eq(f"{mode.name}, {name}: what fails", [], waiting(usher, mode))
            people, crew = seen(mode.everything())
            want, want_crew = expected(name, getattr(mode, "disabled", "inactive"))
            if name == "end" and getattr(mode, "manager_stays", False):
                want["bob"] = want["bob"][:4] + ("ada", True)
            check_eq(f"{mode.name}, {name}: people", want, people)
            check_eq(f"{mode.name}, {name}: members", want_crew, crew)


def tell(usher, modes):
    for mode in modes:
        add(usher, mode)
        out = usher.run_any("--json", "start", mode.name, "--wait")
        logs = json.dumps(usher.json("logs", mode.name, "--status", "failure"))
        status = json.dumps(usher.json("status", mode.name))
        everything = out + logs + status
        for part in (mode.code, mode.words):
            check(f"{mode.name}: '{part}' is not in: {everything[:3000]}", part.lower() in everything.lower())
        check(f"{mode.name}: the token is shown", "s3cret" not in everything)


port = serve()
other_port = serve()
only = [m for m in LIVES + SAID if not ONLY or ONLY in (m.__name__, "LIVES" if m in LIVES else "SAID")]
Handler.modes = {m.__name__: m(m.__name__) for m in only}
Handler.modes["Elsewhere"] = elsewhere = Mode("Elsewhere")
usher = Usher(f"{T}/data")
directory = Directory(usher)
live(usher, directory, [Handler.modes[m.__name__] for m in LIVES if m in only])
step("what cannot go well")
directory.begin()
tell(usher, [Handler.modes[m.__name__] for m in SAID if m in only])
check_eq("what the other server saw", [], elsewhere.seen)
done()
