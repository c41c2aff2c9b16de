#!/bin/sh
# Asks the server for everything, and compares what it says with what was generated.
set -eu
. ./gen/messages.sh

# A save makes the server start anew. This check waits until it is ready again (`resource_deps`), so it never asks the old one.
[ "$(./ask.sh version)" = "$(cat gen/messages.sh gen/page.html | cksum)" ] ||
    { echo "the server does not serve what was generated" >&2; exit 1; }

for name in $names; do
    answer=$(./ask.sh "$name")
    [ "$answer" = "$(message "$name")" ] || { echo "$name: the server says: $answer" >&2; exit 1; }
    echo "$name: $answer"
done
[ "$(./ask.sh page)" = "$(cat gen/page.html)" ] || { echo "the server serves another page" >&2; exit 1; }
echo "all answers are right"
