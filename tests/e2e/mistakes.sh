#!/bin/bash
# What goes wrong around usher: a place that is not there, a file that is something else, a database that does not
# answer, a key file that others may read, output that finds no room. Each says what is wrong and where, with exit code
# 1, and leaves everything as it was. (bad_input.sh has what goes wrong with input.)
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# says TEXT ARGUMENTS...: fails with 1, names the text, prints no result.
says() {
    text=$1 code=0
    shift
    "$USHER" "$@" >says.out 2>says.err || code=$?
    [ "$code" = 1 ] || fail "usher $* ended with $code: $(cat says.out says.err)"
    has "$text" says.err
    [ -s says.out ] && fail "usher $* printed a result: $(cat says.out)"
    return 0
}

says '/proc/usher' --data /proc/usher status
says '/proc/usher' --data /proc/usher user add ada@example.com

# A typing error makes no directory.
says "no data directory 'TYPO'" --data TYPO status
says "no data directory 'TYPO'" --data TYPO app set P --scope all
[ ! -e TYPO ] || fail "--data TYPO status made TYPO"

echo "this is no database" >text.db
cp text.db kept.db
says text.db --database sqlite:text.db status
cmp -s text.db kept.db || fail "the file was changed"

says 'nowhere/at/all' --database sqlite:nowhere/at/all/usher.db status
says "'sqlite:' or 'postgresql://'" --database nonsense://x status
says 127.0.0.1 --database postgresql://nobody@127.0.0.1:1/x status

# A key that others may read, and one that is no key.
"$USHER" --data keys app add scim --name P --url http://127.0.0.1:1 --token t --no-test >/dev/null
chmod 644 keys/secret.key
says secret.key --data keys app test P
chmod 600 keys/secret.key
echo short >keys/secret.key
says secret.key --data keys app test P

# A folder that may be read only (root may write anywhere).
if [ "$(id -u)" != 0 ]; then
    mkdir locked
    chmod 555 locked
    says locked --data locked/data user add ada@example.com
fi

# A disk that is full.
code=0
"$USHER" help >/dev/full 2>full.err || code=$?
[ "$code" = 1 ] || fail "output to a full disk gave $code"
has 'could not be written' full.err
echo "mistakes: each is told"
