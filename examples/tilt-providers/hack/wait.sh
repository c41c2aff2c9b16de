#!/bin/sh
# wait.sh PORT NAME...: until the core behind the forwarded port has heard of all these.
set -eu
port=$1
shift
for name in "$@"; do
    tries=0
    until curl -fsS "http://127.0.0.1:$port/cgi-bin/providers" | grep "^$name "; do
        tries=$((tries + 1))
        [ $tries -lt 120 ] || { echo "nothing was heard of $name"; exit 1; }
        sleep 0.5
    done
done
echo "all providers are up"
