#!/bin/sh
# start.sh PROGRAM ARGS: runs the program, and again whenever restart.sh ends it.
trap 'kill "$pid" 2>/dev/null; exit 0' TERM
while true; do
    rm -f /tmp/restart
    sh "$@" &
    pid=$!
    echo $pid >/tmp/pid
    wait $pid
    code=$?
    [ -e /tmp/restart ] || exit $code
done
