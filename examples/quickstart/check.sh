#!/bin/sh
# Asks the server for everything, and compares what it says with what was generated.
set -eu
. ./gen/messages.sh

# A save restarts the server and starts this check at the same moment: let the old server go first.
version=$(cat gen/messages.sh gen/page.html | cksum)
tries=0
until [ "$(./ask.sh version 2>/dev/null)" = "$version" ]; do
    tries=$((tries + 1))
    [ "$tries" -le 100 ] || { echo "the server does not serve what was generated" >&2; exit 1; }
    sleep 0.05
done

for name in $names; do
    answer=$(./ask.sh "$name")
    [ "$answer" = "$(message "$name")" ] || { echo "$name: the server says: $answer" >&2; exit 1; }
    echo "$name: $answer"
done
[ "$(./ask.sh page)" = "$(cat gen/page.html)" ] || { echo "the server serves another page" >&2; exit 1; }
echo "all answers are right"
