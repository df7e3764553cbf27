#!/bin/bash
# Bad input: each says what is wrong, where, and what to do; exit code 1 or 2; nothing changed.
. "$(dirname "$0")/lib.sh"

IN=$T/in
DATA=$T/data
mkdir "$IN"

# All that a database holds, as a hash of its dump, made from a copy: to look is to write, too, in SQLite.
contents() {
    rm -rf "$T/copy"
    mkdir "$T/copy"
    cp "$1"* "$T/copy" 2>/dev/null || { echo none && return; }
    chmod u+w "$T/copy"/*
    python3 - "$T/copy/$(basename "$1")" <<'PY'
import hashlib, sqlite3, sys
print(hashlib.sha256("\n".join(sqlite3.connect(sys.argv[1]).iterdump()).encode()).hexdigest())
PY
}

# bad WHAT CODE COMMAND... -- WORD...: the command fails with the exit code, its error has every word
# without regard to case, and the database is what it was.
bad() {
    local what=$1 expected=$2 code=0 command=() before
    shift 2
    while [ "$1" != -- ]; do
        command+=("$1")
        shift
    done
    shift
    before=$(contents "$DATA/usher.db")
    "${command[@]}" >"$T/out" 2>"$T/err" </dev/null || code=$?
    check_eq "$what: exit code ($(head -c 600 "$T/err"))" "$expected" "$code"
    check_has "$what" "$(cat "$T/err")" "$@"
    [ ! -s "$T/out" ] || fail "$what: there is output on standard output: $(head -c 300 "$T/out")"
    check_eq "$what: the database" "$before" "$(contents "$DATA/usher.db")"
    # The same as JSON, with a code, a message, and the place apart.
    code=0
    "${command[@]}" --json >"$T/out" 2>"$T/err" </dev/null || code=$?
    check_eq "$what: exit code with --json" "$expected" "$code"
    python3 - "$what" "$T/err" <<'PY' || fail "$what: --json: $(head -c 600 "$T/err")"
import json, sys
error = json.load(open(sys.argv[2]))
assert error["code"] and error["message"], error
assert "place" in error, error
PY
    CHECKS=$((CHECKS + 1))
}

usher() { "$USHER" --data "$DATA" "$@"; }
u=("$USHER" --data "$DATA")
person='userPrincipalName,displayName,givenName'

printf '%s,manager\nada@x.example,Ada,Ada,\nbob@x.example,Bob,Bob,ada@x.example\n' "$person" >"$IN/good.csv"
usher --quiet import "$IN/good.csv"
people=$(usher --json user list)

step "CSV"
printf 'userPrincipalName,displayName,Shoe size\nc@x.example,C,42\n' >"$IN/header.csv"
bad "wrong header" 1 "${u[@]}" import "$IN/header.csv" -- "header.csv:1:3" "Shoe size" "--map"
printf 'userPrincipalName,displayName,givenNam\nc@x.example,C,C\n' >"$IN/near.csv"
bad "nearly a header" 1 "${u[@]}" import "$IN/near.csv" -- "near.csv:1:3" "givenNam" "givenName"
printf '%s\nc@x.example,C,C\nd@x.example,D\n' "$person" >"$IN/few.csv"
bad "too few columns" 1 "${u[@]}" import "$IN/few.csv" -- "few.csv:3" "2" "3"
printf '%s\nc@x.example,C,C\nd@x.example,D,D,D\n' "$person" >"$IN/many.csv"
bad "too many columns" 1 "${u[@]}" import "$IN/many.csv" -- "many.csv:3" "4" "3"
printf '%s\nc@x.example,C,C\nd@x.example,"D,D\ne@x.example,E,E\n' "$person" >"$IN/quote.csv"
bad "unclosed quote" 1 "${u[@]}" import "$IN/quote.csv" -- "quote.csv:3:2" "quote"
printf '%s\nc@x.example,C,C\nd@x.example,J\xf8rgen,D\n' "$person" >"$IN/latin1.csv"
bad "not UTF-8" 1 "${u[@]}" import "$IN/latin1.csv" -- "latin1.csv:3:2" "UTF-8"
printf '%s\nc@x.example,C,C\nd@x.example,D,D\nC@X.example,C again,C\n' "$person" >"$IN/twice.csv"
bad "twice in one file" 1 "${u[@]}" import "$IN/twice.csv" -- "twice.csv:4" "C@X.example" "2"
printf '%s,manager\nc@x.example,C,C,nobody@x.example\n' "$person" >"$IN/manager.csv"
bad "unknown manager" 1 "${u[@]}" import "$IN/manager.csv" -- "manager.csv:2:4" "nobody@x.example" "manager"
printf '%s,accountEnabled\nc@x.example,C,C,perhaps\n' "$person" >"$IN/value.csv"
bad "no boolean" 1 "${u[@]}" import "$IN/value.csv" -- "value.csv:2:4" "perhaps" "true or false"
printf '%s\nnobody,C,C\n' "$person" >"$IN/upn.csv"
bad "no userPrincipalName" 1 "${u[@]}" import "$IN/upn.csv" -- "upn.csv:2:1" "alias@domain"
printf 'displayName\nC\n' >"$IN/key.csv"
bad "nothing to know people by" 1 "${u[@]}" import "$IN/key.csv" -- "key.csv" "userPrincipalName"
: >"$IN/empty.csv"
bad "empty file" 1 "${u[@]}" import "$IN/empty.csv" -- "empty.csv"
bad "no file" 1 "${u[@]}" import "$IN/none.csv" -- "none.csv" "no such file"
printf 'displayName,members\nTeam,ada@x.example;nobody@x.example\n' >"$IN/members.csv"
bad "unknown member" 1 "${u[@]}" import "$IN/members.csv" -- "members.csv:2:2" "nobody@x.example"

step "JSON"
python3 - "$IN" <<'PY'
import json, sys
folder = sys.argv[1]
def put(name, text):
    open(f"{folder}/{name}", "w").write(text)
user = '{"userPrincipalName": "c@x.example", "displayName": "C"}'
put("deep.json", '{"users": [{"userPrincipalName": "c@x.example", "displayName": ' + "[" * 5000 + "]" * 5000 + "}]}")
put("wide.json", '{"users": [{"userPrincipalName": "c@x.example", "displayName": "' + "C" * (40 << 20) + '"}]}')
put("long.json", '{"users": [{"userPrincipalName": "c@x.example", "displayName": "' + "C" * 9000 + '"}]}')
put("cut.json", '{"users": [\n' + user + ',\n{"userPrincipalName": "d@x.exam')
put("comma.json", '{"users": [\n' + user + '\n' + user + ']}')
put("number.json", "42\n")
put("attribute.json", '{"users": [\n{"userPrincipalName": "c@x.example", "displayName": "C", "shoeSize": 42}]}')
put("again.json", '{"users": [\n' + user + ',\n' + user + ']}')
open(f"{folder}/latin1.json", "wb").write(b'{"users": [\n{"userPrincipalName": "c@x.example", "displayName": "J\xf8"}]}')
PY
bad "too deep" 1 "${u[@]}" import "$IN/deep.json" -- "deep.json:1:" "deep"
bad "too large" 1 "${u[@]}" import "$IN/wide.json" -- "wide.json:1:" "more than"
bad "too long a value" 1 "${u[@]}" import "$IN/long.json" -- "long.json:1:" "displayName" "8192"
bad "truncated" 1 "${u[@]}" import "$IN/cut.json" -- "cut.json:3:" "end"
bad "a comma missing" 1 "${u[@]}" import "$IN/comma.json" -- "comma.json:3:1" ","
bad "no object" 1 "${u[@]}" import "$IN/number.json" -- "number.json:1:1" "users"
bad "unknown attribute" 1 "${u[@]}" import "$IN/attribute.json" -- "attribute.json:2:" "shoeSize"
bad "twice in one file" 1 "${u[@]}" import "$IN/again.json" -- "again.json:3:" "c@x.example"
bad "not UTF-8" 1 "${u[@]}" import "$IN/latin1.json" -- "latin1.json:2:" "UTF-8"

step "commands"
bad "no such command" 2 "${u[@]}" imprt "$IN/good.csv" -- "imprt" "import"
bad "no such option" 2 "${u[@]}" import "$IN/good.csv" --dryrun -- "--dryrun" "--dry-run"
bad "no such person" 1 "${u[@]}" user show nobody@x.example -- "nobody@x.example"
bad "no such attribute" 1 "${u[@]}" user set ada@x.example shoeSize=42 -- "shoeSize"
bad "no such application" 1 "${u[@]}" status Plnat -- "Plnat"
bad "no such template" 1 "${u[@]}" app add joyn --name J --url http://127.0.0.1:1 --token t -- "joyn" "joynfsm"
bad "an expression that does not parse" 1 "${u[@]}" expression check 'Join(" ", [givenName], ' -- "character 24" "expected"
bad "an expression with an unknown function" 1 "${u[@]}" expression check 'Jion(" ", [givenName])' -- "Jion" "Join"

step "applications"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 \
    -keyout "$T/key.pem" -out "$T/cert.pem" 2>/dev/null
start bad '^ports' python3 "$HERE/bad_servers.py" "$T/cert.pem" "$T/key.pem"
read -r _ html everybody tls silent closed <<<"$READY"
start_scimmy
# add WHAT URL WORD...: what is refused by the test of the connection leaves no application behind
add() {
    local what=$1 url=$2
    shift 2
    bad "$what" "${CODE_WANTED:-1}" "${u[@]}" app add scim --name Plant --url "$url" --token "${TOKEN:-wrong}" -- "$@"
}
add "wrong token" "$SCIMMY" "401" "token"
add "not a URL" "plant.example/scim" "plant.example/scim" "https://"
add "no URL at all" "https://" "https://"
add "plain http to elsewhere" "http://192.0.2.1/scim" "192.0.2.1" "https"
add "not resolvable" "https://host.invalid/scim" "host.invalid" "resolve"
add "refuses" "http://127.0.0.1:$closed/scim" "127.0.0.1:$closed" "refuse"
add "a web site" "http://127.0.0.1:$html/site" "SCIM" "This is a web site"
add "wrong path" "http://127.0.0.1:$html/scim" "404" "URL"
add "wrong path of a SCIM server" "${SCIMMY%/v2}" "404" "URL"
add "ignores the filter" "http://127.0.0.1:$everybody/scim" "filter"
add "certificate of nobody" "https://127.0.0.1:$tls/scim" "certificate"
add "TLS spoken to plain HTTP" "https://127.0.0.1:$html/scim" "TLS"
began=$SECONDS
export USHER_TIMEOUT=2
add "times out" "http://127.0.0.1:$silent/scim" "127.0.0.1:$silent" "2.0 s"
unset USHER_TIMEOUT
[ $((SECONDS - began)) -lt 20 ] || fail "the timeout of 2 s took $((SECONDS - began)) s"
check_eq "applications after all that" "[]" "$(usher --json app list | tr -d ' \n')"
# With the right token it works, so the cases above were refused for their own reasons.
usher --quiet app add scim --name Plant --url "$SCIMMY" --token scimmy-token
usher --quiet app add scim --name Later --url "$SCIMMY" --token wrong --no-test
bad "the token of a saved application" 1 "${u[@]}" app test Later -- "401" "token"

step "the database"
check_eq "people" "$people" "$(usher --json user list)"
# As somebody who may read and not write. Root may do everything, so it becomes nobody for that.
cp -r "$DATA" "$T/sealed"
chmod 755 "$T"
as=()
if [ "$(id -u)" = 0 ]; then
    cp "$USHER" "$T/usher"
    chown -R nobody "$T/sealed"
    as=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
else
    cp "$USHER" "$T/usher"
fi
chmod 444 "$T"/sealed/*
chmod 555 "$T/sealed"
keep=$DATA
DATA=$T/sealed
bad "not writable" 1 "${as[@]}" "$T/usher" --data "$DATA" import "$IN/good.csv" -- "$DATA/usher.db" "write"
chmod 755 "$T/sealed"

DATA=$T/new
cp -r "$keep" "$DATA"
python3 - "$DATA/usher.db" <<'PY'
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    db.execute("INSERT INTO schema_version (version, name, applied_us) VALUES (9999, 'of_tomorrow', 0)")
PY
bad "made by a newer usher" 1 "$USHER" --data "$DATA" import "$IN/good.csv" -- "$DATA/usher.db" "newer" "9999"
bad "made by a newer usher" 1 "$USHER" --data "$DATA" user list -- "newer" "9999"

DATA=$T/garbled
cp -r "$keep" "$DATA"
rm -f "$DATA"/usher.db-*
printf 'this is no database, and long enough to be looked at as if it were one' >"$DATA/usher.db"
code=0
"$USHER" --data "$DATA" user list >"$T/out" 2>"$T/err" || code=$?
check_eq "no database: exit code" 1 "$code"
check_has "no database" "$(cat "$T/err")" "$DATA/usher.db" "database"
check_eq "no database: the file" "this is no database" "$(head -c 19 "$DATA/usher.db")"

python3 - "$IN/big.csv" <<'PY'
import sys
with open(sys.argv[1], "w") as out:
    out.write("userPrincipalName,displayName,streetAddress\n")
    for n in range(20000):
        out.write(f"big{n}@x.example,Big {n},{'street ' * 30}{n}\n")
PY
DATA=$T/full
mkdir "$DATA"
if mount -t tmpfs -o size=3m tmpfs "$DATA" 2>/dev/null; then
    trap 'umount "$T/full"; cleanup' EXIT
    cp "$keep"/* "$DATA"
    bad "disk full" 1 "$USHER" --data "$DATA" import "$IN/big.csv" -- "$DATA" "full"
    umount "$DATA"
    trap cleanup EXIT
else # no right to mount: a limit on the size of files is the nearest thing
    cp "$keep"/* "$DATA"
    bad "disk full" 1 bash -c 'ulimit -f 2500; trap "" XFSZ; exec "$@"' - "$USHER" --data "$DATA" import "$IN/big.csv" -- "$DATA"
fi
echo "passed: $CHECKS checks"
