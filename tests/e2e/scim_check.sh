#!/bin/bash
# `usher scim check`: usher's own provider in every kind passes, the deviations of servers that nobody of
# usher wrote are the known ones, and what was made is gone afterwards, also after an interruption.
. "$(dirname "$0")/lib.sh"

# check URL TOKEN [OPTION...]: the report as JSON in $T/report.json, the exit code in $CODE
check() {
    local url=$1 token=$2
    shift 2
    CODE=0
    "$USHER" --json scim check "$url" --token - "$@" >"$T/report.json" 2>"$T/error.txt" <<<"$token" || CODE=$?
}
field() { python3 -c 'import json, sys; print(json.load(open("report.json"))[sys.argv[1]])' "$1"; }
# Names of the checks with a verdict: names VERDICT
names() {
    python3 - "$1" <<'END'
import json, sys
for c in json.load(open("report.json"))["checks"]:
    if c["verdict"] == sys.argv[1]: print(f'{c["level"]}: {c["name"]}')
END
}
# What a server's list has left: remaining URL TOKEN
remaining() {
    curl -sf -H "Authorization: Bearer $2" "$1/Users?count=200" |
        python3 -c 'import json, sys; print(sum("usher-check-" in u["userName"] for u in json.load(sys.stdin).get("Resources", [])))'
}
known() { # known WHAT FILE
    diff -u "$2" <(names failed) >&2 || fail "$1 deviates in another way than the list in $2"
    CHECKS=$((CHECKS + 1))
}

step "usher's own provider passes, whatever kind the tenant is of"
for kind in generic joynfsm jostle; do
    tenant data "$kind" "my$kind"
    echo "$KEY" >"$kind.key"
done
serve service data
for kind in generic joynfsm jostle; do
    url=$BASE/scim/my$kind/v2
    check "$url" "$(cat $kind.key)" --write
    check_eq "failures of $kind" "" "$(names failed)"
    check_eq "exit code of $kind" 0 "$CODE"
    [ "$(field passed)" -ge 140 ] || fail "$kind: only $(field passed) checks were made"
    check_eq "accounts left in $kind" 0 "$(remaining "$url" "$(cat $kind.key)")"
done
check "$BASE/scim/mygeneric/v2" "$(cat generic.key)" --write
check_eq "skipped of generic" "" "$(names skipped)"

step "attributes of the tenant's own, and a strict tenant"
cat >schema.json <<'END'
{"userAttributes": [{"target": "userName", "type": "String"}, {"target": "badge", "type": "Integer"},
                    {"target": "urn:example:User:colour", "type": "String"}], "supportsGroups": true,
 "switches": {"requirePaths": ["badge", "urn:example:User:colour"]}}
END
"$USHER" --data data --quiet tenant add generic own --schema schema.json
"$USHER" --data data --quiet tenant add generic strict
"$USHER" --data data --quiet tenant set strict --tolerance all=off
for name in own strict; do
    key=$("$USHER" --data data --json key add $name --description e2e | python3 -c 'import json, sys; print(json.load(sys.stdin)["key"])')
    check "$BASE/scim/$name/v2" "$key" --write
    [ "$(field passed)" -ge 140 ] || fail "$name: only $(field passed) checks were made"
    check_eq "failures of $name but for clients that do not keep to the RFC" "" "$(names failed | grep -v '^Entra: ' || true)"
    [ "$name" = strict ] || check_eq "failures of $name" "" "$(names failed)"
done

step "without --write nothing is written"
before=$("$USHER" --data data --json tenant export mygeneric | wc -l)
check "$BASE/scim/mygeneric/v2" "$(cat generic.key)"
check_eq "exit code" 0 "$CODE"
check_eq "resources" "$before" "$("$USHER" --data data --json tenant export mygeneric | wc -l)"
names skipped >skipped.txt
has 'an account is created' skipped.txt

step "the report is readable and the token is not in it"
"$USHER" scim check "$BASE/scim/mygeneric/v2" --token "$(cat generic.key)" --write >report.txt
has 'passed  MUST   RFC 7644, 3.3      an account is created' report.txt
has ' 0 failed' report.txt
if grep -qF "$(cat generic.key)" report.txt; then fail "the token is in the report"; fi

step "a token that is refused, and nobody there"
check "$BASE/scim/mygeneric/v2" wrong
check_eq "exit code" 1 "$CODE"
has credentials error.txt
check http://127.0.0.1:9/scim wrong
check_eq "exit code" 1 "$CODE"
has unreachable error.txt

step "interrupted: what was made is removed"
tenant data generic slow
start checking 'an account is created' "$USHER" scim check "$BASE/scim/slow/v2" --token "$KEY" --write
stop "$PID" INT
check_eq "exit code" 1 "$CODE"
check_eq "accounts left" 0 "$(remaining "$BASE/scim/slow/v2" "$KEY")"
has Interrupted checking.log

step "a server that repeats the token, and fails at everything else"
start echoing '^listening' python3 "$HERE/bad_scim.py"
check "http://127.0.0.1:${READY#listening }" secret-token-1 --write
check_eq "exit code" 1 "$CODE"
[ "$(field failed)" -gt 20 ] || fail "only $(field failed) failures"
if grep -qF secret-token-1 report.json; then fail "the token is in the report"; fi
has '***' report.json

step "scimmy: known deviations"
start_scimmy
check "$SCIMMY" scimmy-token --write
check_eq "exit code" 1 "$CODE"
known scimmy "$HERE/scimmy/deviations.txt"
check_eq "accounts left" 0 "$(remaining "$SCIMMY" scimmy-token)"

echo "$CHECKS checks"
