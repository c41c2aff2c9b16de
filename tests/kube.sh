# What the tests on a real cluster need; sourced by `./test` after tests/docker.sh. As root on Debian or Ubuntu with a Go
# toolchain it starts a Kubernetes of one node (tests/kube-env), with the tests' base image in it. Elsewhere it takes the cluster
# that ORCH_TEST_KUBECONFIG names, and says loudly where there is none: those tests are then skipped, under CI they fail.
#
# It exports what tests/it/kube reads:
#   ORCH_TEST_KUBECONFIG         the file that leads to the cluster; whoever uses it may do everything there
#   ORCH_TEST_KUBECONFIG_VIEWER  another user's, who may do nothing there
#   ORCH_TEST_KUBE_IMAGE         an image with busybox in it, which the node has
# shellcheck shell=bash

prepare_kube() {
    export ORCH_TEST_KUBE_IMAGE="${ORCH_TEST_KUBE_IMAGE:-docker.io/library/$ORCH_TEST_BASE_IMAGE}"
    if [ -z "${ORCH_TEST_KUBECONFIG:-}" ]; then
        # Two test runs at once start one cluster.
        exec {kube_lock}>"$docker_cache/kube-lock"
        flock "$kube_lock"
        provide_cluster || without "a Kubernetes cluster is"
        exec {kube_lock}>&-
    fi
}

provide_cluster() {
    local path
    may_start_cluster || return 1
    # What it starts must not hold the lock.
    path=$(tests/kube-env/kube-env up {kube_lock}>&-) || return 1
    tests/kube-env/kube-env load "$ORCH_TEST_BASE_IMAGE" || return 1
    export ORCH_TEST_KUBECONFIG="$path"
    export ORCH_TEST_KUBECONFIG_VIEWER="${path%/*}/viewer.kubeconfig"
    echo "test: the cluster is $path; \`tests/kube-env/kube-env down\` ends it"
}

may_start_cluster() {
    may_install && command -v go >/dev/null
}
