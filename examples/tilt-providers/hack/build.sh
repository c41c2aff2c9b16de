#!/bin/sh
# build.sh NAME FOLDER OUT: the manager of a provider as one program, with what starts it.
set -eu
mkdir -p "$3/bin"
{
    echo '#!/bin/sh'
    echo 'set -eu'
    echo "NAME=$1 VERSION=$VERSION"
    cat lib/manager.sh "$2/manager.sh"
    echo 'main "$@"'
} >"$3/bin/manager.new"
sh -n "$3/bin/manager.new"
mv "$3/bin/manager.new" "$3/bin/manager"
cp hack/start.sh hack/restart.sh "$3/bin/"
echo "built $1 $VERSION"
