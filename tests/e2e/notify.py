"""What notify.sh expects of the notices."""

import os
import ssl
import subprocess
import threading
import time

from lib import T, USHER, Usher, check, check_eq, done, fail, step
from smtp_sink import Smtp, Webhook

SECRET = "0123456789abcdef0123456789abcdef"
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("sink.pem", "sink.key")

usher = Usher(f"{T}/data")


def configure(port, scheme="smtp", **settings):
    """The mail server of everything that runs from now on."""
    for name in [n for n in os.environ if n.startswith("USHER_SMTP_") or n == "USHER_CA_FILE"]:
        del os.environ[name]
    os.environ["USHER_SMTP_URL"] = f"{scheme}://127.0.0.1:{port}"
    os.environ["USHER_SMTP_FROM"] = "usher@example.com"
    for name, value in settings.items():
        os.environ["USHER_" + name.upper()] = value


def says(what, *parts, args, code=1):
    """A command fails and says what is wrong."""
    run = subprocess.run(usher.argv(*args), capture_output=True, text=True, timeout=120)
    check_eq(f"exit code of {what}: {run.stdout}{run.stderr}", code, run.returncode)
    for part in parts:
        check(f"{what}: '{part}' is not in: {run.stdout}{run.stderr}", part in run.stdout + run.stderr)


def wait_until(what, holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            fail(f"waited in vain until {what}")
        time.sleep(0.1)


def people(count):
    with open("people.csv", "w", encoding="utf-8") as out:
        out.write("userPrincipalName,displayName,mail\n")
        for i in range(count):
            out.write(f"p{i}@example.com,Person {i},p{i}@example.com\n")
    usher.run("import", "people.csv")


def app(name, *args):
    usher.run("app", "add", "scim", "--name", name, "--url", "http://127.0.0.1:9/scim", "--token", "x",
              "--scope", "all", "--no-test", *args)  # fmt: skip
    usher.run("start", name)


def servers():
    step("a test notice over each kind of connection")
    users = {"relay": "s3cret pass"}
    login = dict(smtp_user="relay", smtp_password="s3cret pass", ca_file=f"{T}/ca.pem")
    for label, sink, scheme in (
        ("STARTTLS, AUTH PLAIN", Smtp(starttls=context, auth=("PLAIN",), users=users), "smtp"),
        ("STARTTLS, AUTH LOGIN", Smtp(starttls=context, auth=("LOGIN",), users=users), "smtp"),
        ("TLS from the start", Smtp(tls=context, auth=("PLAIN", "LOGIN"), users=users), "smtps"),
    ):
        configure(sink.port, scheme, **login)
        usher.run("notify", "test", "Plant", "--to", "ada@example.com")
        check_eq(f"{label}: mails", 1, len(sink.messages))
        check_eq(f"{label}: sender", "MAIL FROM:<usher@example.com>", sink.messages[0][0].split(" SIZE")[0])
        check_eq(f"{label}: recipients", ["RCPT TO:<ada@example.com>"], sink.messages[0][1])
        if scheme == "smtp":
            check(f"{label}: nothing is said before TLS: {sink.log}", sink.log[1] == "STARTTLS")
            check(f"{label}: EHLO once more", sink.log[2].startswith("EHLO"))
        sink.stop()

    step("what is wrong is said in the server's words")
    sink = Smtp(starttls=context, auth=("PLAIN",), users=users)
    test = ("notify", "test", "Plant", "--to", "ada@example.com")
    configure(sink.port, **{**login, "smtp_password": "wrong"})
    says("a wrong password", "answered AUTH with: 535 5.7.8 bad credentials", args=test)
    configure(sink.port, smtp_user="relay", smtp_password="s3cret pass")
    says("a certificate of nobody known", "certificate", args=test)
    check("no password was sent to it", not any(line.startswith("AUTH") for line in sink.log[-3:]))
    configure(sink.port, **login)
    sink.answers["RCPT"] = ["550 5.1.1 no such user here"]
    says("an unknown recipient", "answered RCPT with: 550 5.1.1 no such user here", args=test)
    check_eq("nothing was taken", 0, len(sink.messages))
    sink.stop()
    says("a server that is down", f"127.0.0.1:{sink.port}", args=test)

    sink = Smtp()
    configure(sink.port)
    says("a server without TLS", "offers no TLS", args=test)
    check(f"nothing was sent in the clear: {sink.log}", all(line[:4] in ("EHLO", "QUIT") for line in sink.log))
    configure(sink.port, smtp_tls="opportunistic")
    usher.run(*test)
    configure(sink.port, smtp_tls="none")
    usher.run(*test)
    check_eq("mails without TLS", 2, len(sink.messages))
    sink.stop()

    step("a configuration that cannot work keeps the service from starting")
    serve = ("serve", "--listen", "127.0.0.1:0")
    configure(25, "http")
    says("another scheme", "smtp-url takes", args=serve)
    configure(25, smtp_from="usher")
    says("a bad sender", "smtp-from takes", args=serve)
    configure(25, smtp_tls="maybe")
    says("a bad smtp-tls", "required, opportunistic or none", args=serve, code=2)
    says("a bad recipient", "'nobody' is no mail address", code=1,
         args=("app", "set", "Plant", "--notification-mail", "ada@example.com,nobody"))  # fmt: skip
    says("an injected recipient", "is no mail address",
         args=("app", "set", "Plant", "--notification-mail", "ada@example.com>\r\nDATA"))  # fmt: skip
    says("a webhook without TLS", "or http:// to this machine only",
         args=("app", "set", "Plant", "--setting", "notify.webhook=http://hook.example/"))  # fmt: skip
    says("an unknown event", "there is no event 'fire'",
         args=("app", "set", "Plant", "--setting", "notify.events=fire"))  # fmt: skip


def dead_target():
    step("fifty people and a dead target: quarantine, and mail, in the first cycle")
    sink = Smtp()
    configure(sink.port, smtp_tls="none", public_url="https://usher.example.com")
    app("Dead", "--notification-mail", "ada@example.com, bob@example.com")
    says("the first cycle", "127.0.0.1", args=("start", "Dead", "--wait"))
    check_eq("state", "Quarantine", usher.json("status", "Dead")["state"])
    check_eq("waiting", 2, usher.json("status", "Dead")["notices"]["waiting"])
    usher.run("notify", "flush", "Dead")
    check_eq("one mail each", [["RCPT TO:<ada@example.com>"], ["RCPT TO:<bob@example.com>"]],
             sorted(m[1] for m in sink.messages))  # fmt: skip
    mail = sink.parsed(0)
    check_eq("defects", [], list(mail.defects))
    check_eq("subject", "usher: Dead is in quarantine", mail["Subject"])
    check_eq("from", "usher <usher@example.com>", mail["From"])
    check_eq("automatic", "auto-generated", mail["Auto-Submitted"])
    check_eq("type", ("text/plain", "utf-8"), (mail.get_content_type(), mail.get_content_charset()))
    check(f"date: {mail['Date']}", abs(mail["Date"].datetime.timestamp() - time.time()) < 600)
    text = mail.get_content()
    for part in ("Dead is in quarantine since", "Reason: ", "What it means", "usher app test Dead",
                 "usher start Dead", "https://usher.example.com"):  # fmt: skip
        check(f"'{part}' is not in {text}", part in text)
    ids = {sink.parsed(i)["Message-ID"] for i in range(2)}
    check_eq("an id of its own for each", 2, len(ids))
    says("the next cycle", "127.0.0.1", args=("start", "Dead", "--wait"))
    kinds = [n["kind"] for n in usher.json("notify", "list", "Dead") if n["recipient"] == "ada@example.com"]
    check_eq("a start lifts the quarantine", ["quarantineEntered", "quarantineLeft", "quarantineEntered"], kinds)
    sink.stop()


def refusals():
    step("refused for now, then taken: once, under the same Message-ID")
    sink = Smtp()
    configure(sink.port, smtp_tls="none")
    app("Grey", "--notification-mail", "ada@example.com")
    says("the first cycle", args=("start", "Grey", "--wait"))
    sink.answers["RCPT"] = ["450 4.2.0 greylisted"]
    says("the first try", "answered RCPT with: 450 4.2.0 greylisted", args=("notify", "flush", "Grey"))
    (notice,) = usher.json("notify", "list", "Grey")
    check_eq("it waits", ("waits", 1, "ada@example.com"), (notice["state"], notice["attempts"], notice["recipient"]))
    check(f"error: {notice['error']}", "greylisted" in notice["error"])
    check(f"status: {usher.run('status', 'Grey')}", "greylisted" in usher.run("status", "Grey"))
    sink.answers["."] = ["451 4.3.0 disk full"]
    says("the second try", "451 4.3.0 disk full", args=("notify", "flush", "Grey"))
    usher.run("notify", "flush", "Grey")
    usher.run("notify", "flush", "Grey")
    check_eq("taken once", 1, len(sink.messages))
    check_eq("the same mail", sink.refused[0], sink.messages[0][2])
    (notice,) = usher.json("notify", "list", "Grey")
    check_eq("sent", ("sent", 3, ""), (notice["state"], notice["attempts"], notice["error"]))
    check_eq("its id", f"<{notice['messageId']}@example.com>", sink.parsed()["Message-ID"])
    sink.stop()


def down():
    step("a mail server that is down stops no cycle, and loses nothing")
    sink = Smtp()
    port = sink.port
    sink.stop()
    configure(port, smtp_tls="none")
    os.environ["USHER_LISTEN"] = "127.0.0.1:0"
    with open("serve.log", "wb") as log:
        serve = subprocess.Popen(usher.argv("serve"), stdout=open("serve.out", "wb"), stderr=log)
    try:
        wait_until("the service listens", lambda: "http://" in open("serve.out").read())
        url = open("serve.out").read().split()[-1]
        usher.run("tenant", "add", "generic", "plant")
        key = usher.json("key", "add", "plant", "--description", "e2e")["key"]
        usher.run("app", "set", "Grey", "--url", f"{url}/scim/plant/v2", "--token", key)
        usher.run("start", "Grey")  # lifts the quarantine, which is told
        wait_until("the cycle has made everybody",
                   lambda: usher.json("status", "Grey")["counts"]["users"] == 50)  # fmt: skip
        waits = lambda: [n for n in usher.json("notify", "list", "Grey") if n["state"] == "waits"]
        check_eq("what waits meanwhile", ["quarantineLeft"], [n["kind"] for n in waits()])
        wait_until("the service has tried one", lambda: "notice_not_sent" in open("serve.log").read())
        sink = Smtp(port=port)
        usher.run("notify", "flush", "Grey")
        check_eq("and then it comes", "usher: Grey is out of quarantine", sink.parsed()["Subject"])
        step("the service sends by itself")
        usher.run("app", "set", "Dead", "--setting", "notify.events=quarantineLeft", "--notification-mail",
                  "eve@example.com")  # fmt: skip
        usher.run("start", "Dead")
        wait_until("the mail is there",
                   lambda: any("<eve@example.com>" in r for m in sink.messages for r in m[1]), 90)  # fmt: skip
        check_eq("mails to eve", 1, sum("<eve@example.com>" in r for m in sink.messages for r in m[1]))
    finally:
        serve.terminate()
        check_eq("the service ends in order", 0, serve.wait(60))
    sink.stop()


def many():
    step("two processes send at once: each mail once")
    sink = Smtp()
    configure(sink.port, smtp_tls="none")
    mails = [f"r{i}@example.com" for i in range(40)]
    app("Many", "--notification-mail", ",".join(mails))
    says("the first cycle", args=("start", "Many", "--wait"))
    flushes = [subprocess.Popen(usher.argv("notify", "flush"), stdout=subprocess.DEVNULL) for _ in range(4)]
    check_eq("exit codes", [0, 0, 0, 0], [p.wait(120) for p in flushes])
    check_eq("recipients", sorted(f"RCPT TO:<{m}>" for m in mails), sorted(r for m in sink.messages for r in m[1]))
    sink.stop()


def names():
    step("names that would be headers, and names of other alphabets")
    sink = Smtp()
    configure(sink.port, smtp_tls="none")
    for name in ("Plant\r\nBcc: eve@example.com\r\n\r\nX", "Größe 工場 " + "ü" * 60, "It's; rm -rf .\n.\nDATA"):
        app(name, "--notification-mail", "ada@example.com")
        says("the first cycle", args=("start", name, "--wait"))
        usher.run("notify", "flush", name)
        mail = sink.parsed()
        flat = "".join(" " if c < " " else c for c in name)
        check_eq("subject", f"usher: {flat} is in quarantine", mail["Subject"])
        check_eq("headers", ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type",
                             "Content-Transfer-Encoding", "Auto-Submitted"], mail.keys())  # fmt: skip
        check_eq("recipients", ["RCPT TO:<ada@example.com>"], sink.messages[-1][1])
        check(f"text: {mail.get_content()}", f"{flat} is in quarantine since" in mail.get_content())
        check_eq("defects", [], list(mail.defects))
    check_eq("mails", 3, len(sink.messages))
    sink.stop()


def webhooks():
    step("a webhook: signed, tried again, never redirected")
    hook = Webhook(SECRET)
    url = f"http://127.0.0.1:{hook.port}/hook/geheim"
    app("Hooked")
    usher.run("app", "set", "Hooked", "--setting", f"notify.webhook={url}")
    says("no secret yet", "--webhook-secret", args=("notify", "test", "Hooked"))
    says("a short secret", "at least 16", args=("app", "set", "Hooked", "--webhook-secret", "abc"), code=2)
    usher.run("app", "set", "Hooked", "--webhook-secret", "-", stdin=SECRET + "\n")
    usher.run("notify", "test", "Hooked")
    check("signed now", abs(hook.verify() - time.time()) < 600)
    check_eq("kind", "test", hook.json()["kind"])
    hook.answers = [500, 302]
    says("the first cycle", args=("start", "Hooked", "--wait"))
    says("a server error", "answered 500", args=("notify", "flush", "Hooked"))
    says("a redirect", "answered 302", args=("notify", "flush", "Hooked"))
    usher.run("notify", "flush", "Hooked")
    usher.run("notify", "flush", "Hooked")
    check_eq("requests", 4, len(hook.got))
    for i in range(1, 4):
        hook.verify(i)
    check_eq("the same event", 1, len({hook.json(i)["id"] for i in range(1, 4)}))
    body = hook.json()
    check_eq("what it says", ("quarantineEntered", "Hooked"), (body["kind"], body["job"]["name"]))
    check(f"reason: {body}", body["code"] and body["message"] and body["since"])
    check_eq("type", "application/json", hook.got[-1][0]["Content-Type"])
    check("the address may be a secret", "geheim" not in usher.run("notify", "list", "Hooked"))
    hook.server.shutdown()


people(50)
app("Plant")
servers()
dead_target()
refusals()
down()
many()
names()
webhooks()
done()
