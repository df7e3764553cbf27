#!/bin/bash
# A cycle against usher's own provider is recorded and replayed: the same accounts come of it, no secret is kept, and
# what was not recorded is named.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

tenant "$T/provider" generic plant
serve provider "$T/provider" --role provider
PROVIDER=$PID
URL=$BASE/scim/plant/v2
json() { python3 -c "import json, sys; v = json.load(sys.stdin); print($1)"; }
created() { "$USHER" --data "$1" --json status plant | json "v['lastCycle']['counts']['created']"; }
# organisation DATA URL: the same people each time, assigned to the application there
organisation() {
    "$USHER" --data "$1" --quiet import people.csv
    "$USHER" --data "$1" --quiet app add scim --name plant --url "$2" --token "$KEY" --scope all --no-test
    "$USHER" --data "$1" --quiet app set plant --setting client.listing=never --setting client.bulk=off
}

{
    echo id,userPrincipalName,displayName
    for i in 1 2 3 4 5; do echo "00000000-0000-4000-8000-00000000000$i,p$i@plant.example,Person $i"; done
} >people.csv

step "a cycle is recorded"
organisation "$T/one" "$URL"
"$USHER" --data "$T/one" start plant --wait --record exchanges >/dev/null
check_eq "created" 5 "$(created "$T/one")"
check_eq "creations kept" 5 "$(grep -l '"method":"POST"' exchanges/*.json | wc -l)"
! grep -rqF "$KEY" exchanges || fail "the token was kept"
check_has "the head of a request" "$(cat exchanges/000001.json)" '"Authorization: [Redact]"' \
    '"Accept: application/scim+json, application/json;q=0.9"' '"X-Request-Id: '
check_has "the head of an answer" "$(json "v['answer']['head']" <exchanges/000001.json)" \
    'Content-Type: application/scim+json' 'Content-Length: '
check_eq "for nobody else" 700 "$(stat -c %a exchanges)"
files=$(find exchanges -name '*.json' | wc -l)
"$USHER" --data "$T/one" --quiet app test plant --record exchanges
[ "$(find exchanges -name '*.json' | wc -l)" -gt "$files" ] || fail "the second recording is not behind the first"
"$USHER" --data "$T/one" --quiet provision plant p1@plant.example --record exchanges >/dev/null

step "and replayed, with the application gone"
stop "$PROVIDER"
start replay '^replays' "$USHER" replay exchanges --listen 127.0.0.1:0
REPLAY=$(grep -oE 'http://[0-9.:]+' <<<"$READY")
organisation "$T/two" "$REPLAY/scim/plant/v2"
"$USHER" --data "$T/two" --quiet app test plant
"$USHER" --data "$T/two" start plant --wait >/dev/null
check_eq "created" 5 "$(created "$T/two")"

step "what was not recorded is named"
check_eq "status" 501 "$(curl -s -o answer -w '%{http_code}' "$REPLAY/scim/plant/v2/Users/none")"
has "not recorded: GET /scim/plant/v2/Users/none" answer
has "not recorded: GET /scim/plant/v2/Users/none" replay.log
check_eq "another body" 501 "$(curl -s -o answer -w '%{http_code}' -d '{"userName":"other"}' "$REPLAY/scim/plant/v2/Users")"

step "whatever opens the application is masked"
start leaky '^listening' python3 "$HERE/leaky.py"
LEAKY=http://127.0.0.1:${READY#listening }
leaky() { "$USHER" --data "$T/three" "$@"; }
leaky --quiet import people.csv
leaky --quiet app add scim --name leaky --url "$LEAKY/scim?api_key=k3y-in-the-url&region=north" --scope all --no-test \
    --oauth-token-url "$LEAKY/token" --client-id me --client-secret cl1ent-s3cret --record leaks
leaky start leaky --wait --record leaks >/dev/null || true
[ "$(find leaks -name '*.json' | wc -l)" -gt 5 ] || fail "nothing was recorded"
for secret in k3y-in-the-url cl1ent-s3cret t0ken-1 c00kie s3ss1on; do
    ! grep -rlF "$secret" leaks || fail "'$secret' was kept"
done
check_has "what is masked" "$(cat leaks/*.json)" 'api_key=[Redact]&region=[Redact]' '"Set-Cookie: [Redact]"' \
    '"access_token":"[Redact]"' '"X-Session-Key: [Redact]"'
stop "$PID"
start again '^replays' "$USHER" replay leaks --listen 127.0.0.1:0
AGAIN=$(grep -oE 'http://[0-9.:]+' <<<"$READY")
"$USHER" --data "$T/four" --quiet import people.csv
"$USHER" --data "$T/four" --quiet app add scim --name leaky --url "$AGAIN/scim?api_key=another&region=south" --scope all \
    --no-test --oauth-token-url "$AGAIN/token" --client-id me --client-secret other
"$USHER" --data "$T/four" --json start leaky --wait >cycle.json
check_eq "the same comes of it" "$(leaky --json status leaky | json "v['lastCycle']['counts']['created']")" \
    "$(json "v['counts']['created']" <cycle.json)"

step "every command that talks to an application can be recorded"
for words in "app test" "app probe" discover drift provision; do
    rm -rf recorded
    who=; [ "$words" != provision ] || who=p1@plant.example
    # shellcheck disable=SC2086
    "$USHER" --data "$T/four" $words leaky $who --record recorded >/dev/null 2>&1 || true
    [ -s recorded/000001.json ] || fail "usher $words was not recorded"
    CHECKS=$((CHECKS + 1))
done

step "what is no recording is refused"
mkdir empty broken
if "$USHER" replay empty 2>err; then fail "an empty directory was served"; fi
has "nothing recorded" err
echo '{}' >broken/000001.json
if "$USHER" replay broken 2>err; then fail "a broken file was served"; fi
has "000001.json is no recorded exchange" err

echo "$CHECKS checks"
