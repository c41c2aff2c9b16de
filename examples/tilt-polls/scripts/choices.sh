#!/bin/sh
# choices.sh TALLY FOLDER: tells the tally what can be chosen.
set -eu
sh "$(dirname "$0")/post.sh" "$1/cgi-bin/tally?choices" "$(ls "$2")"
echo "choices: $(ls "$2" | tr '\n' ' ')"
