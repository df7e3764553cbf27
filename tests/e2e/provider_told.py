"""What the application behind the provider is told while the provider is killed again and again: by the feed that it
asks for, and by the webhook (scim.md 14). Used by provider_killed.py."""

import http.server
import json
import threading
import time

from lib import check, check_eq


def number(version):
    return int(version.removeprefix('W/"').removesuffix('"'))


class Story:
    """Records in the order of their numbers: no gap, no change behind a removal, versions one by one."""

    def __init__(self, what):
        self.what = what
        self.seq = 0
        self.versions = {}  # id -> version
        self.gone = set()

    def take(self, record):
        id, action, version = record["id"], record["action"], number(record["version"])
        check_eq(f"{self.what}: the record behind {self.seq}", self.seq + 1, record["seq"])
        check(f"{self.what}: a removed one changes: {record}", id not in self.gone)
        check_eq(f"{self.what}: whether it is new: {record}", action == "create", id not in self.versions)
        if action == "create":
            check_eq(f"{self.what}: version of a new one", 1, version)
        elif action == "update":
            check_eq(f"{self.what}: version after a change: {record}", self.versions[id] + 1, version)
        self.seq = record["seq"]
        if action == "delete":
            del self.versions[id]
            self.gone.add(id)
        else:
            self.versions[id] = version


class Feed:
    """Read from where the last life of the provider left off."""

    def __init__(self):
        self.story = Story("feed")

    def read(self, client):
        while True:
            status, page, _ = client.ask("GET", f"/changes?since={self.story.seq}&count=500", base="/scim/plant")
            check_eq("status of the feed", 200, status)
            for record in page["changes"]:
                self.story.take(record)
            check_eq("where the feed goes on", self.story.seq, page["next"])
            if not page["changes"]:
                return


class Receiver:
    """The webhook's other end: takes what it is told, at least once and in order."""

    def __init__(self):
        self.story = Story("webhook")
        self.problem = None
        self.again = 0  # records that were told before
        self.lock = threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with receiver.lock:
                    receiver.take(body.get("changes", []))
                self.send_response(204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/told"

    def take(self, records):
        for record in records:
            if record["seq"] <= self.story.seq:
                self.again += 1
                continue
            try:
                self.story.take(record)
            except BaseException as error:  # pylint: disable=broad-exception-caught
                self.problem = self.problem or error or "wrong"

    def wait(self, seq):
        end = time.monotonic() + 60
        while self.story.seq < seq and not self.problem and time.monotonic() < end:
            time.sleep(0.05)
        check(f"what the webhook was told: {self.problem}", not self.problem)
        check_eq("the last record that the webhook was told", seq, self.story.seq)
