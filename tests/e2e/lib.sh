# What the end-to-end scripts share: a folder of one's own, a service, checks. Sourced; needs $USHER.
set -eu
: "${USHER:=$(dirname "$0")/../../build/usher}"
USHER=$(realpath "$USHER")
WORK=$(mktemp -d /tmp/usher-e2e-XXXXXX)
PIDS=
cd "$WORK"

finish() {
    code=$?
    for pid in $PIDS; do kill "$pid" 2>/dev/null || true; done
    for pid in $PIDS; do wait "$pid" 2>/dev/null || true; done
    cd /
    rm -rf "$WORK"
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
    tries=$(($1 * 10))
    shift
    while ! "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || fail "waited in vain for: $*"
        sleep 0.1
    done
}

# has TEXT FILE
has() {
    grep -qF -- "$1" "$2" || { cat "$2" >&2; fail "'$1' is not in $2"; }
}
