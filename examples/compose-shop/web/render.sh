#!/bin/sh
# Puts the frame around each page.
set -eu
cd /srv/pages
mkdir -p ../rendered
for page in *.html; do
    [ "$page" = frame.html ] || sed -e "/<!-- page -->/ {
r $page
d
}" frame.html >"../rendered/$page"
done
echo "web: rendered $(ls ../rendered | wc -l) pages"
