"""A SCIM server that misbehaves when it is told to: throttles, fails, breaks off in the middle of an
answer, loses the answer to what it did, is slow, counts wrongly. It keeps what it was sent, says which
requests came, and asks the model whether a removal has a cause."""

import json
import random
import re
import socket
import struct
import sys
import threading
import time
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
FAULTS = ["throttle", "busy", "error", "reset", "truncate", "lost", "slow", "total", "late_error"]
REFUSALS = {"refuse": 400, "forbid": 403, "conflict": 409, "unprocessable": 422}
OF_WRITES = {*REFUSALS}
PATH = re.compile(r'^(?:(?P<urn>urn:[^\[\]]+):)?(?P<attr>[A-Za-z$][\w$-]*)(?:\[(?P<filter>[^\]]*)\])?(?:\.(?P<sub>\w+))?$')
TERM = re.compile(r'^\s*(\S+)\s+eq\s+("(?:[^"\\]|\\.)*"|true|false)\s*$', re.I)


class Target:
    def __init__(self, unique=True):
        self.lock = threading.Lock()
        self.unique = unique  # userName and displayName, as most servers have it
        self.resources = {"Users": {}, "Groups": {}}
        self.writes = 0
        self.reads = 0
        self.faults = None  # a random.Random while there are some
        self.fault_rate = 0.0
        self.fault_kinds = FAULTS
        self.on_removal = lambda kind, resource, what: None
        self.bulk = False
        self.patch = True
        self.log = []
        self.changed = set()  # (kind, id) of what was written by requests
        self.under_way = 0
        self.calm_at = None  # the faults end by themselves then
        self.server = server = Server(("127.0.0.1", 0), handler_of(self))
        self.port = server.server_address[1]
        threading.Thread(target=lambda: server.serve_forever(0.05), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def drain(self):
        """Until everything that has arrived is answered."""
        time.sleep(0.01)
        while self.under_way:
            time.sleep(0.005)

    def misbehave(self, seed, rate, kinds=None, seconds=None):
        """Until behave(), or for so long."""
        self.calm_at = None if seconds is None else time.monotonic() + seconds
        self.faults = random.Random(seed)
        self.fault_rate = rate
        self.fault_kinds = kinds or FAULTS

    def behave(self):
        self.faults = None

    def next_fault(self, method):
        fault = self.draw_fault()
        return None if method == "GET" and fault in OF_WRITES or method != "POST" and fault == "conflict" else fault

    def draw_fault(self):
        with self.lock:
            if self.calm_at is not None and time.monotonic() > self.calm_at:
                self.faults = None
            if self.faults and self.faults.random() < self.fault_rate:
                return self.faults.choice(self.fault_kinds)
        return None

    def note(self, method, path, status, answer):
        """Which account a request has written."""
        if status >= 300:
            return
        parts = [p for p in path.split("/") if p][1:]
        if parts == ["Bulk"]:
            for each in answer["Operations"]:
                if each["status"] == "201":
                    self.changed.add((each["location"].split("/")[1], each["response"]["id"]))
        else:
            self.changed.add((parts[0], parts[1] if len(parts) > 1 else answer["id"]))

    # --- what administrators of the application do by hand ---

    def by_name(self, kind, name):
        key = "userName" if kind == "Users" else "displayName"
        return [r for r in self.resources[kind].values() if r.get(key, "").lower() == name.lower()]

    def add(self, kind, resource):
        with self.lock:
            return self.create(kind, resource)[1]

    def forget(self, kind, id):
        with self.lock:
            self.resources[kind].pop(id, None)
            for group in self.resources["Groups"].values():
                group["members"] = [m for m in group.get("members", []) if m["value"] != id]

    # --- requests, with the lock held ---

    def create(self, kind, body):
        key = "userName" if kind == "Users" else "displayName"
        if not body.get(key):
            return 400, error(400, "invalidValue", key + " is required")
        if self.unique and self.by_name(kind, body[key]):
            return 409, error(409, "uniqueness", key + " is taken")
        resource = {k: v for k, v in body.items() if k not in ("id", "meta")}
        resource["id"] = str(uuid.uuid4())
        resource["meta"] = {"resourceType": kind[:-1]}
        self.resources[kind][resource["id"]] = resource
        return 201, resource

    def query(self, kind, params):
        found = list(self.resources[kind].values())
        if "filter" in params:
            terms = [TERM.match(t) for t in re.split(r"\s+and\s+", params["filter"])]
            if not all(terms):
                return 400, error(400, "invalidFilter", params["filter"])
            for term in terms:
                found = [r for r in found if holds(r, term)]
        start = max(1, int(params.get("startIndex", 1)))
        count = min(200, int(params.get("count", 100)))
        page = found[start - 1:start - 1 + count]
        if "members" in params.get("excludedAttributes", ""):
            page = [{k: v for k, v in r.items() if k != "members"} for r in page]
        return 200, {"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": len(found),
                     "startIndex": start, "itemsPerPage": len(page), "Resources": page}

    def change(self, kind, id, operations):
        before = self.resources[kind][id]
        after = json.loads(json.dumps(before))
        for op in operations:
            apply(after, op["op"].lower(), op.get("path"), op.get("value"))
        key = "userName" if kind == "Users" else "displayName"
        if self.unique and any(r["id"] != id for r in self.by_name(kind, after[key])):
            return 409, error(409, "uniqueness", key + " is taken")
        if before.get("active", True) is True and after.get("active", True) is False:
            self.on_removal(kind, before, "disabled")
        self.resources[kind][id] = after
        return 200, after

    def bulk_request(self, body):
        results = []
        for op in body["Operations"]:
            kind = op["path"].strip("/").split("/")[0]
            status, resource = self.create(kind, op["data"]) if op["method"] == "POST" else (501, error(501, "", ""))
            result = {"method": op["method"], "bulkId": op.get("bulkId"), "status": str(status)}
            if status == 201:
                result["location"] = f"/{kind}/{resource['id']}"
            result["response"] = resource
            results.append(result)
        return 200, {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"], "Operations": results}

    def handle(self, method, path, params, body):
        parts = [p for p in path.split("/") if p][1:]  # behind /scim
        if parts == ["ServiceProviderConfig"]:
            return 200, {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
                         "patch": {"supported": self.patch}, "filter": {"supported": True, "maxResults": 200},
                         "bulk": {"supported": self.bulk, "maxOperations": 20, "maxPayloadSize": 1 << 20},
                         "sort": {"supported": False}, "etag": {"supported": False},
                         "changePassword": {"supported": False}, "authenticationSchemes": []}
        if parts == ["Bulk"] and method == "POST" and self.bulk:
            return self.bulk_request(body)
        if not parts or parts[0] not in self.resources or len(parts) > 2:
            return 404, error(404, "", "no such endpoint")
        kind = parts[0]
        if len(parts) == 1:
            return self.create(kind, body) if method == "POST" else self.query(kind, params)
        if parts[1] not in self.resources[kind]:
            return 404, error(404, "", "no such resource")
        resource = self.resources[kind][parts[1]]
        if method == "GET":
            if "members" in params.get("excludedAttributes", ""):
                resource = {k: v for k, v in resource.items() if k != "members"}
            return 200, resource
        if method == "PATCH" and self.patch:
            return self.change(kind, parts[1], body["Operations"])
        if method == "PUT":
            return self.put(kind, parts[1], body)
        if method == "DELETE":
            self.on_removal(kind, resource, "deleted")
            del self.resources[kind][parts[1]]
            for group in self.resources["Groups"].values():
                group["members"] = [m for m in group.get("members", []) if m["value"] != parts[1]]
            return 204, None
        return 405, error(405, "", method)

    def put(self, kind, id, body):
        before = self.resources[kind][id]
        key = "userName" if kind == "Users" else "displayName"
        if self.unique and any(r["id"] != id for r in self.by_name(kind, body[key])):
            return 409, error(409, "uniqueness", key + " is taken")
        if before.get("active", True) is True and body.get("active", True) is False:
            self.on_removal(kind, before, "disabled")
        self.resources[kind][id] = {**body, "id": id, "meta": before["meta"]}
        return 200, self.resources[kind][id]


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 100

    def handle_error(self, request, client_address):
        """A client that was killed is no news."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def error(status, kind, detail):
    return {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": str(status), "scimType": kind,
            "detail": detail}


def holds(resource, term):
    name, wanted = term.group(1), json.loads(term.group(2))
    value = resource.get(ENTERPRISE, {}).get(name[len(ENTERPRISE) + 1:]) if name.startswith(ENTERPRISE) \
        else resource.get(name)
    if isinstance(value, str) and isinstance(wanted, str):
        return value.lower() == wanted.lower() if name != "id" else value == wanted
    return value == wanted


def apply(resource, op, path, value):
    """One operation of a PATCH, as far as clients of this kind send it (RFC 7644 3.5.2)."""
    if not path:
        for name, each in value.items():
            apply(resource, op, name, each)
        return
    if path == ENTERPRISE:
        for name, each in value.items():
            apply(resource, op, f"{path}:{name}", each)
        return
    m = PATH.match(path)
    if not m:
        raise ValueError("path " + path)
    where = resource.setdefault(m["urn"], {}) if m["urn"] and m["urn"] == ENTERPRISE else resource
    name = m["attr"]
    if m["filter"] is not None:
        term = TERM.match(m["filter"])
        wanted = json.loads(term.group(2))
        elements = where.setdefault(name, [])
        fitting = [e for e in elements if e.get(term.group(1)) == wanted]
        if op == "remove" and not m["sub"]:
            where[name] = [e for e in elements if e not in fitting]
        elif op == "remove":
            for e in fitting:
                e.pop(m["sub"], None)
        else:
            if not fitting:
                fitting = [{term.group(1): wanted}]
                elements += fitting
            for e in fitting:
                e.update({m["sub"]: value} if m["sub"] else value)
    elif m["sub"]:
        if op == "remove":
            where.get(name, {}).pop(m["sub"], None)
        else:
            where.setdefault(name, {})[m["sub"]] = value
    elif name == "members":
        members(where, op, value)
    elif op == "remove":
        where.pop(name, None)
    elif name == "manager" and isinstance(value, str):
        where[name] = {"value": value}
    else:
        where[name] = value


def members(where, op, value):
    values = value if isinstance(value, list) else [value] if value else []
    now = where.setdefault("members", [])
    if op == "replace":
        where["members"] = values
    elif op == "add":
        where["members"] = now + [v for v in values if v["value"] not in {m["value"] for m in now}]
    elif values:
        gone = {v["value"] for v in values}
        where["members"] = [m for m in now if m["value"] not in gone]
    else:
        where["members"] = []


def handler_of(target):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60
        disable_nagle_algorithm = True

        def log_message(self, *args):
            pass

        def cut(self, data=b""):
            """The connection breaks, after a part of the answer."""
            try:
                if data:
                    self.wfile.write(data)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            finally:
                self.close_connection = True
                self.connection.close()

        def answer(self, status, body, **headers):
            text = b"" if body is None else json.dumps(body).encode()
            lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(text)}"] if status != 204 else ["HTTP/1.1 204 X"]
            lines += ["Content-Type: application/scim+json"] + [f"{k.replace('_', '-')}: {v}" for k, v in headers.items()]
            return ("\r\n".join(lines) + "\r\n\r\n").encode() + text

        def go(self, method):
            with target.lock:
                target.under_way += 1
            try:
                self.serve(method)
            finally:
                with target.lock:
                    target.under_way -= 1

        def serve(self, method):
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length) if length else b""
            body = json.loads(raw) if raw else None
            path, _, query = self.path.partition("?")
            params = {k: v[0] for k, v in urllib.parse.parse_qs(query).items()}
            fault = target.next_fault(method)
            if fault in REFUSALS:
                self.wfile.write(self.answer(REFUSALS[fault], error(REFUSALS[fault], "", "refused at random")))
                return
            if fault in ("throttle", "busy", "error"):
                status = {"throttle": 429, "busy": 503, "error": 500}[fault]
                headers = {"Retry_After": 0} if fault != "error" else {}
                self.wfile.write(self.answer(status, error(status, "", "not now"), **headers))
                return
            if fault == "reset":
                self.cut()
                return
            if fault == "slow":
                time.sleep(0.05)
            with target.lock:
                try:
                    status, answer = target.handle(method, path, params, body)
                except (ValueError, KeyError, TypeError, AttributeError) as bad:
                    status, answer = 400, error(400, "invalidPath", repr(bad))
                if method == "GET":
                    target.reads += 1
                else:
                    target.writes += 1
                    target.note(method, path, status, answer)
                target.log.append((method, self.path, body, fault, status, answer and answer.get("id")))
                data = self.answer(status, answer)
            if fault == "lost":
                self.cut()
            elif fault == "truncate":
                self.cut(data[:-max(1, len(data) // 3)])
            elif fault == "late_error":
                self.wfile.write(self.answer(500, error(500, "", "done, but nobody knows")))
            elif fault == "total" and answer and "totalResults" in answer:
                self.wfile.write(self.answer(status, {**answer, "totalResults": answer["totalResults"] + 3}))
            else:
                self.wfile.write(data)

        def do_GET(self):
            self.go("GET")

        def do_POST(self):
            self.go("POST")

        def do_PATCH(self):
            self.go("PATCH")

        def do_PUT(self):
            self.go("PUT")

        def do_DELETE(self):
            self.go("DELETE")

    return Handler
