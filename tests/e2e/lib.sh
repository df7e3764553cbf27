# shellcheck shell=bash
# For the end-to-end scripts, sourced by each: `. "$(dirname "$0")/lib.sh"`. Gives a directory of its
# own, $T and where the script then is, that goes away at the end together with every process in $PIDS,
# which `start` fills; the program in $USHER; and checks that say what was expected where.
#
# A script runs alone, too:  USHER=build/usher tests/e2e/first_steps.sh     KEEP=1 keeps $T.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
USHER=${USHER:-$HERE/../../build/usher}
USHER=$(realpath "$USHER")
T=$(mktemp -d "${TMPDIR:-/tmp}/usher-e2e.XXXXXX")
export HERE USHER T LC_ALL=C.UTF-8 PYTHONPATH=$HERE PYTHONDONTWRITEBYTECODE=1
# What the caller's shell may hold must not change what is tested.
unset "${!USHER_@}" http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy

PIDS=
CHECKS=0

[ -x "$USHER" ] || { echo "$USHER is not there: set USHER to the program" >&2; exit 1; }

cleanup() {
    local code=$?
    trap - EXIT INT TERM HUP
    trap '' PIPE
    set +e
    for pid in $PIDS; do kill -TERM "$pid" 2>/dev/null || true; done
    for pid in $PIDS; do
        for _ in $(seq 50); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL "$pid" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    cd /
    if [ "$code" != 0 ]; then
        for log in "$T"/*.log; do
            if [ -s "$log" ]; then echo "--- the end of $(basename "$log")"; tail -n 25 "$log"; fi
        done >&2
    fi
    if [ -n "${KEEP:-}" ]; then echo "kept: $T"; else chmod -R u+w "$T" 2>/dev/null || true; rm -rf "$T"; fi
    exit "$code"
}
cd "$T"
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP
trap 'exit 141' PIPE

step() { printf -- '- %s\n' "$*"; }

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

# check_eq WHAT EXPECTED ACTUAL
check_eq() {
    CHECKS=$((CHECKS + 1))
    [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
}

# check_has WHAT TEXT PART ...: every part is in the text, without regard to case
check_has() {
    local what=$1 text=$2 part
    shift 2
    for part in "$@"; do
        CHECKS=$((CHECKS + 1))
        grep -qiF -- "$part" <<<"$text" || fail "$what: '$part' is not in: $text"
    done
}

# has TEXT FILE
has() {
    CHECKS=$((CHECKS + 1))
    grep -qF -- "$1" "$2" || { cat "$2" >&2; fail "'$1' is not in $2"; }
}

# wait_for SECONDS COMMAND...: until the command succeeds
wait_for() {
    local tries=$(($1 * 10))
    shift
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || fail "waited in vain for: $*"
        sleep 0.1
    done
}

# start NAME PATTERN COMMAND...: runs in the background with its output in $T/NAME.log and waits until
# a line fits PATTERN (grep -E), which is left in $READY; the process is $PID.
start() {
    local name=$1 pattern=$2
    shift 2
    "$@" >"$T/$name.log" 2>&1 &
    PID=$!
    PIDS="$PIDS $PID"
    for _ in $(seq 300); do
        READY=$(grep -m1 -E -- "$pattern" "$T/$name.log" || true)
        [ -z "$READY" ] || return 0
        kill -0 "$PID" 2>/dev/null || fail "$name ended before it was ready: $*"
        sleep 0.1
    done
    fail "$name was not ready after 30 s: $*"
}

# stop PID [SIGNAL]: ends one of them and waits; its exit code is in $CODE.
stop() {
    local pid rest=
    CODE=0
    kill "-${2:-TERM}" "$1"
    wait "$1" || CODE=$?
    for pid in $PIDS; do [ "$pid" = "$1" ] || rest="$rest $pid"; done # the number may be another's soon
    PIDS=$rest
}

# within SECONDS WHAT COMMAND...: until the command succeeds, at most that long
within() {
    local seconds=$1 what=$2 end
    shift 2
    end=$(($(date +%s%N) + seconds * 1000000000))
    until "$@"; do
        [ "$(date +%s%N)" -lt "$end" ] || fail "not within $seconds s: $what"
        sleep 0.1
    done
    CHECKS=$((CHECKS + 1))
}

# usher serve on a free port: serve NAME DATA [OPTION...]; its address is in $BASE.
serve() {
    local name=$1 data=$2
    shift 2
    start "$name" 'listens on http' "$USHER" --data "$data" serve --listen 127.0.0.1:0 "$@"
    BASE=$(grep -oE 'https?://[0-9.:]+' <<<"$READY" | head -1)
}

# The third-party SCIM server; its base URL is in $SCIMMY.
start_scimmy() {
    [ -d "$HERE/scimmy/node_modules" ] || fail "the npm packages are missing: tools/install-deps"
    TOKEN=scimmy-token start scimmy '^listening' node "$HERE/scimmy/server.mjs"
    SCIMMY=http://127.0.0.1:${READY#listening }/scim/v2
}

# A tenant of usher's own provider with a key: tenant DATA KIND NAME; the key is in $KEY.
tenant() {
    "$USHER" --data "$1" --quiet tenant add "$2" "$3"
    KEY=$("$USHER" --data "$1" --json key add "$3" --description e2e |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["key"])')
}

# saml-jackson's directory sync; its base URL is in $JACKSON, the token in $SECRET.
start_jackson() {
    local port id
    [ -d "$HERE/jackson/node_modules" ] || fail "the npm packages are missing: tools/install-deps"
    start jackson '^listening' node "$HERE/jackson/server.mjs"
    read -r _ port id SECRET <<<"$READY"
    JACKSON=http://127.0.0.1:$port/api/scim/v2.0/$id
}
