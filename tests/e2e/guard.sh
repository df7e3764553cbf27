#!/bin/bash
# The guard, with the real program: too many removals are held, listed, exported, allowed and rejected; who is protected
# stays as they are; an approval of another set is refused.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

tenant "$T/provider" joynfsm plant
serve provider "$T/provider" --role provider

{
    echo userPrincipalName,displayName,givenName,surname,mail
    for n in 1 2 3 4 5 6 7 8; do echo "p$n@plant.example,Person $n,Person,$n,p$n@plant.example"; done
} >people.csv
"$USHER" import people.csv >/dev/null
"$USHER" app add joynfsm --name Plant --url "$BASE/scim/plant/v2" --token "$KEY" --scope all >/dev/null
"$USHER" app set Plant --setting guard.count=2 >/dev/null
"$USHER" start Plant --wait >/dev/null

# active WHO: what the application says
active() {
    curl -s -H "Authorization: Bearer $KEY" -G "$BASE/scim/plant/v2/Users" \
        --data-urlencode "filter=userName eq \"$1@plant.example\"" | grep -o '"active":[a-z]*'
}
number() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
disable() { for who in "$@"; do "$USHER" user set "$who@plant.example" accountEnabled=false >/dev/null; done; }

step "three removals are one too many"
disable p1 p2 p3
check_has "plan" "$("$USHER" plan Plant)" "guard would hold" "3 removals"
check_has "start" "$("$USHER" start Plant --wait 2>start.err)" "the guard holds 3" "usher held 'Plant'"
check_eq "log lines between the words" "" "$(cat start.err)"
for who in p1 p2 p3; do check_eq "$who" '"active":true' "$(active $who)"; done
check_has "status" "$("$USHER" status Plant --json)" '"Quarantine"' TooManyDeletes
check_has "held" "$("$USHER" held Plant)" "3 held" disable "Person 1" accountEnabled "held allow"
check_has "logs" "$("$USHER" logs Plant --code Staged)" stagedDelete "Person 2"

step "exported"
"$USHER" held Plant --export held.csv >/dev/null
check_eq "lines of the CSV" 4 "$(wc -l <held.csv)"
has '"disable","user","Person 1"' held.csv
"$USHER" held Plant --export held.jsonl >/dev/null
check_eq "JSON Lines" 3 "$(python3 -c 'import json; print(len([json.loads(l) for l in open("held.jsonl")]))')"

step "an approval is for the set that was listed"
old=$("$USHER" held Plant --json | number set)
disable p4
"$USHER" start Plant --wait >/dev/null
code=0
"$USHER" held allow Plant --set "$old" >refused.out 2>&1 || code=$?
check_eq "exit code for an old set" 1 "$code"
has "the set that is held now" refused.out
code=0
"$USHER" held allow Plant >refused.out 2>&1 || code=$?
check_eq "exit code without a set" 2 "$code"

step "one is rejected, the others are allowed"
set_=$("$USHER" held Plant --json | number set)
"$USHER" held reject Plant p1@plant.example --set "$set_" >/dev/null
set_=$("$USHER" held Plant --json | number set)
"$USHER" held allow Plant --set "$set_" >/dev/null
"$USHER" start Plant --wait >/dev/null
check_eq "p1" '"active":true' "$(active p1)"
for who in p2 p3 p4; do check_eq "$who" '"active":false' "$(active $who)"; done
check_has "held" "$("$USHER" held Plant)" "nothing is held"

step "ForceDeletes allows what is held"
disable p5 p6 p7
"$USHER" start Plant --wait >/dev/null
check_eq "p5" '"active":true' "$(active p5)"
"$USHER" restart Plant --reset ForceDeletes --wait >/dev/null
for who in p5 p6 p7; do check_eq "$who" '"active":false' "$(active $who)"; done

step "a protected account is left alone"
"$USHER" app set Plant --setting 'protected.filter=userName sw "P8@"' >/dev/null
disable p8
"$USHER" start Plant --wait >/dev/null
check_eq "p8" '"active":true' "$(active p8)"
check_has "logs" "$("$USHER" logs Plant --code Protected)" "Person 8"
check_has "on demand" "$("$USHER" provision Plant p8@plant.example)" protected
code=0
"$USHER" app set Plant --setting 'protected.filter=userName zz' >refused.out 2>&1 || code=$?
check_eq "exit code for a filter that is none" 1 "$code"

echo "$CHECKS checks"
