#!/bin/sh
# Counts on from where it stopped.
set -eu
now=$(cat /counts/now 2>/dev/null || echo 0)
echo "counter: goes on from $now"
while :; do
    now=$((now + 1))
    echo "$now" >/counts/next
    mv /counts/next /counts/now
    sleep 1
done
