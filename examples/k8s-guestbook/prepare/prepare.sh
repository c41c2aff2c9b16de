#!/bin/sh
# Writes the first line, unless somebody was here before.
set -e
store="http://$STORE_SERVICE_HOST:$STORE_SERVICE_PORT/cgi-bin"
if [ -n "$(wget -q -O - "$store/entries")" ]; then
    echo "the book was open already"
else
    wget -q -O /dev/null "$store/add?The+book+is+open."
    echo "opened the book"
fi
