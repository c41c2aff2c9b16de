#!/bin/sh
# Counts what was written.
store="http://$STORE_SERVICE_HOST:$STORE_SERVICE_PORT/cgi-bin"
before=
while true; do
    now=$(wget -q -O - "$store/entries" | wc -l)
    [ "$now" = "$before" ] || echo "lines in the book: $now"
    before=$now
    sleep 1
done
