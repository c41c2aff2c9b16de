#!/bin/sh
# Looks at the shop, buys a tea, and waits until it was shipped. Ends with 0 if all went well.
set -eu
shop=http://web:8080/cgi-bin
shipped() {
    wget -q -O - "http://db:5000/cgi-bin/rows?shipped" | wc -l
}

wget -q -O - "$shop/shop" | tee /tmp/page | grep '<li>' || true
for item in tea coffee biscuits; do
    grep -q "<li>$item, [0-9]*\.[0-9][0-9]</li>" /tmp/page || {
        echo "check: no price for $item"
        exit 1
    }
done
before=$(shipped)
wget -q -O - "$shop/order?tea" | grep -q 'Thank you'
for turn in $(seq 100); do
    [ "$(shipped)" -le "$before" ] || {
        echo "check: all is well"
        exit 0
    }
    sleep 0.1
done
echo "check: the tea was not shipped"
exit 1
