#!/bin/sh
# Fills page.template with all messages: gen/page.html.
set -eu
. ./gen/messages.sh

while IFS= read -r line; do
    if [ "$line" != @MESSAGES@ ]; then
        printf '%s\n' "$line"
        continue
    fi
    for name in $names; do
        echo "  <li>$(message "$name")"
    done
done <page.template >gen/page.html
echo "wrote gen/page.html"
