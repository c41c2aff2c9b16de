#!/bin/sh
# Asks the converter what everybody knows.
set -eu
expect() {
    got=$(build/convert "$1" "$2" "$3")
    [ "$got" = "$4" ] || { echo "$1 $2 is $4 $3, not $got" >&2; exit 1; }
    echo "$1 $2 = $got $3"
}
expect 1 mile foot 5280.0000
expect 1 furlong fathom 110.0000
! build/convert 1 mile parsec 2>/dev/null
