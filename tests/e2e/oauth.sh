#!/bin/bash
# How an application is opened: OAuth 2.0 client credentials with tokens that end soon and are refused early, HTTP
# Basic, a client certificate under a private CA; and redirects. What is secret shows nowhere.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 \
    -keyout key.pem -out cert.pem 2>/dev/null
start oauth '^ports' python3 "$HERE/oauth.py" cert.pem key.pem
read -r _ HTTP HTTPS <<<"$READY"
URL=http://127.0.0.1:$HTTP
SECRET='s+cret/of=plant'
OAUTH=(--client-id 'plant client' --client-secret -)

log() { curl -s "$URL/log" | python3 -c 'import json, sys; print("\n".join(json.load(sys.stdin)))'; }
count() { log | grep -cx -- "$1" || true; }
# refused CODE WORDS COMMAND...: with the secret on its standard input
refused() {
    local words=$1
    shift
    if echo "$SECRET" | "$@" >out 2>err; then fail "accepted: $*"; fi
    check_has "$*" "$(cat err)" "$words"
    ! grep -qF "$SECRET" err || fail "the secret is told: $(cat err)"
}

{
    echo userPrincipalName,displayName
    for i in $(seq 100); do echo "p$i@plant.example,Person $i"; done
} >people.csv
"$USHER" --quiet import people.csv

step "what cannot be right is refused, and nothing is saved"
refused "client.auth.clientId is not set" "$USHER" app add scim --name no --url "$URL/scim" \
    --oauth-token-url "$URL/token" --client-secret -
refused "do not go together" "$USHER" app add scim --name no --url "$URL/scim" --token x "${OAUTH[@]}"
refused "invalid_client" "$USHER" app add scim --name no --url "$URL/scim" \
    --oauth-token-url "$URL/token" --client-id 'another client' --client-secret -
refused "needs https" "$USHER" app add scim --name no --url "$URL/scim" \
    --oauth-token-url http://elsewhere.example/token "${OAUTH[@]}"
check_eq "applications" "[]" "$("$USHER" --json app list)"

step "a cycle whose tokens are refused after 40 requests each, though they are said to live for an hour"
echo "$SECRET" | "$USHER" --quiet app add scim --name plant --url "$URL/scim" --scope all \
    --oauth-token-url "$URL/token" "${OAUTH[@]}" --oauth-scope 'scim.read scim.write'
"$USHER" start plant --wait >/dev/null
check_eq "created" 100 "$("$USHER" --json status plant |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["lastCycle"]["counts"]["created"])')"
check_eq "accounts" 100 "$(count 'POST /Users')"
[ "$(count token)" -gt 2 ] || fail "$(count token) tokens"
[ "$(count 401)" -gt 1 ] || fail "$(count 401) refusals"

step "tokens that end after two seconds are renewed before that"
"$USHER" --quiet app set plant --oauth-token-url "$URL/token/short"
tokens=$(count token)
"$USHER" --quiet app test plant
sleep 2.1 # their life: there is nothing else to wait for
"$USHER" --quiet app test plant
check_eq "another token each time" $((tokens + 2)) "$(count token)"

step "the secret may be replaced, and a wrong one is not taken"
if echo wrong | "$USHER" app set plant --client-secret - 2>err; then fail "a wrong secret was taken"; fi
check_has "wrong secret" "$(cat err)" "check the token URL" "nothing was saved"
echo "$SECRET" | "$USHER" --quiet app set plant --client-secret -
"$USHER" app settings plant | grep -F client.auth >settings
has "plant client" settings

step "HTTP Basic"
echo pass:word | "$USHER" --quiet app add scim --name basic --url "$URL/basic" --basic-user ada --password -
"$USHER" --quiet app test basic
if echo pass | "$USHER" app set basic --password - 2>err; then fail "a wrong password was taken"; fi
check_has "wrong password" "$(cat err)" "user name and password"

step "a client certificate, and a private CA"
if "$USHER" app add scim --name mutual --url "https://127.0.0.1:$HTTPS/mutual" --token plain 2>err; then
    fail "an unknown CA was trusted"
fi
check_has "unknown CA" "$(cat err)" certificate
"$USHER" --quiet app add scim --name mutual --url "https://127.0.0.1:$HTTPS/mutual" --token plain --no-test
"$USHER" --quiet app set mutual --setting client.tls.caFile="$T/cert.pem"
! "$USHER" app test mutual 2>err || fail "it let in without a certificate"
"$USHER" --quiet app set mutual --setting client.tls.certFile="$T/cert.pem" --setting client.tls.keyFile="$T/key.pem"
"$USHER" --quiet app test mutual
! "$USHER" app set mutual --setting client.tls.keyFile="$T/people.csv" 2>err || fail "a list of people is no key"
check_has "no key" "$(cat err)" "cannot be read in"

step "redirects: on the same server they are followed, elsewhere nothing is sent"
refused "which is another server" "$USHER" app add scim --name away --url "$URL/away" \
    --oauth-token-url "$URL/token" "${OAUTH[@]}"
echo "$SECRET" | "$USHER" --quiet app add scim --name moved --url "$URL/moved" \
    --oauth-token-url "$URL/token" "${OAUTH[@]}"

step "no secret is in the database, the log of changes, the exports"
"$USHER" config export plant >config.json 2>/dev/null || true
"$USHER" --json logs plant >logs.json
"$USHER" --json audit list >audit.json 2>/dev/null || true
for secret in "$SECRET" pass:word; do
    ! grep -rqaF -- "$secret" usher-data config.json logs.json audit.json || fail "'$secret' is on the disk"
done

echo "$CHECKS checks"
