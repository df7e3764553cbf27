#!/bin/bash
# The service notices what other processes do: an import reaches the application by itself, a pause stops a
# running cycle, a start goes on with it; status --json has the members of the contract.
. "$(dirname "$0")/lib.sh"
tenant "$T/data" generic plant
serve service "$T/data"
service=$PID
parts() { python3 "$HERE/watch.py" "$BASE/scim/plant/v2" "$KEY" "$1"; }

# Ends the service as an administrator does, and looks how fast and how it went.
stop_service() {
    local began=$SECONDS
    stop "$service"
    check_eq "exit code after SIGTERM" 0 "$CODE"
    [ $((SECONDS - began)) -le 5 ] || fail "it took $((SECONDS - began)) s to stop"
}

parts live
parts interrupt
stop_service
check_eq "running after SIGTERM" False "$("$USHER" --data "$T/data" --json status Plant |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["running"])')"
serve again "$T/data" --listen "${BASE#http://}"
service=$PID
parts go-on
stop_service
