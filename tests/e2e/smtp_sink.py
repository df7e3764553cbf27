"""A mail server and a receiver of webhooks for the tests: they speak as real ones do, keep what they got,
and refuse what they are told to refuse."""

import asyncio
import base64
import email
import email.policy
import hashlib
import hmac
import http.server
import json
import ssl
import threading


class Smtp:
    """One SMTP server on a port of 127.0.0.1, on a thread of its own.

    starttls, tls: contexts to offer STARTTLS with, or to speak TLS from the start. auth: mechanisms that
    are offered ("PLAIN", "LOGIN"); then mail is taken after authentication only. answers: what is said
    instead, by verb ("RCPT", "DATA", "." for the end of the message), one for each time."""

    def __init__(self, starttls=None, tls=None, auth=(), users=None, port=0):
        self.starttls, self.tls, self.auth, self.users = starttls, tls, auth, users or {}
        self.answers = {}
        self.messages = []  # (sender, recipients, bytes), taken
        self.refused = []  # bytes of messages that were refused after DATA
        self.log = []  # what clients said, secrets included
        self.sessions = 0
        self.loop = asyncio.new_event_loop()
        self.port = port
        self.thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()
        self.thread.start()
        self._ready.wait(10)

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.server = self.loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.tls)
        )
        self.port = self.server.sockets[0].getsockname()[1]
        self._ready.set()
        self.loop.run_forever()

    def stop(self):
        async def end():
            self.server.close()
            for task in asyncio.all_tasks():
                if task is not asyncio.current_task():
                    task.cancel()
            await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    def parsed(self, i=-1):
        return email.message_from_bytes(self.messages[i][2], policy=email.policy.default)

    # --- the dialogue ---

    async def _serve(self, reader, writer):
        self.sessions += 1
        try:
            await self._session(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _session(self, reader, writer):
        state = {"tls": self.tls is not None, "user": None, "sender": None, "recipients": []}

        async def say(text):
            writer.write(text.encode() + b"\r\n")
            await writer.drain()

        async def hear():
            line = await reader.readline()
            if not line:
                raise ConnectionError
            assert line.endswith(b"\r\n"), line
            self.log.append(line[:-2].decode())
            return line[:-2].decode()

        def instead(verb):
            waiting = self.answers.get(verb)
            return waiting.pop(0) if waiting else None

        await say(instead("connect") or "220 sink.example ESMTP")
        while True:
            line = await hear()
            verb = line.split(" ", 1)[0].upper()
            other = instead(verb)
            if other:
                await say(other)
            elif verb in ("EHLO", "HELO"):
                offers = ["sink.example", "SIZE 1000000", "8BITMIME"]
                if self.starttls and not state["tls"]:
                    offers.append("STARTTLS")
                if self.auth and (state["tls"] or not self.starttls):
                    offers.append("AUTH " + " ".join(self.auth))
                for i, offer in enumerate(offers):
                    await say(f"250{'-' if i + 1 < len(offers) else ' '}{offer}")
            elif verb == "STARTTLS" and self.starttls and not state["tls"]:
                await say("220 go ahead")
                await writer.start_tls(self.starttls)
                state["tls"] = True
            elif verb == "AUTH":
                state["user"] = await self._authenticate(line, say, hear)
                await say("235 fine" if state["user"] else "535 5.7.8 bad credentials")
            elif verb == "MAIL":
                if self.auth and not state["user"]:
                    await say("530 5.7.0 authentication required")
                else:
                    state["sender"] = line
                    await say("250 fine")
            elif verb == "RCPT":
                state["recipients"].append(line)
                await say("250 fine")
            elif verb == "DATA":
                await say("354 go on")
                message = await self._message(reader)
                other = instead(".")
                if other:
                    self.refused.append(message)
                    await say(other)
                else:
                    self.messages.append((state["sender"], state["recipients"], message))
                    await say("250 taken")
                state["recipients"] = []
            elif verb == "QUIT":
                await say("221 bye")
                return
            else:
                await say("502 what?")

    async def _authenticate(self, line, say, hear):
        words = line.split(" ")
        if words[1] not in self.auth:
            return None
        if words[1] == "PLAIN":
            if len(words) < 3:
                await say("334 ")
                words.append(await hear())
            _, user, password = base64.b64decode(words[2]).decode().split("\0")
        else:
            if len(words) < 3:
                await say("334 " + base64.b64encode(b"Username:").decode())
                words.append(await hear())
            user = base64.b64decode(words[2]).decode()
            await say("334 " + base64.b64encode(b"Password:").decode())
            password = base64.b64decode(await hear()).decode()
        return user if self.users.get(user) == password else None

    async def _message(self, reader):
        lines = []
        while True:
            line = await reader.readline()
            if line == b".\r\n":
                return b"".join(lines)
            if not line:
                raise ConnectionError
            assert line.endswith(b"\r\n") and len(line) <= 1000, line
            assert b"\r" not in line[:-2] and max(line) < 128, line
            lines.append(line[1:] if line.startswith(b".") else line)


class Webhook:
    """Receives POSTs; answers: status codes, one for each, then 204."""

    def __init__(self, secret):
        self.got = []  # (headers, body as bytes)
        self.answers = []
        self.secret = secret
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sink.got.append((dict(self.headers), body))
                status = sink.answers.pop(0) if sink.answers else 204
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def json(self, i=-1):
        return json.loads(self.got[i][1])

    def verify(self, i=-1):
        """The time that was signed; fails when the signature is not right."""
        headers, body = self.got[i]
        parts = dict(part.split("=", 1) for part in headers["Usher-Signature"].split(","))
        want = hmac.new(self.secret.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
        assert hmac.compare_digest(want, parts["v1"]), "the signature of the webhook is wrong"
        return int(parts["t"])
