"""See names.sh: PROVIDER-URL KEY SCIMMY-URL TOKEN."""

import csv
import json
import sys
import unicodedata

from lib import T, Scim, Usher, check, check_eq, done, one, step

DOMAIN = "@names.example"
# What stands in a userName, and in a displayName beside it.
LOCALS = [
    # diacritics, letters that fold in odd ways, and pairs that differ in little
    "žluťoučký.kůň", "ørsted", "ŁÓDŹ", "straße", "strasse", "İstanbul", "ısparta", "ﬁnn", "finn", "ǅ",
    # apostrophes and what resembles them
    "o'brien", "o’brien", "d`arc", "''", "'quoted'",
    # what means something to JSON, URLs, filters, shells, SQL, CSV, XML, printf
    'say"hi', '"', '""', "back\\slash", "\\", "\\\\", '\\"', "a+b", "a+b+c", "50%", "%41", "%", "%s%n", "r&d", "&amp;",
    "x=y", "#hash", "?q", "a/b", "..", "a;b", "a,b", "<b>", "{x}", "[x]", "(x)", "$HOME", "*", "|", "^", "~", "`id`",
    "'||'", "or", "and", "not", "eq", "null", "true", "1e5", "0042", "--", "-n", "_", ":", "a@b",
    # outside the first plane, joined, right to left, other scripts
    "😀", "👩‍👩‍👧‍👦", "🇩🇰", "𝒳", "محمد", "דוד", "名前", "이름", "ไทย", "नाम", "Αθήνα", "Ольга", "\u200fרtl", "a\u200db",
    # leading and trailing
    ".dot.", "-dash-", "_under_", "+plus+", "\u00a0nbsp\u00a0", "\ufeffbom",
    # long
    "x" * 240, "ż" * 240, "😀" * 60,
]
DISPLAYS = {  # where the displayName is not the local part: blanks, line ends, a great length
    "ørsted": "  two blanks before and after  ",
    "or": "two\nlines",
    "and": "two\r\nlines",
    "not": "a\ttab",
    "eq": "Ab\u0301c " * 500,
    "null": "null",
    "0042": "0042",
    "_": "=SUM(A1)",
    "--": " ",
}


def make_people():
    people = []
    for n, local in enumerate(LOCALS):
        people.append({
            "userPrincipalName": local + DOMAIN,
            "displayName": DISPLAYS.get(local, local),
            "givenName": local,
            "surname": f"{local} née {local}",
            "mailNickname": f"n{n:03d}",
            "department": f'{local}"{local}\\{local}',
            "mail": local + DOMAIN,
        })
    # The same name composed and decomposed: two people, for names are never normalised.
    for form in ("NFC", "NFD"):
        name = unicodedata.normalize(form, "Zoë.Åström")
        people.append({"userPrincipalName": name + DOMAIN, "displayName": name, "givenName": name, "surname": name,
                       "mailNickname": form.lower(), "department": name, "mail": name + DOMAIN})
    return people


def write_csv(path, people):
    with open(path, "w", encoding="utf-8", newline="") as out:
        rows = csv.DictWriter(out, people[0].keys())
        rows.writeheader()
        rows.writerows(people)


def write_json(path, people):
    """Every other one as \\u escapes, surrogate pairs included."""
    users = [json.dumps(p, ensure_ascii=n % 2 == 0) for n, p in enumerate(people)]
    with open(path, "w", encoding="utf-8") as out:
        out.write('{"users": [' + ",\n".join(users) + "]}\n")


def show(text):
    return text if len(text) < 60 else text[:57] + "..."


def compare_directory(usher, people):
    listed = {u["mailNickname"]: u for u in usher.json("user", "list", "--limit", "1000")}
    check_eq("people in the directory", sorted(p["mailNickname"] for p in people), sorted(listed))
    for p in people:
        for name, value in p.items():
            check_eq(f"{name} of {show(p['userPrincipalName'])} in the directory", value, listed[p["mailNickname"]].get(name))


def compare_accounts(scim, people):
    users = scim.users()
    check_eq("accounts", len(people), len(users))
    for p in people:
        upn = p["userPrincipalName"]
        check(f"there is an account '{show(upn)}'", upn in users)
        user = users[upn]
        got = {
            "displayName": user["displayName"],
            "givenName": user["name"]["givenName"],
            "surname": user["name"]["familyName"],
            "mailNickname": user["externalId"],
            "department": user["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]["department"],
            "mail": one(user, "emails", type="work")["value"],
        }
        for name, value in got.items():
            check_eq(f"{name} of {show(upn)} in the application", p[name], value)
        check_eq(f"formatted name of {show(upn)}", f"{p['givenName']} {p['surname']}", user["name"]["formatted"])
    return {name: user["id"] for name, user in users.items()}


def try_out(what, data, base, token, people, path):
    step(f"{what}: {len(people)} people from {path.rsplit('.', 1)[1].upper()}")
    usher, scim = Usher(data), Scim(base, token)
    usher.run("import", path)
    compare_directory(usher, people)
    again = usher.run("import", path)  # is the same people, and changes nobody
    compare_directory(usher, people)
    usher.run("app", "add", "scim", "--name", "Names", "--url", base, "--token", token, "--scope", "all")
    usher.cycle("Names", created=len(people), failed=0)
    ids = compare_accounts(scim, people)
    usher.nothing_left("Names")
    usher.run("restart", "Names", "--full")
    usher.cycle("Names", created=0, failed=0, matched=len(people))
    check_eq(f"{what}: accounts after a Full restart", ids, compare_accounts(scim, people))
    for p in people[:: max(1, len(people) // 12)]:  # who is found by a name on the command line
        shown = usher.json("user", "show", "--", p["userPrincipalName"])
        check_eq("user show", p["mailNickname"], shown["mailNickname"])
    return again


provider, key, scimmy, token = sys.argv[1:]
everybody = make_people()
write_csv(f"{T}/names.csv", everybody)
try_out("usher's provider", f"{T}/a", provider, key, everybody, f"{T}/names.csv")
# scimmy's filter parser does not know escaped quotes: such names cannot be looked up there by anyone.
most = [p for p in everybody if '"' not in p["userPrincipalName"]]
write_json(f"{T}/names.json", most)
try_out("scimmy", f"{T}/b", scimmy, token, most, f"{T}/names.json")
done()
