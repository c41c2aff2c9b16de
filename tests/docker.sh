# What the tests on a real Docker Engine need; sourced by `./test`. As root on Debian or Ubuntu it installs what is missing,
# starts an engine where none answers, and makes the tests' base image. Elsewhere it takes what is there, and says loudly
# what is not: those tests are then skipped, under CI they fail.
#
# It exports what tests/it/docker reads:
#   ORCH_TEST_DOCKER_HOST     the socket of the engine
#   ORCH_TEST_BASE_IMAGE      an image with busybox in it: no registry is asked for one
#   ORCH_TEST_DOCKER_PLUGINS  a folder with the plugins `docker-compose` and `docker-buildx`
# shellcheck shell=bash

docker_cache="${XDG_CACHE_HOME:-$HOME/.cache}/orch-test"

prepare_docker() {
    export ORCH_TEST_BASE_IMAGE="${ORCH_TEST_BASE_IMAGE:-orch-test-base:local}"
    mkdir -p "$docker_cache"
    # Two test runs at once start one engine.
    exec {docker_lock}>"$docker_cache/lock"
    flock "$docker_lock"
    install_docker || true
    { provide_engine && provide_base_image; } || without "a Docker Engine is"
    # Without an engine they still read compose files.
    provide_plugins || without "the plugins \`docker compose\` and \`docker buildx\` are"
    exec {docker_lock}>&-
}

without() {
    echo "test: !!! $1 missing here: tests that need it $([ "${CI:-}" = true ] && echo FAIL || echo 'are SKIPPED') !!!" >&2
}

may_install() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null
}

install_docker() {
    may_install || return 0
    local missing=()
    command -v dockerd >/dev/null || missing+=(docker.io)
    command -v iptables >/dev/null || missing+=(iptables)
    command -v docker-registry >/dev/null || missing+=(docker-registry)
    is_static "$(command -v busybox)" || missing+=(busybox-static)
    [ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"
    # The client was a part of docker.io, and is now a package of its own.
    command -v docker >/dev/null || install_packages docker-cli
}

is_static() {
    [ -n "$1" ] && ! ldd "$1" >/dev/null 2>&1
}

# Where the engine is that the client on PATH would ask.
engine_address() {
    if [ -n "${DOCKER_HOST:-}" ]; then
        echo "$DOCKER_HOST"
    else
        docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null || echo unix:///var/run/docker.sock
    fi
}

engine_answers() {
    docker -H "$ORCH_TEST_DOCKER_HOST" version --format '{{.Server.Version}}' >/dev/null 2>&1
}

provide_engine() {
    command -v docker >/dev/null || return 1
    ORCH_TEST_DOCKER_HOST="${ORCH_TEST_DOCKER_HOST:-$(engine_address)}"
    export ORCH_TEST_DOCKER_HOST
    engine_answers && return 0
    [ "$ORCH_TEST_DOCKER_HOST" = unix:///var/run/docker.sock ] && [ "$(id -u)" = 0 ] || return 1
    start_engine
}

start_engine() {
    local log="$docker_cache/dockerd.log" pid turns=0
    if [ -d /run/systemd/system ]; then
        systemctl start docker
        echo "test: started the Docker Engine; \`systemctl stop docker\` stops it"
    else
        command -v dockerd >/dev/null || return 1
        setsid dockerd >"$log" 2>&1 </dev/null {docker_lock}>&- &
        pid=$!
        echo "test: started dockerd, its log is $log; \`kill $pid\` stops it"
    fi
    until engine_answers; do
        turns=$((turns + 1))
        if [ $turns -gt 300 ] || { [ -n "${pid:-}" ] && ! kill -0 "$pid" 2>/dev/null; }; then
            echo "test: dockerd does not answer" >&2
            [ ! -f "$log" ] || tail -n 20 "$log" >&2
            return 1
        fi
        sleep 0.2
    done
}

# There is no registry to pull from: the base image is the machine's own busybox, with a link for each of its programs.
provide_base_image() {
    local root busybox
    docker -H "$ORCH_TEST_DOCKER_HOST" image inspect "$ORCH_TEST_BASE_IMAGE" >/dev/null 2>&1 && return 0
    busybox=$(command -v busybox) && is_static "$busybox" || {
        echo "test: please install busybox-static" >&2
        return 1
    }
    root=$(mktemp -d)
    mkdir -p "$root"/{bin,etc,root,srv} && mkdir -m 1777 "$root/tmp"
    cp "$busybox" "$root/bin/busybox"
    "$busybox" --list | while read -r name; do
        [ "$name" = busybox ] || ln -s busybox "$root/bin/$name"
    done
    printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n' >"$root/etc/passwd"
    printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
    echo "test: making the base image $ORCH_TEST_BASE_IMAGE"
    tar -C "$root" --owner=0 --group=0 -c . |
        docker -H "$ORCH_TEST_DOCKER_HOST" import -c 'ENV PATH=/bin' -c 'CMD ["sh"]' - "$ORCH_TEST_BASE_IMAGE" >/dev/null
    rm -rf "$root"
}

# Tests run with a home of their own, so the plugins must be in a known folder.
provide_plugins() {
    local folder plugin
    export ORCH_TEST_DOCKER_PLUGINS="$docker_cache/cli-plugins"
    mkdir -p "$ORCH_TEST_DOCKER_PLUGINS"
    has_plugins && return 0
    link_plugins
    has_plugins && return 0
    may_install || return 1
    echo "test: installing docker-compose and docker-buildx"
    case "$(os_release ID):$(os_release VERSION_CODENAME)" in
    # It has neither. Those of the next release are single static programs.
    debian:bookworm) unpack_from_release trixie docker-compose docker-buildx ;;
    ubuntu:*) install_packages docker-compose-v2 docker-buildx && link_plugins ;;
    *) install_packages docker-compose docker-buildx && link_plugins ;;
    esac
    has_plugins
}

has_plugins() {
    [ -x "$ORCH_TEST_DOCKER_PLUGINS/docker-compose" ] && [ -x "$ORCH_TEST_DOCKER_PLUGINS/docker-buildx" ]
}

link_plugins() {
    local folder plugin
    for folder in "${DOCKER_CONFIG:-$HOME/.docker}" /usr/{local/,}{lib,libexec}/docker; do
        for plugin in docker-compose docker-buildx; do
            [ -x "$ORCH_TEST_DOCKER_PLUGINS/$plugin" ] || [ ! -x "$folder/cli-plugins/$plugin" ] ||
                ln -sfn "$folder/cli-plugins/$plugin" "$ORCH_TEST_DOCKER_PLUGINS/$plugin"
        done
    done
}

os_release() {
    (. /etc/os-release && echo "${!1:-}")
}

# Fetches packages of another release from where this machine gets its own, and unpacks the plugins in them. The machine's
# packages stay as they are.
unpack_from_release() {
    local release=$1 apt="$docker_cache/apt" options package
    shift
    rm -rf "$apt"
    mkdir -p "$apt"/{sources.list.d,lists/partial,archives/partial,packages,root}
    sources_of_release "$(os_release VERSION_CODENAME)" "$release" "$apt/sources.list.d"
    options=(
        -q -oDir::Etc::SourceList=/dev/null "-oDir::Etc::SourceParts=$apt/sources.list.d"
        "-oDir::State::Lists=$apt/lists" "-oDir::Cache=$apt" -oAPT::Sandbox::User=root
    )
    # The lists of a source that has no such release may fail, as long as the packages come.
    apt-get "${options[@]}" update || true
    (cd "$apt/packages" && apt-get "${options[@]}" download "$@") || return 1
    for package in "$apt"/packages/*.deb; do
        dpkg -x "$package" "$apt/root"
    done
    find "$apt/root" -type f -path '*/cli-plugins/docker-*' -exec mv -t "$ORCH_TEST_DOCKER_PLUGINS" {} +
    rm -rf "$apt"
}

# Copies this machine's package sources with another release in the place of its own; those of others fall away.
sources_of_release() {
    local from=$1 to=$2 folder=$3 file
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ ! -f "$file" ] || awk -v from="$from" -v to="$to" '
            $1 == "deb" && / main( |$)/ { for (i = 2; i <= NF; i++) if ($i == from) { $i = to; print; next } }
        ' "$file" >"$folder/$(basename "$file" .list).list"
    done
    for file in /etc/apt/sources.list.d/*.sources; do
        [ ! -f "$file" ] || awk -v from="$from" -v to="$to" '
            BEGIN { RS = ""; FS = "\n"; ORS = "\n\n" }
            {
                text = ""; ours = 0; main = 0
                for (i = 1; i <= NF; i++) {
                    line = $i
                    if (line ~ /^Suites:/) { ours = (line " ") ~ ("[ \t]" from "[ \t]"); line = "Suites: " to }
                    if (line ~ /^Components:/) { main = (line " ") ~ /[ \t]main[ \t]/ }
                    text = text (i > 1 ? "\n" : "") line
                }
                if (ours && main) print text
            }
        ' "$file" >"$folder/$(basename "$file")"
    done
}
