#!/bin/bash
# The service as an administrator runs it: it comes up, says how it is, refuses strangers, and ends in order;
# what keeps it from starting is said with what to do.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# refused EXIT TEXT ARGUMENTS...: the program ends with that code and says the text.
refused() {
    want=$1 text=$2 code=0
    shift 2
    timeout 20 "$USHER" "$@" >refused.out 2>refused.err || code=$?
    [ "$code" = "$want" ] || fail "usher $* ended with $code, not $want: $(cat refused.err)"
    has "$text" refused.err
}

"$USHER" serve --listen 127.0.0.1:0 >serve.out 2>serve.err &
serve=$!
PIDS=$serve
wait_for 30 grep -q 'listens on' serve.out
url=$(grep -o 'http://[0-9.:]*' serve.out)

[ "$(curl -s "$url/healthz")" = ok ] || fail "/healthz"
[ "$(curl -s "$url/readyz")" = ready ] || fail "/readyz"
curl -s "$url/metrics" >metrics
has usher_http_requests_total metrics
[ "$(curl -s -o /dev/null -w '%{http_code}' "$url/nothing")" = 404 ] || fail "404 for an unknown path"
[ "$(curl -s -o /dev/null -w '%{http_code}' -X POST -d x "$url/healthz")" = 405 ] || fail "405"
[ "$(curl -s -o /dev/null -w '%{http_code}' "$url/scim/nobody/v2/Users")" = 401 ] || fail "401 without key"

# Commands work beside the service, on the same data.
"$USHER" tenant add joynfsm plant --json >tenant.json
has '"kind": "joynfsm"' tenant.json
has "\"baseUrl\": \"$url/scim/plant/v2\"" tenant.json
"$USHER" tenant list --public-url https://scim.example.com/ >tenants
has 'https://scim.example.com/scim/plant/v2' tenants
key=$("$USHER" key add plant --description e2e --json | grep -o 'usk_[^"]*')
curl -s -H "Authorization: Bearer $key" "$url/scim/plant/v2/Users" >users.json
has '"totalResults":0' users.json

refused 1 --listen serve --listen "${url#http://}"
refused 2 'ADDRESS:PORT' serve --listen nonsense
refused 2 'api, engine and provider' serve --role cook
refused 2 'https://scim.example.com, not' serve --listen 127.0.0.1:0 --public-url scim.example.com
refused 2 'belong together' serve --listen 127.0.0.1:0 --tls-cert missing.pem
refused 1 missing.pem serve --listen 127.0.0.1:0 --tls-cert missing.pem --tls-key missing.pem

kill -TERM "$serve"
code=0
wait "$serve" || code=$?
PIDS=
[ "$code" = 0 ] || { cat serve.err >&2; fail "SIGTERM ended the service with $code"; }
has server_stopping serve.err

# Settings from a file: one that is wrong keeps everything from starting, and says where.
printf '# the service\nlisten: 127.0.0.1:0\nrole: engine\nlistne: x\n' >service.yaml
refused 2 "service.yaml:4:1: there is no setting 'listne'; did you mean listen?" serve --config service.yaml
sed -i /listne/d service.yaml
"$USHER" serve --config service.yaml >file.out 2>file.err &
PIDS=$!
wait_for 30 grep -q 'listens on' file.out
url=$(grep -o 'http://[0-9.:]*' file.out)
[ "$(curl -s "$url/readyz")" = ready ] || fail "/readyz of a service with a configuration file"
[ "$(curl -s -o /dev/null -w '%{http_code}' "$url/scim/plant/v2/Users")" = 404 ] || fail "role from the file"
kill -TERM "$PIDS"
wait "$PIDS" || fail "the service with a file ended with $?"
PIDS=

# Each role by itself.
"$USHER" serve --role engine --listen 127.0.0.1:0 >engine.out 2>engine.err &
PIDS=$!
wait_for 30 grep -q 'listens on' engine.out
url=$(grep -o 'http://[0-9.:]*' engine.out)
[ "$(curl -s -o /dev/null -w '%{http_code}' "$url/scim/plant/v2/Users")" = 404 ] || fail "engine alone serves SCIM"
echo "serve: as it should"
