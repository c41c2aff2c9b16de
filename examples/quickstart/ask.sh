#!/bin/sh
# Asks the server: ./ask.sh hello. Fails when no answer comes within a second.
set -eu

[ -p run/questions ] || { echo "the server was never started" >&2; exit 1; }
answer=run/answer.$$
trap 'rm -f "$answer"' EXIT
echo "$answer $1" 1<>run/questions

tries=0
until [ -e "$answer" ]; do
    tries=$((tries + 1))
    [ "$tries" -le 50 ] || { echo "the server does not answer" >&2; exit 1; }
    sleep 0.02
done
cat "$answer"
