"""A PostgreSQL of its own for an end-to-end test, that can be killed, halted and started again."""

import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

from lib import USHER, Usher, fail


class Postgres:
    def __init__(self):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))
        if not found:
            fail("this test needs PostgreSQL: tools/install-deps")
        self.programs = os.path.dirname(found[-1])
        self.dir = tempfile.mkdtemp(prefix="usher-pg.", dir="/tmp")  # short: the path of a socket is
        self.account = {}
        if os.geteuid() == 0:  # PostgreSQL does not run as root
            user = pwd.getpwnam("postgres")
            os.chown(self.dir, user.pw_uid, user.pw_gid)
            self.account = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self.server = None
        self.halted = []
        subprocess.run([f"{self.programs}/initdb", "-D", f"{self.dir}/data", "-U", "usher", "-A", "trust", "--locale=C",
                        "--encoding=UTF8", "--no-sync", "--no-instructions"], cwd=self.dir, check=True,
                       stdout=subprocess.DEVNULL, **self.account)
        self.url = f"postgresql:///postgres?host={self.dir}&user=usher"
        self.start()

    def start(self):
        """Also after a kill: then it recovers from its log."""
        with open(f"{self.dir}/log", "a", encoding="utf-8") as log:
            self.server = subprocess.Popen([f"{self.programs}/postgres", "-D", f"{self.dir}/data", "-k", self.dir,
                                            "-c", "listen_addresses="], cwd=self.dir, stdin=subprocess.DEVNULL,
                                           stdout=log, stderr=log, start_new_session=True, **self.account)
        end = time.monotonic() + 60
        while subprocess.run([f"{self.programs}/pg_isready", "-q", "-h", self.dir], check=False).returncode != 0:
            if time.monotonic() > end or self.server.poll() is not None:
                with open(f"{self.dir}/log", encoding="utf-8") as log:
                    fail(f"PostgreSQL does not start: {log.read()}")
            time.sleep(0.05)

    def kill(self):
        """All of its processes at once, as when the machine goes down."""
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.server.wait()
        self.server = None

    def processes(self):
        """The server's and its children's, which are sessions of their own."""
        out = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.server.pid)], check=True, capture_output=True,
                             text=True)
        return [self.server.pid, *(int(pid) for pid in out.stdout.split())]

    def halt(self):
        """Connections stay, and nobody answers."""
        self.halted = self.processes()
        for pid in self.halted:
            os.kill(pid, signal.SIGSTOP)

    def go_on(self):
        for pid in self.halted:
            os.kill(pid, signal.SIGCONT)

    def remove(self):
        if self.server:
            self.server.send_signal(signal.SIGQUIT)
            self.server.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


class OnPostgres(Usher):
    """usher with its data in that database."""

    def __init__(self, data, url):
        super().__init__(data)
        self.url = url

    def argv(self, *args):
        return [USHER, "--data", self.data, "--database", self.url, *args]
