#!/bin/bash
# Random filters and patches: usher's provider beside the npm libraries scim2-parse-filter and scim-patch.
#
#     SEED=7 COUNT=5000 tests/e2e/scim_peers.sh      more of them
. "$(dirname "$0")/lib.sh"
[ -d "$HERE/scim_peers/node_modules" ] || fail "the npm packages are missing: tools/install-deps"

serve service data --role provider
for seed in ${SEED:-1 2}; do
    tenant data generic "peers$seed"
    step "seed $seed"
    node "$HERE/scim_peers/differential.mjs" "$BASE/scim/peers$seed/v2" "$KEY" "$seed" "${COUNT:-250}"
done
