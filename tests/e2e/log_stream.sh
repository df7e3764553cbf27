#!/bin/bash
# The provisioning log sent on to a webhook while usher serves: in order, signed, nothing left out by a receiver
# that refuses or by a service that is killed; log_stream.py says what is expected.
. "$(dirname "$0")/lib.sh"
tenant "$T/provider" joynfsm plant
serve provider "$T/provider" --role provider
python3 "$HERE/log_stream.py" "$BASE/scim/plant/v2" "$KEY"
stop "$PID"
check_eq "exit code of the provider" 0 "$CODE"
