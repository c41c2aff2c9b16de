#!/bin/sh
# A server that needs nothing but a shell. Questions come in through the pipe run/questions, a line each: the
# file that waits for the answer, and the name of a message (or `page`, or `version`).
set -eu
. ./gen/messages.sh
page=$(cat gen/page.html)
version=$(cat gen/messages.sh gen/page.html | cksum)

mkdir -p run
[ -p run/questions ] || mkfifo run/questions
exec 3<>run/questions # Open for reading and writing, so that `read` waits for the next question and never meets an end.
echo $$ >run/server.pid
echo "serving: $names"

while read -r answer question <&3; do
    case $question in
    version) text=$version ;;
    page) text=$page ;;
    *) text=$(message "$question") || text="no message is called $question" ;;
    esac
    printf '%s\n' "$text" >"$answer.new" && mv "$answer.new" "$answer"
    [ "$question" = version ] || echo "was asked for $question"
done
