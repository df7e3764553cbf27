#!/bin/bash
# As killed.sh, with many creations in each request: a kill falls between many and their answer.
export BULK=1
. "$(dirname "$0")/killed.sh"
