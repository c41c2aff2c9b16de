#!/bin/sh
# Turns messages.txt into shell code: gen/messages.sh. Comments and empty lines leave no trace in it.
set -eu

mkdir -p gen
sed -n 's/^\([a-z][a-z_]*\) *= *\(.*\)$/\1 \2/p' messages.txt | {
    names=
    echo '# Made by generate.sh from messages.txt: edits here are lost.'
    echo 'message() {'
    echo '    case $1 in'
    while read -r name text; do
        names="$names $name"
        printf "    %s) echo '%s' ;;\n" "$name" "$(printf %s "$text" | sed "s/'/'\\\\''/g")"
    done
    echo '    *) return 1 ;;'
    echo '    esac'
    echo '}'
    echo "names='${names# }'"
} >gen/messages.sh.new
mv gen/messages.sh.new gen/messages.sh
echo "wrote gen/messages.sh"
