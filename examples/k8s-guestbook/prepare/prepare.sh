#!/bin/sh
# Writes the first line, unless somebody was here before.
set -e
store="http://$STORE_SERVICE_HOST:$STORE_SERVICE_PORT/cgi-bin"

# A new Service takes a moment until it leads somewhere.
until wget -q -O /tmp/lines "$store/entries" 2>/dev/null; do sleep 0.2; done
if [ -s /tmp/lines ]; then
    echo "the book was open already"
else
    wget -q -O /dev/null "$store/add?The+book+is+open."
    echo "opened the book"
fi
