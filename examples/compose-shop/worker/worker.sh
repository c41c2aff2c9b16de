#!/bin/sh
# Ships each order once, in the order in which they came.
set -eu
db=http://db:5000/cgi-bin
rows() {
    wget -q -O - "$db/rows?$1"
}

echo "worker: ready"
shipped=$(rows shipped | wc -l)
while sleep 0.2; do
    rows orders | tail -n +$((shipped + 1)) >/tmp/open
    while read -r item; do
        wget -q -O /dev/null --post-data "$item
" "$db/add?shipped"
        shipped=$((shipped + 1))
        echo "worker: shipped $item"
    done </tmp/open
done
