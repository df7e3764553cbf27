#!/bin/bash
# What a new user sees: the demo makes its organisation, runs the first cycle and keeps serving; each line
# that it prints works when pasted; a second run goes on and makes nothing twice; and the lines of
# docs/manual/first-steps.md work, one after the other.
. "$(dirname "$0")/lib.sh"

people() { "$USHER" --json user list --limit 5000 | grep -c '"userPrincipalName"'; }
accounts() { "$USHER" --json tenant list | python3 -c 'import json, sys; print([(t["name"], t["users"]) for t in json.load(sys.stdin)])'; }
assignments() { "$USHER" --json assignment list demo --limit 5000 | grep -c '"principalId"'; }

# paste LINE [SECONDS]: into a shell of its own, as from a terminal beside. What follows something live
# is ended with Ctrl-C.
paste_line() {
    local line=$1 code=0
    case $line in
    *" watch "*) timeout --signal=INT 3 bash -c "exec $line" >"$T/line.out" 2>"$T/line.err" </dev/null || code=$? ;;
    *) timeout 60 bash -c "$line" >"$T/line.out" 2>"$T/line.err" </dev/null || code=$? ;;
    esac
    # 124: timeout sent the signal; the program may well have ended with 0 on it.
    case $line in *" watch "*) [ "$code" != 124 ] || code=0 ;; esac
    check_eq "exit code of '$line' ($(cat "$T/line.err"))" 0 "$code"
    [ -s "$T/line.out" ] || fail "'$line' printed nothing"
}

updated() { "$USHER" logs demo --who "$1" --action update | grep -q success; }

stop_serving() {
    local began=$SECONDS
    stop "$1"
    check_eq "exit code after SIGTERM" 0 "$CODE"
    [ $((SECONDS - began)) -le 5 ] || fail "it took $((SECONDS - began)) s to stop"
}

mkdir "$T/here"
cd "$T/here"

step "demo --no-serve, in an empty folder"
"$USHER" demo --no-serve --listen 127.0.0.1:0 >"$T/once.log" 2>&1 </dev/null || fail "demo --no-serve: $(cat "$T/once.log")"
check_has "demo" "$(cat "$T/once.log")" "1000 people and 40 groups" "initial cycle done"
check_eq "people" 1000 "$(people)"
before="$(people) people, accounts $(accounts), $(assignments) assignments"
check_eq "mode of the key file" 600 "$(stat -c %a usher-data/secret.key)"

step "the demo again, serving"
start demo 'keeps serving' "$USHER" demo --listen 127.0.0.1:0
demo=$PID
BASE=$(grep -oE 'http://[0-9.:]+' <<<"$READY" | head -1)
check_eq "after a second run" "$before" "$(people) people, accounts $(accounts), $(assignments) assignments"
for path in healthz readyz metrics; do
    check_eq "/$path" 200 "$(curl -s -o "$T/body" -w '%{http_code}' "$BASE/$path")"
done
check_eq "status" Active "$("$USHER" --json status demo | python3 -c 'import json, sys; print(json.load(sys.stdin)["state"])')"

step "a port that is taken"
code=0
"$USHER" --data other demo --listen "${BASE#http://}" >"$T/taken.log" 2>&1 </dev/null || code=$?
check_eq "exit code on a port that is taken" 1 "$code"
check_has "a port that is taken" "$(cat "$T/taken.log")" "${BASE##*:}" "--listen"
stop_serving "$demo"

step "a new demo in another folder: what it prints can be pasted"
mkdir "$T/there"
cd "$T/there"
start fresh 'keeps serving' "$USHER" demo --listen 127.0.0.1:0
fresh=$PID
grep -E "^($USHER|curl) " "$T/fresh.log" >"$T/lines" || fail "the demo printed nothing to try"
[ "$(wc -l <"$T/lines")" -ge 8 ] || fail "too few lines to try: $(cat "$T/lines")"
while read -r line; do
    paste_line "$line"
    # What is changed goes out by itself within moments.
    case $line in
    *" user set "*)
        who=$(sed 's/.* user set \([^ ]*\) .*/\1/' <<<"$line")
        within 10 "the change of $who reaches the application" updated "$who"
        ;;
    esac
done <"$T/lines"
echo "  $(wc -l <"$T/lines") lines pasted"

# The manual's blocks of indented lines, with an application that is there: the demo's own tenant
# stands for plant.example, and who serves is started apart.
step "docs/manual/first-steps.md"
KEY=$("$USHER" --json key add demo --description manual | python3 -c 'import json, sys; print(json.load(sys.stdin)["key"])')
BASE=$(grep -oE 'http://[0-9.:]+' <<<"$READY" | head -1)
"$USHER" --quiet tenant add generic plant
KEY=$("$USHER" --json key add plant --description manual | python3 -c 'import json, sys; print(json.load(sys.stdin)["key"])')
mkdir "$T/manual" "$T/bin"
ln -s "$USHER" "$T/bin/usher"
cd "$T/manual"
cat >people.csv <<'CSV'
userPrincipalName,displayName,givenName,surname,department,manager
ada@example.com,Ada Lovelace,Ada,Lovelace,Research,
charles@example.com,Charles Babbage,Charles,Babbage,Research,ada@example.com
CSV
cat >groups.json <<'JSON'
{"groups": [{"displayName": "Service Team", "members": ["ada@example.com", "charles@example.com"]}]}
JSON
"$USHER" import groups.json >/dev/null 2>&1 && fail "a group with unknown members went in"
sed -n 's/^    //p' "$HERE/../../docs/manual/first-steps.md" >"$T/manual.lines"
[ "$(wc -l <"$T/manual.lines")" -ge 15 ] || fail "first-steps.md has hardly any lines to try"
PATH=$T/bin:$PATH
while read -r line; do
    case $line in
    "usher serve"*) ;; # runs until stopped: watch, serve and their like have tests of their own
    "usher app add"*) paste_line "printf '%s\n' '$KEY' | ${line/https:\/\/plant.example\/scim\/v2/$BASE/scim/plant/v2}" ;;
    *) paste_line "${line%%  #*}" ;;
    esac
    case $line in "usher import people.csv") "$USHER" --quiet import groups.json ;; esac
done <"$T/manual.lines"
check_eq "accounts made by following the manual" 2 "$(cd "$T/there" && "$USHER" --json tenant list |
    python3 -c 'import json, sys; print([t["users"] for t in json.load(sys.stdin) if t["name"] == "plant"][0])')"
stop_serving "$fresh"
echo "passed: $CHECKS checks"
