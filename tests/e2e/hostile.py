"""See hostile.sh: PORT PID KEY."""

import json
import os
import resource
import selectors
import socket
import sys
import threading
import time
import urllib.parse

from lib import CORE, check, check_eq, done, fail, step

PORT, PID, KEY = int(sys.argv[1]), sys.argv[2], sys.argv[3]
BASE = "/scim/target/v2"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
IDLE = int(os.environ.get("IDLE") or 10000)
USERS = 1500
SLOWEST_S = 3.0  # for the other client, with sanitizers on a machine that has more to do
# More than before, at any time: 128 MiB of bodies and answers that wait, and what six threads have in work.
MEMORY_KIB = 448 * 1024


def memory(name):
    with open(f"/proc/{PID}/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(name + ":"))


def connect(source=None, timeout=60):
    s = socket.create_connection(("127.0.0.1", PORT), timeout=timeout, source_address=source and (source, 0))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def request(method, path, body=b"", *headers, length=True, key=KEY):
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {key}", *headers]
    if body or length and method in ("POST", "PUT", "PATCH"):
        head += ["Content-Type: application/scim+json"] + [f"Content-Length: {len(body)}"] * length
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


def receive(s, buffer=b""):
    """Status, body and the rest; status None when the connection ended without an answer."""
    try:
        while b"\r\n\r\n" not in buffer:
            data = s.recv(65536)
            if not data:
                return None, b"", buffer
            buffer += data
        head, rest = buffer.split(b"\r\n\r\n", 1)
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
        while len(rest) < length:
            data = s.recv(65536)
            if not data:
                fail(f"an answer without its end: {head}")
            rest += data
    except ConnectionResetError:
        return None, b"", buffer
    return int(head.split()[1]), rest[:length], rest[length:]


def closes(s):
    """Whether the server ends the connection, with nothing more said."""
    try:
        s.settimeout(15)
        return s.recv(1) == b""
    except ConnectionResetError:
        return True


def ask(*parts, **options):
    with connect() as s:
        s.sendall(request(*parts, **options))
        status, body, _ = receive(s)
    return status, json.loads(body) if body.startswith(b"{") else body


class Other(threading.Thread):
    """The client that means no harm: it reads its user, creates and deletes one, and is answered in time."""

    def __init__(self, id):
        super().__init__(daemon=True)
        self.id = id
        self.slowest = 0.0
        self.count = 0
        self.problem = None
        self.over = threading.Event()

    def exchange(self, s, want, *parts):
        began = time.monotonic()
        s.sendall(request(*parts))
        status, body, _ = receive(s)
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.count += 1
        if status != want:
            raise ValueError(f"{parts[0]} {parts[1]}: {status} {body}")
        return body

    def run(self):
        n = 0
        try:
            while not self.over.wait(0.02):
                began = time.monotonic()
                with connect("127.0.0.2") as s:  # a new connection each time: it has to be accepted, too
                    self.slowest = max(self.slowest, time.monotonic() - began)
                    self.exchange(s, 200, "GET", f"{BASE}/Users/{self.id}")
                    made = self.exchange(s, 201, "POST", f"{BASE}/Users", user(f"other{n}"))
                    self.exchange(s, 204, "DELETE", f"{BASE}/Users/{json.loads(made)['id']}")
                    n += 1
        except (OSError, ValueError) as error:
            self.problem = error

    def check(self, what):
        end = time.monotonic() + SLOWEST_S
        while self.count < 10 and time.monotonic() < end and not self.problem:
            time.sleep(0.01)
        check(f"{what}: the other client: {self.problem}", not self.problem)
        check(f"{what}: the other client was served {self.count} times", self.count > 0)
        check(f"{what}: the other client waited {self.slowest:.2f} s", self.slowest < SLOWEST_S)
        print(f"  {what}: {self.count} answers to another client, the slowest after {self.slowest * 1000:.0f} ms; "
              f"{memory('VmHWM') // 1024} MiB at most", flush=True)
        self.slowest, self.count = 0.0, 0


def user(name, **more):
    return json.dumps({"schemas": [CORE], "userName": name, **more}).encode()


def patch(*ops):
    return json.dumps({"schemas": [PATCH], "Operations": ops}).encode()


def searched(text):
    return json.dumps({"schemas": [SEARCH], "filter": text}).encode()


def refusals(id):
    """What is sent, and the status and scimType it gets."""
    one, users, search = f"{BASE}/Users/{id}", f"{BASE}/Users", f"{BASE}/Users/.search"
    quote = urllib.parse.quote
    cases = []

    def case(want, *parts):
        cases.append((want, parts))

    for bomb in ("(" * 4000 + "userName pr" + ")" * 4000, "not (" * 1000 + "userName pr" + ")" * 1000,
                 " or ".join(["title pr"] * 800), "emails[" * 500 + "value pr" + "]" * 500, "(" * 8000,
                 "userName eq \"" + "\\" * 7001 + "\"", "emails[type eq \"work\" and " * 200, "a" * 20000 + " pr",
                 "userName " + "eq " * 3000, ".".join(["a"] * 4000) + " pr"):
        case((400, "invalidFilter"), "POST", search, searched(bomb))
        if len(quote(bomb)) < 14000:
            case((400, "invalidFilter"), "GET", f"{users}?filter={quote(bomb)}")
    for path in ("members[" * 300, "emails[" + "(" * 3000 + "value pr", "a" * 9000, "emails[value eq \"" * 500):
        case((400, {"invalidPath", "invalidFilter"}), "PATCH", one, patch({"op": "remove", "path": path}))
    for body in (b"[" * 500000, b'{"a":' * 100000, b'{"userName":' + b"[" * 40 + b"]" * 40 + b"}", b"{" * 1000000, b'"' + b"a" * 900000,
                 b'{"userName":"a"', b"", b"\0" * 1000, b'{"userName":"\\ud800"}', b'{"userName":"\xff\xfe"}', b'{"userName":"\xc0\xaf"}',
                 b'{"userName":"\xed\xa0\x80"}', b'{"userName":"a","userName":"b"}', b'{"x":' + b"9" * 400000 + b"x}", b'{"x":1e}',
                 b'{"userName":"a"}{"userName":"b"}', b'\xef\xbb\xbf{"userName":\xef\xbb\xbf"a"}', b"{'userName':'a'}", b'{"x":NaN}'):
        case((400, {"invalidSyntax", "invalidValue"}), "POST", users, body)
    for number in ("0" * 400 + "x", "1" * 400 + ".5"):
        case((400, "invalidValue"), "GET", f"{users}?count=1&startIndex={number}")
        case((400, "invalidValue"), "GET", f"{users}?count={number}")
    for number in ("9" * 18, "-" + "9" * 18, "1" * 400, "-" + "9" * 400):  # as far as there is something
        case((200, None), "GET", f"{users}?count=1&startIndex={number}")
        case((200, None), "GET", f"{users}?count={number}&attributes=id")
    for number in ("1e3", "NaN", "0x10", "%31%00", "--1"):
        case((400, {"invalidValue", "invalidSyntax"}), "GET", f"{users}?startIndex={number}")
    for text in ("%ff", "%c0%af", "%ed%a0%80", "%00", "%u0041", "%", "%4"):
        case((400, None), "GET", f"{users}?filter=userName%20eq%20%22{text}%22")
    for path in ("../Groups", "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "..\\..\\x", f"{id}/../{id}", f"{id}%00",
                 f"{id}%2f", "%ff%fe", "a" * 5000, "' OR 1=1 --", f"{id};x", "%252e%252e%252f", "*", "."):
        for method, body in (("GET", b""), ("DELETE", b""), ("PATCH", patch({"op": "remove", "path": "title"}))):
            case(({400, 404}, None), method, f"{users}/{path.replace(' ', '%20')}", body)
    case((412, None), "DELETE", one, b"", 'If-Match: W/"99999999999999999999999999"')
    case((412, None), "DELETE", one, b"", "If-Match: " + ",".join(['"x"'] * 1000))
    case((400, None), "GET", f"{users}?count=2&cursor=" + "A" * 9000)
    case((401, None), "GET", users, b"", "Authorization: Bearer " + KEY)  # twice: not a token
    case((413, None), "POST", f"{BASE}/Bulk",
         json.dumps({"schemas": [BULK], "Operations": [{"method": "DELETE", "path": "/Users/x"}] * 1001}).encode())
    case((431, None), "GET", users, b"", *[f"X-{n}: y" for n in range(500)])
    case((431, None), "GET", users, b"", "X: " + "y" * 20000)
    case((414, None), "GET", f"{users}?" + "a" * 30000)
    return cases


def fits(want, status, answer):
    statuses, types = (w if isinstance(w, set) else {w} for w in want)
    return status in statuses and (types == {None} or isinstance(answer, dict) and answer.get("scimType") in types)


def send_refusals(id):
    wrong = []
    for want, parts in refusals(id):
        status, answer = ask(*parts)
        what = f"{parts[0]} {parts[1][:100]} {parts[2][-100:] if len(parts) > 2 else ''}"
        if not fits(want, status, answer):
            wrong.append(f"{what}: expected {want}, got {status} {str(answer)[:300]}")
    check("\n".join(wrong), not wrong)


def smuggling():
    """Requests of two meanings: refused, the connection closed, and what they hide is not done."""
    hidden = request("POST", f"{BASE}/Users", user("smuggled"))
    start = f"POST {BASE}/Users HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\nContent-Type: application/json\r\n"
    for head, body in (
            ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
            ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n"),
            ("Content-Length: 0\r\nContent-Length: 5\r\n", b""),
            ("Content-Length: 0, 5\r\n", b""),
            ("Content-Length: +0\r\n", b""), ("Content-Length: 0x0\r\n", b""), ("Content-Length: -1\r\n", b""),
            ("Content-Length: 99999999999999999999999\r\n", b""),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", b"0\r\n\r\n"),
            ("Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"), ("Transfer-Encoding: chunked, gzip\r\n", b"0\r\n\r\n"),
            ("Transfer-Encoding : chunked\r\n", b"0\r\n\r\n"), ("Transfer-Encoding:\x0bchunked\r\n", b"0\r\n\r\n"),
            ("X: y\r\n Content-Length: 5\r\n", b""), ("X: y\rContent-Length: 5\r\n", b""), ("X: y\nContent-Length: 5\r\n", b""),
            ("X: \0\r\nContent-Length: 0\r\n", b""), ("Host: other\r\nContent-Length: 0\r\n", b""),
            ("Transfer-Encoding: chunked\r\n", b"-1\r\n\r\n"), ("Transfer-Encoding: chunked\r\n", b"ffffffffffffffffff\r\n"),
            ("Transfer-Encoding: chunked\r\n", b"0x5\r\nhello\r\n0\r\n\r\n"), ("Transfer-Encoding: chunked\r\n", b"5;a\nhello\r\n0\r\n\r\n")):
        with connect() as s:
            s.sendall(start.encode() + head.encode("latin-1") + b"\r\n" + body + hidden)
            status, answer, rest = receive(s)
            check(f"{head!r}: {status} {answer}", status in (400, 413, 501))
            check(f"{head!r}: no second answer: {rest}", rest == b"" and closes(s))
    status, found = ask("GET", f"{BASE}/Users?filter=userName%20eq%20%22smuggled%22")
    check_eq("users that were smuggled in", (200, 0), (status, found["totalResults"]))


def flood(count, make, want):
    """So many connections at once, each with one request; all are answered as they should be."""
    sockets = [connect(f"127.0.1.{n % 200 + 1}") for n in range(count)]
    for n, s in enumerate(sockets):
        s.sendall(make(n))
    for s in sockets:
        status, body, _ = receive(s)
        check(f"{status} {body[:200]}", status in want)
        s.close()


def dripping():
    """Heads, bodies and answers at a crawl: each is cut off, the body's with 408."""
    began = time.monotonic()
    heads = [connect("127.0.3.1") for _ in range(200)]
    bodies = [connect("127.0.3.2") for _ in range(200)]
    for s in heads:
        s.sendall(f"GET {BASE}/Users HTTP/1.1\r\nX: ".encode())
    for s in bodies:
        s.sendall(request("POST", f"{BASE}/Users", b"x" * 100000)[:400])
    alive = heads + bodies
    answered = {}
    while alive and time.monotonic() - began < 30:
        for s in list(alive):
            try:
                s.setblocking(False)
                data = s.recv(65536)
                if data:
                    answered[s] = data
                alive.remove(s)
            except BlockingIOError:
                try:
                    s.send(b"y")
                except OSError:
                    pass
            except OSError:
                alive.remove(s)
        time.sleep(0.3)
    check(f"{len(alive)} dripping connections are still there after 30 s", not alive)
    told = sum(a.startswith(b"HTTP/1.1 408 ") for a in answered.values())
    check(f"only {told} of 400 were told 408", told >= 380)
    for s in heads + bodies:
        s.close()


def unread():
    """Answers that nobody takes: a client asks and asks on one connection and never reads."""
    sockets = []
    for n in range(100):
        s = connect(f"127.0.4.{n + 1}")
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.setblocking(False)
        try:
            s.send(request("GET", f"{BASE}/Users?count=200") * 200)
        except BlockingIOError:
            pass
        sockets.append(s)
    time.sleep(2)
    for s in sockets:
        s.close()


def hoarded_bodies():
    """Bodies of 1 MB to which the end is missing, twice as much as there is memory for: the oldest are told."""
    part = request("POST", f"{BASE}/Users", b"x" * 1000000)[:-1]
    sockets = []
    for n in range(270):
        s = connect(f"127.0.210.{n % 100 + 1}")
        try:
            s.sendall(part)
        except OSError:
            pass  # refused before its end
        sockets.append(s)
    s = connect()
    s.sendall(request("POST", f"{BASE}/Users", b'{"userName":"' + b"[" * 100000))
    check_eq("a body that has its end", 400, receive(s)[0])
    s.close()
    told = 0
    for s in sockets:
        s.setblocking(False)
        try:
            told += s.recv(100).startswith(b"HTTP/1.1 503 ")
        except OSError:
            pass
        s.close()
    check(f"{told} of 270 were told 503", told >= 100)


def hoarded_answers():
    """Pages of 8 MiB that nobody takes, four times as much as there is memory for; who takes one gets it."""
    large = [{"value": f"http://x/{'y' * 90}{n}", "type": "photo"} for n in range(6000)]
    for n in range(12):
        status, answer = ask("POST", f"{BASE}/Users", user(f"large{n}", title="large", photos=large))
        check_eq(f"creating a large user: {str(answer)[:300]}", 201, status)
    page = request("GET", f"{BASE}/Users?count=200&filter=title%20eq%20%22large%22")
    sockets = []
    for n in range(60):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(60)
        s.bind((f"127.0.211.{n + 1}", 0))
        s.connect(("127.0.0.1", PORT))
        s.sendall(page)
        s.recv(1)  # it has begun
        sockets.append(s)
    with connect() as s:
        s.sendall(page)
        status, body, _ = receive(s)
    found = json.loads(body)
    check_eq("a page that is taken", (200, 12), (status, found["totalResults"]))
    check(f"a page of {len(body)} bytes, {found['itemsPerPage']} users", 0 < found["itemsPerPage"] < 12 and len(body) < 10 << 20)
    for s in sockets:
        s.close()
    for resource in found["Resources"]:
        check_eq("deleting a large user", 204, ask("DELETE", f"{BASE}/Users/{resource['id']}")[0])
    for resource in ask("GET", f"{BASE}/Users?filter=title%20eq%20%22large%22&attributes=id")[1]["Resources"]:
        check_eq("deleting a large user", 204, ask("DELETE", f"{BASE}/Users/{resource['id']}")[0])


def costly_patches():
    """PATCHes that would compare 100 million times, alone and in a bulk: refused early."""
    mails = [{"value": f"e{n}@x.example", "type": "work"} for n in range(5000)]
    status, one = ask("POST", f"{BASE}/Users", user("many", emails=mails))
    check_eq("a user with many mails", 201, status)
    path = "emails[" + " or ".join(f'value co "{n}q"' for n in range(200)) + ' or type eq "work"].display'
    costly = patch(*[{"op": "replace", "path": path, "value": str(n)} for n in range(100)])
    flood(3, lambda n: request("PATCH", f"{BASE}/Users/{one['id']}", costly), {413})
    less = {"method": "PATCH", "path": f"/Users/{one['id']}", "data": json.loads(patch(*[
        {"op": "replace", "path": 'emails[type eq "work"].display', "value": str(n)} for n in range(20)]))}
    flood(3, lambda n: request("POST", f"{BASE}/Bulk", json.dumps({"schemas": [BULK], "Operations": [less] * 100}).encode()), {200})
    check_eq("deleting it", 204, ask("DELETE", f"{BASE}/Users/{one['id']}")[0])


def idle(other):
    """As many connections as the server takes at all, from many addresses, which never say a word or said
    one and wait."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    count = min(IDLE, soft - 200)
    word = request("GET", f"{BASE}/Users/{other.id}")
    poll = selectors.DefaultSelector()
    sockets, told = [], 0
    for n in range(count):
        s = connect(f"127.0.{5 + n // 250 % 200}.{n % 250 + 1}", timeout=10)
        sockets.append(s)
        if n % 2:
            s.sendall(word)
            told += 1
    opened = memory("VmRSS")
    other.slowest, other.count = 0.0, 0
    time.sleep(3)
    for s in sockets:
        s.setblocking(False)
        poll.register(s, selectors.EVENT_READ)
    served = 0
    for event, _ in poll.select(0):
        try:
            served += event.fileobj.recv(65536).startswith(b"HTTP/1.1 200 ")
        except OSError:
            pass
    print(f"  {count} idle connections: {opened // 1024} MiB; {served} of {told} were answered before", flush=True)
    check(f"only {served} of {told} connections were answered", served >= told * 0.95)
    other.check("with all of them open")
    for s in sockets:
        s.close()


def fill():
    for first in range(0, USERS, 500):
        ops = [{"method": "POST", "path": "/Users", "bulkId": str(n),
                "data": {"schemas": [CORE], "userName": f"u{n}", "title": "x" * 200}} for n in range(first, first + 500)]
        status, answer = ask("POST", f"{BASE}/Bulk", json.dumps({"schemas": [BULK], "Operations": ops}).encode())
        check_eq(f"bulk: {str(answer)[:300]}", 200, status)


def main():
    step(f"{USERS} users")
    fill()
    status, mine = ask("POST", f"{BASE}/Users", user("mine"))
    check_eq("creating a user", 201, status)
    before = memory("VmRSS")
    other = Other(mine["id"])
    other.start()

    step("one by one")
    send_refusals(mine["id"])
    other.check("refusals")
    smuggling()
    other.check("smuggling")
    step("many at once")
    bomb = " or ".join(f'title co "{n}y"' for n in range(240))
    flood(60, lambda n: request("POST", f"{BASE}/Users/.search", searched(bomb)), {200, 400, 429, 503})
    other.check("filters that cost as much as may be")
    flood(300, lambda n: request("POST", f"{BASE}/Users", b'{"userName":"' + b"[" * 900000), {400, 429, 503})
    other.check("large bodies")
    flood(300, lambda n: request("GET", f"{BASE}/Users", key="usher_" + "A" * 60), {401, 429})
    other.check("wrong keys")
    big = {"method": "POST", "path": "/Users", "data": {"schemas": [CORE]}}
    flood(20, lambda n: request("POST", f"{BASE}/Bulk", json.dumps({"schemas": [BULK], "Operations": [big] * 1000}).encode()), {200, 429, 503})
    other.check("bulks that fail")
    costly_patches()
    other.check("patches that compare and compare")
    step("slow ones")
    dripping()
    other.check("dripping")
    unread()
    other.check("answers that nobody takes")
    hoarded_bodies()
    other.check("bodies without an end")
    hoarded_answers()
    other.check("large answers that nobody takes")
    step("idle ones")
    idle(other)

    other.over.set()
    other.join()
    peak = memory("VmHWM") - before
    check(f"memory grew by {peak // 1024} MiB at most", peak <= MEMORY_KIB)
    status, found = ask("GET", f"{BASE}/Users?count=0")
    check_eq("users at last", (200, USERS + 1), (status, found["totalResults"]))
    done()


main()
