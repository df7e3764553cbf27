#!/bin/bash
# usher app probe: what is learned of an application, that nothing is written unasked, that nothing stays behind, and
# that a profile is applied.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

tenant "$T/provider" generic plant
serve provider "$T/provider" --role provider
URL=$BASE/scim/plant/v2
scim() { curl -s -H "Authorization: Bearer $KEY" -H 'Content-Type: application/scim+json' "$@"; }
json() { python3 -c "import json, sys; v = json.load(sys.stdin); print($1)"; }
user() {
    echo '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"'"$1"'","active":true,' \
        '"emails":[{"type":"work","value":"'"$1"'"}]}'
}
provider() { "$USHER" --data "$T/provider" "$@"; }
# learned FILE WHAT: the result
learned() { json "next(f['result'] for f in v['findings'] if f['what'] == '$2')" <"$1"; }

for name in Ada@plant.example bob@plant.example; do scim -X POST "$URL/Users" -d "$(user "$name")" >/dev/null; done
before=$(scim "$URL/Users")
"$USHER" --quiet app add scim --name plant --url "$URL" --token "$KEY"

step "by reading only"
"$USHER" app probe plant --save read.json >out
has "nothing was written" out
check_eq "accounts" "$before" "$(scim "$URL/Users")"
check_eq "pages" "in pages" "$(learned read.json lists)"
check_eq "case" "finds it: case does not matter" "$(learned read.json 'userName eq in other letters')"
check_eq "nobody" "an empty list" "$(learned read.json 'a query that nobody matches')"
check_eq "the members of a profile" "scim2 True ['userName']" \
    "$(json "v['protocol'], v['supportsGroups'], v['matching']['user'][:1]" <read.json | tr -d '(),' | sed "s/'scim2'/scim2/")"
for target in userName name.givenName 'emails[type eq "work"].value' \
    urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department; do
    check_eq "attribute $target" String "$(json "next(a['type'] for a in v['userAttributes'] if a['target'] == '$target')" <read.json)"
done
check_eq "members" Reference "$(json "next(a['type'] for a in v['groupAttributes'] if a['target'] == 'members')" <read.json)"
check_eq "nothing that cannot be written" False "$(json "any(a['target'] in ('id', 'groups') for a in v['userAttributes'])" <read.json)"
check_eq "not without being told" False "$(json "'client.patchDialect' in v['settings']" <read.json)"
! grep -qF "$KEY" read.json out || fail "the token is in the profile"

step "by writing, and what an earlier probe has left is removed"
scim -X POST "$URL/Users" -d "$(user usher-probe-1@example.com)" >/dev/null
"$USHER" app probe plant --write --save write.json >out
check_eq "the same accounts as before" "$(json "sorted(u['userName'] for u in v['Resources'])" <<<"$before")" \
    "$(scim "$URL/Users" | json "sorted(u['userName'] for u in v['Resources'])")"
check_eq "no group" 0 "$(scim "$URL/Groups" | json "v['totalResults']")"
check_eq "again" "is refused with 409" "$(learned write.json 'the same name again')"
for setting in patchDialect=rfc updateMethod=auto removeStyle=remove disableVia=active deleteVia=delete groupCreate=true \
    groupDelete=true memberRemoveStyle=filter bulk=auto emptyIs404=false; do
    check_eq "${setting%=*}" "${setting#*=}" "$(json "v['settings']['client.${setting%=*}']" <write.json)"
done
check_eq "cursor" "in pages" "$(learned write.json 'lists by cursor')"
check_eq "an element as a filter" "finds it" "$(learned write.json 'filter emails[type eq "work"].value eq')"
check_eq "an element in brackets" "finds it" "$(learned write.json 'filter emails[value eq]')"
check_eq "endpoints" "is the same" "$(learned write.json '/users for /Users')"
check_eq "an element by its type" works "$(learned write.json 'PATCH of an element by its type')"
check_eq "an element that is not there" works "$(learned write.json 'PATCH of an element that is not there')"
check_eq "an element is added" works "$(learned write.json 'adding an element')"
check_eq "an element goes" works "$(learned write.json 'taking an element out by its type')"
check_eq "several at once" works "$(learned write.json 'PATCH without a path, with dotted names')"
check_eq "managers" object "$(json "v['settings']['client.managerStyle']" <write.json)"
check_eq "groups without members" works "$(learned write.json 'reading a group without its members')"
check_has "what it rests on" "$(json "[f['exchanges'] for f in v['findings'] if f['what'] == 'PATCH as in rfc']" <write.json)" \
    "PATCH /Users/" "By Path" "'status': 200"

step "a profile is edited and applied; what is none changes nothing"
sed 's/"client.patchDialect": *"rfc"/"client.patchDialect":"entraLegacy"/' write.json >edited.json
"$USHER" --quiet app set plant --profile edited.json
check_eq "the dialect" entraLegacy \
    "$("$USHER" --json app settings plant | json "next(s['value'] for s in v if s['name'] == 'client.patchDialect')")"
echo '{"settings":{"guard":"false"}}' >guard.json
if "$USHER" app set plant --profile guard.json 2>err; then fail "a profile switched the guard off"; fi
has "is no setting of the client" err
echo '{"settings":{"client.bulk":"off","client.nothing":"1"}}' >unknown.json
if "$USHER" app set plant --profile unknown.json 2>err; then fail "an unknown setting was taken"; fi
check_eq "all or nothing" auto \
    "$("$USHER" --json app settings plant | json "next(s['value'] for s in v if s['name'] == 'client.bulk')")"

# quirk NAME SWITCH...: a tenant with switches, two accounts, and its application in usher
quirk() {
    local name=$1 s options=()
    shift
    for s in "$@"; do options+=(--switch "$s"); done
    tenant "$T/provider" generic "$name"
    for who in ada bob; do
        scim -X POST "$BASE/scim/$name/v2/Users" -d "$(user "$who@plant.example")" >/dev/null
    done
    provider --quiet tenant set "$name" "${options[@]}"
    KEY=$(provider --json key add "$name" --description second | json "v['key']") # known with the switches only
    "$USHER" --quiet app add scim --name "$name" --url "$BASE/scim/$name/v2" --token "$KEY" --no-test --scope all
}
step "pages by cursor only"
quirk cursors cursorOnly=on
"$USHER" app probe cursors --save cursors.json >out
check_eq "cursor" "in pages, also when not asked for" "$(learned cursors.json 'lists by cursor')"
check_eq "lists" "in pages by cursor only" "$(learned cursors.json lists)"
check_eq "setting" auto "$(json "v['settings']['client.listing']" <cursors.json)"

step "nothing stays where the server fails in between, whatever it fails at"
for every in 2 3 5; do
    quirk "shaky$every" "faults=[{\"every\":$every,\"status\":500,\"path\":\"/Users/\"},{\"every\":$every,\"status\":503,\"path\":\"/Groups/\"}]"
    "$USHER" app probe "shaky$every" --write --save shaky.json >out
    check_eq "what the probe has left, every $every" 0 "$(provider tenant export "shaky$every" --format json | grep -c usher-probe || true)"
done
quirk lossy dropAfterWrite=3
"$USHER" app probe lossy --write --save lossy.json >out
check_eq "what the probe has left" 0 "$(provider tenant export lossy --format json | grep -c usher-probe || true)"
quirk stays noDelete=405
"$USHER" app probe stays --write --save stays.json >out
check_has "what cannot be removed is told" "$(learned stays.json 'left behind')" /Users/

step "a profile is used by the next cycle"
quirk nobody notFoundForEmpty=on patchUnsupported=501
echo 'userPrincipalName,displayName,givenName,surname,mail,mailNickname
cleo@plant.example,Cleo,Cleo,Ray,cleo@plant.example,cleo' >people.csv
"$USHER" --quiet import people.csv
if "$USHER" --quiet app test nobody 2>err; then fail "404 for nobody is no empty list"; fi
"$USHER" app probe nobody --write --save nobody.json >out
check_eq "nobody" true "$(json "v['settings']['client.emptyIs404']" <nobody.json)"
check_eq "changes" put "$(json "v['settings']['client.updateMethod']" <nobody.json)"
"$USHER" --quiet app set nobody --profile nobody.json
"$USHER" --json start nobody --wait >cycle.json
check_eq "the cycle" "Succeeded 1" "$(json "v['state'], v['counts']['created']" <cycle.json | tr -d "(),'")"
sed -i 's/Cleo,Cleo,Ray/Cleo,Cleo,Fox/' people.csv
"$USHER" --quiet import people.csv
"$USHER" --json start nobody --wait >cycle.json
check_eq "the next" "Succeeded 1" "$(json "v['state'], v['counts']['updated']" <cycle.json | tr -d "(),'")"
check_has "by PUT" "$(provider tenant export nobody --format json)" '"familyName":"Fox"'

step "an application that cannot do much"
start weak '^port' python3 "$HERE/weak.py"
WEAK=http://127.0.0.1:${READY#port }
"$USHER" --quiet app add scim --name weak --url "$WEAK" --token t --no-test
"$USHER" app probe weak --write --save weak.json >out
for setting in updateMethod=put bulk=off emptyIs404=true groupCreate=false disableVia=active deleteVia=active; do
    check_eq "${setting%=*}" "${setting#*=}" "$(json "v['settings']['client.${setting%=*}']" <weak.json)"
done
"$USHER" --quiet app set weak --profile weak.json
"$USHER" --quiet app test weak

step "an application that is not there, or does not let in"
"$USHER" --quiet app add scim --name gone --url http://127.0.0.1:1 --token t --no-test
if "$USHER" app probe gone 2>err; then fail "there is nothing to be learned"; fi
has "nothing listens there" err
"$USHER" --quiet app add scim --name shut --url "$URL" --token wrong --no-test
if "$USHER" app probe shut --save no.json 2>err; then fail "a wrong token was accepted"; fi
check_has "shut" "$(cat err)" "does not accept the token"
[ ! -e no.json ] || fail "a profile of nothing"

echo "$CHECKS checks"
