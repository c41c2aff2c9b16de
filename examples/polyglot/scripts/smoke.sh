#!/bin/sh
# Walks the whole way: through the web service to the length service. Needs the Go client.
set -eu
build/ask "$API" 1 mile foot
build/ask "$WEB" 2 furlong metre
build/ask "$WEB" 3 fathom foot
