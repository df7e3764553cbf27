#!/bin/bash
# A random walk: a directory that changes at random, an application that fails at random, usher killed at
# random; whenever it comes to rest the application says what a simple model says.  SEED=N is another walk, 0 any,
# STEPS=N makes it longer; a failing one is shortened for at most SHRINK_S seconds and kept as a file (SAVE), which is
# given as an argument to run it again.  DATABASE=postgres keeps the data there; LONG_FAULTS=1 lets faults last as long
# as a cycle; TRACE=1 says how long each step took, and LOG=FILE keeps the requests.
. "$(dirname "$0")/lib.sh"
PYTHONPATH=$HERE/random_walk:$HERE python3 "$HERE/random_walk/walk.py" "$@"
