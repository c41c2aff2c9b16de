#!/bin/sh
# Asks the server: ./ask.sh hello. Fails when no answer comes within a second.
set -eu

{ read -r server <run/server.pid && kill -0 "$server"; } 2>/dev/null || { echo "no server is running" >&2; exit 1; }
answer=run/answer.$$
trap 'rm -f "$answer"' EXIT
echo "$answer $1" 1<>run/questions

tries=0
until [ -e "$answer" ]; do
    tries=$((tries + 1))
    kill -0 "$server" 2>/dev/null || { echo "the server ended before it answered" >&2; exit 1; }
    [ "$tries" -le 50 ] || { echo "the server does not answer" >&2; exit 1; }
    sleep 0.02
done
cat "$answer"
