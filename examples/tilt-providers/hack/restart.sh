#!/bin/sh
# restart.sh: ends the program; start.sh starts it again.
touch /tmp/restart
kill "$(cat /tmp/pid)"
