#!/bin/sh
# envsubst.sh NAME IMAGE: the manifests of standard input with ${NAME} and ${IMAGE} filled in.
set -eu
sed -e "s/\${NAME}/$1/g" -e "s/\${IMAGE}/$2/g"
