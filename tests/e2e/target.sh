#!/bin/bash
# The application's side: a large first cycle reads it in pages and creates in bulk; what somebody changes there by
# hand is found, reported, repaired; what cannot be read to its end makes nobody missing.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

PEOPLE=300
tenant "$T/provider" generic plant
serve provider "$T/provider" --role provider
URL=$BASE/scim/plant/v2

python3 - "$PEOPLE" <<'PY' >people.csv
import sys
print("userPrincipalName,displayName,givenName,surname,mail,department")
for i in range(int(sys.argv[1])):
    print(f"p{i}@plant.example,Person {i},P{i},Test,p{i}@plant.example,Dept {i % 7}")
PY
"$USHER" import people.csv >/dev/null

scim() { curl -s -H "Authorization: Bearer $KEY" -H 'Content-Type: application/scim+json' "$@"; }
json() { python3 -c "import json, sys; v = json.load(sys.stdin); print($1)"; }
total() { scim "$URL/Users?count=0" | json 'v["totalResults"]'; }
# count NAME FIELD: of the newest cycle
count() { "$USHER" --json status "$1" | json "v['lastCycle']['counts']['$2']"; }
id_of() { scim -G "$URL/Users" --data-urlencode "filter=userName eq \"$1@plant.example\"" | json 'v["Resources"][0]["id"]'; }
# drift FIELD: one count of a new reading
drift() { "$USHER" --json drift bulk >drift.json && json "$1" <drift.json; }

step "by the list and in bulk: a first cycle of $PEOPLE takes a handful of requests"
scim -X POST "$URL/Users" -d '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"P7@plant.example"}' >/dev/null
scim -X POST "$URL/Users" -d '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"local@plant.example"}' >/dev/null
"$USHER" app add scim --name bulk --url "$URL" --token "$KEY" --scope all >/dev/null
"$USHER" start bulk --wait >/dev/null
check_eq "accounts" $((PEOPLE + 1)) "$(total)"
check_eq "created" $((PEOPLE - 1)) "$(count bulk created)"
check_eq "matched, though in other letters" 1 "$(count bulk matched)"
[ "$(count bulk requests)" -lt 20 ] || fail "$(count bulk requests) requests"

step "one request each without bulk, two without the list"
for listing in always never; do
    tenant "$T/provider" generic "t$listing"
    "$USHER" app add scim --name "$listing" --url "$BASE/scim/t$listing/v2" --token "$KEY" --scope all >/dev/null
    "$USHER" app set "$listing" --setting client.bulk=off --setting "client.listing=$listing" >/dev/null
    "$USHER" start "$listing" --wait >/dev/null
    check_eq "created with listing $listing" "$PEOPLE" "$(count "$listing" created)"
done
check_eq "requests with the list" $((PEOPLE + 1)) "$(count always requests)"
check_eq "requests without" $((PEOPLE * 2)) "$(count never requests)"
KEY=$("$USHER" --data "$T/provider" --json key add plant --description again | json 'v["key"]')
"$USHER" app set bulk --token "$KEY" >/dev/null

step "nothing changed: no drift but the account that is nobody's"
check_eq "changed" 0 "$(drift 'v["result"]["counts"]["changed"]')"
check_eq "nobody's" 1 "$(json 'v["result"]["counts"]["nobodys"]' <drift.json)"
check_eq "accounts read" $((PEOPLE + 1)) "$(json 'v["result"]["accounts"]' <drift.json)"

step "changed, deleted and disabled by hand"
one=$(id_of p1)
scim -X PATCH "$URL/Users/$one" -d '{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"displayName","value":"Somebody"},{"op":"replace","path":"active","value":false}]}' >/dev/null
scim -X DELETE "$URL/Users/$(id_of p2)"
check_eq "changed" 2 "$(drift 'v["result"]["counts"]["changed"]')"
check_eq "missing" 1 "$(json 'v["result"]["counts"]["missing"]' <drift.json)"
check_has "drift" "$("$USHER" drift bulk --last)" "Person 1" "Somebody" "displayName" "Person 2" "is gone" "local@plant.example"
check_eq "nothing is done about it" "Somebody" "$(scim "$URL/Users/$one" | json 'v["displayName"]')"

step "repaired through the walk"
"$USHER" app set bulk --setting drift.answer=repair >/dev/null
check_eq "repaired" 3 "$(drift 'v["result"]["counts"]["repaired"]')"
check_eq "display name" "Person 1" "$(scim "$URL/Users/$one" | json 'v["displayName"]')"
check_eq "active" True "$(scim "$URL/Users/$one" | json 'v["active"]')"
check_eq "accounts" $((PEOPLE + 1)) "$(total)"
check_eq "changed afterwards" 0 "$(drift 'v["result"]["counts"]["changed"]')"
check_eq "missing afterwards" 0 "$(json 'v["result"]["counts"]["missing"]' <drift.json)"
check_has "log" "$("$USHER" logs bulk --who p1@plant.example)" update

step "whose are the accounts?"
tenant "$T/provider" generic old
OLD=$BASE/scim/old/v2
for who in p1 P2 nobody p1.old; do
    scim -X POST "$OLD/Users" -d '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"'$who'@plant.example"}' >/dev/null
done
"$USHER" app add scim --name old --url "$OLD" --token "$KEY" --scope assigned >/dev/null
"$USHER" assignment add old p1@plant.example >/dev/null
check_has "discover" "$("$USHER" discover old)" "1 of people who are assigned (0 connected)" "1 of people who are not" "2 of nobody here"
check_has "only local ones" "$("$USHER" discover old --class local)" nobody@ p1.old@
"$USHER" discover old --export accounts.csv >/dev/null
check_eq "rows of the export" 5 "$(wc -l <accounts.csv)"
check_has "dry run" "$("$USHER" discover old --assign --dry-run)" "1 people would be assigned"
"$USHER" discover old --assign >/dev/null
"$USHER" start old --wait >/dev/null
check_eq "nobody new" 4 "$(scim "$OLD/Users?count=0" | json 'v["totalResults"]')"
check_eq "connected" 2 "$(count old matched)"
check_eq "assigned and connected" 2 "$("$USHER" --json discover old | json 'v["counts"]["connected"]')"

echo "$CHECKS checks"
