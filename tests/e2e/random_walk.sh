#!/bin/bash
# A random walk: a directory that changes at random, an application that fails at random, usher killed at
# random; whenever it comes to rest the application says what a simple model says.  SEED=N is another walk, 0 any,
# STEPS=N makes it longer; a failing one is shortened and kept as a file, which is given as an argument to
# run it again.
. "$(dirname "$0")/lib.sh"
PYTHONPATH=$HERE/random_walk:$HERE python3 "$HERE/random_walk/walk.py" "$@"
