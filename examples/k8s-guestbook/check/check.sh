#!/bin/sh
# Signs the book and looks for the line.
set -e
book="http://$WEB_SERVICE_HOST:$WEB_SERVICE_PORT/cgi-bin/book"

# A new Service takes a moment until it leads somewhere.
until wget -q -O /dev/null "$book" 2>/dev/null; do sleep 0.2; done
wget -q -O /dev/null "$book?sign=The+check+was+here."
page=$(wget -q -O - "$book")
case $page in
*"<li>The book is open."*"<li>The check was here."*) echo "the book has what was written" ;;
*)
    echo "something is missing in the book:"
    echo "$page"
    exit 1
    ;;
esac
