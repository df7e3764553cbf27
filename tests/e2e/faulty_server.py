"""A SCIM server in memory, for faulty.py, that is wrong in the way its base URL says: /MODE/Users. The base class
is what a plain server does; each mode overrides what it does differently."""

import gzip
import http.server
import json
import re
import socket
import struct
import threading
import time
import urllib.parse

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


class Answer:
    def __init__(self, status, body=None, headers=(), raw=None):
        self.status = status
        self.body = body
        self.headers = list(headers)
        self.raw = raw  # bytes in place of the whole answer


def error(status, kind="", detail="no"):
    return Answer(status, {"schemas": [ERROR], "status": str(status), "scimType": kind, "detail": detail})


class Mode:
    """One server, right in all."""

    types = "application/scim+json"
    groups = True
    config = {"patch": {"supported": True}, "bulk": {"supported": False}, "filter": {"supported": True},
              "sort": {"supported": False}, "etag": {"supported": False}, "changePassword": {"supported": False},
              "authenticationSchemes": []}  # fmt: skip
    settings = ()  # of usher

    def __init__(self, name):
        self.name = name
        self.resources = {"Users": {}, "Groups": {}}
        self.number = 0
        self.seen = []  # (method, path, headers)
        self.lock = threading.RLock()

    # What is asked.
    def handle(self, method, path, query, body, headers):
        parts = [p for p in path.split("/") if p]
        if parts == ["ServiceProviderConfig"]:
            return self.service()
        if not parts or parts[0] not in self.resources or (parts[0] == "Groups" and not self.groups):
            return error(404)
        kind = parts[0]
        if len(parts) == 1:
            return self.create(kind, body) if method == "POST" else self.list(kind, query)
        one = self.resources[kind].get(urllib.parse.unquote(parts[1]))
        if one is None:
            return error(404)
        return getattr(self, method.lower())(kind, one, body, headers)

    def service(self):
        return Answer(200, self.config)

    def matching(self, kind, query):
        text = query.get("filter")
        found = list(self.resources[kind].values())
        for name, value in re.findall(r'(\S+) eq "((?:[^"\\]|\\.)*)"', text or ""):
            found = [r for r in found if str(r.get(name, "")).lower() == value.replace("\\", "").lower()]
        return found

    def list(self, kind, query):
        found = self.matching(kind, query)
        start = max(int(query.get("startIndex", 1)), 1)
        page = found[start - 1 : start - 1 + int(query.get("count", 100))]
        return self.page(page, len(found), start)

    def page(self, page, total, start):
        return Answer(200, {"schemas": [LIST], "totalResults": total, "startIndex": start, "itemsPerPage": len(page),
                            "Resources": [self.shown(r) for r in page]})  # fmt: skip

    def shown(self, resource):
        return resource

    def create(self, kind, body):
        name = "userName" if kind == "Users" else "displayName"
        if any(r.get(name, "").lower() == body[name].lower() for r in self.resources[kind].values()):
            return error(409, "uniqueness", f"{name} is taken")
        self.number += 1
        one = dict(body, id=f"{kind[0]}{self.number}")
        one.pop("meta", None)
        self.resources[kind][one["id"]] = one
        return self.created(kind, one)

    def created(self, kind, one):
        return Answer(201, self.shown(one), [("Location", f"/{self.name}/{kind}/{one['id']}")])

    def get(self, kind, one, body, headers):
        return Answer(200, self.shown(one))

    def put(self, kind, one, body, headers):
        self.resources[kind][one["id"]] = dict(body, id=one["id"])
        return Answer(200, self.shown(self.resources[kind][one["id"]]))

    def patch(self, kind, one, body, headers):
        for op in body["Operations"]:
            self.apply(one, op["op"].lower(), op.get("path"), op.get("value"))
        return self.patched(kind, one)

    def patched(self, kind, one):
        return Answer(200, self.shown(one))

    def apply(self, one, op, path, value):
        urn, _, name = path.rpartition(":")
        holder = one.setdefault(urn, {}) if urn else one
        element = re.fullmatch(r'(\w+)\[(\w+) eq "([^"]*)"\](?:\.(\w+))?', name)
        if element:
            attribute, term, wanted, sub = element.groups()
            elements = holder.setdefault(attribute, [])
            fitting = [e for e in elements if e.get(term) == wanted]
            if op == "remove" and not sub:
                holder[attribute] = [e for e in elements if e not in fitting]
                return
            if not fitting:
                elements.append({term: wanted})
                fitting = elements[-1:]
            fitting[0][sub] = value
        elif name == "members":
            members = holder.setdefault("members", [])
            members += [m for m in value if m["value"] not in [x["value"] for x in members]]
        elif "." in name:
            attribute, _, sub = name.partition(".")
            holder.setdefault(attribute, {})[sub] = value
        elif op == "remove":
            holder.pop(name, None)
        else:
            holder[name] = value

    def delete(self, kind, one, body, headers):
        del self.resources[kind][one["id"]]
        for group in self.resources["Groups"].values():
            group["members"] = [m for m in group.get("members", []) if m["value"] != one["id"]]
        return self.deleted()

    def deleted(self):
        return Answer(204)

    def everything(self):
        return list(self.resources["Users"].values()) + list(self.resources["Groups"].values())


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    modes = {}

    def answer(self):
        url = urllib.parse.urlparse(self.path)
        name, _, path = url.path.lstrip("/").partition("/")
        mode = self.modes[name]
        query = dict(urllib.parse.parse_qsl(url.query))
        length = int(self.headers.get("Content-Length") or 0)
        data = self.rfile.read(length) if length else b""
        with mode.lock:
            mode.seen.append((self.command, "/" + path, dict(self.headers)))
            result = mode.handle(self.command, "/" + path, query, json.loads(data) if data else None, self.headers)
        self.send(mode, result)

    def send(self, mode, result):
        if result.raw is not None:
            self.wfile.write(result.raw)
            self.wfile.flush()
            self.close_connection = True
            return
        body = result.body
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        self.send_response(result.status)
        for header in result.headers:
            self.send_header(*header)
        if data and mode.types and not any(n == "Content-Type" for n, _ in result.headers):
            self.send_header("Content-Type", mode.types)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 64
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # who hangs up is what is tested


def serve():
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def packed(value):
    return gzip.compress(json.dumps(value).encode())


def reset(connection):
    """Closes so that the other side sees a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def pause(seconds):
    time.sleep(seconds)
