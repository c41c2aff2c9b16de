#!/bin/sh
# generate.sh IN OUT: the countries as Python. Writes only what has changed.
set -eu
{
    echo '"""Where letters go. Made from schema/countries.txt: change that."""'
    echo
    echo 'COUNTRIES = {'
    while read -r code price name; do
        case $code in '#'* | '') continue ;; esac
        printf '    "%s": ("%s", %s),\n' "$code" "$name" "$price"
    done <"$1"
    echo '}'
} >"$2.new"
if cmp -s "$2.new" "$2"; then rm "$2.new"; else mv "$2.new" "$2" && echo "wrote $2"; fi
