#!/bin/bash
# The webhook of a tenant, with a real receiver that refuses, hangs, drops connections and goes away, while users and
# groups change at random and the service is killed: every change comes, in order for each user and group, signed.
# SEED=N repeats a run's changes; KILLS=N (default 2) makes it longer.
. "$(dirname "$0")/lib.sh"
tenant "$T/data" generic plant
python3 "$HERE/webhook.py" "$KEY"
