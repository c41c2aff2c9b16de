//! The standard library, embedded: `load("@std//NAME.star", …)`, and the extensions behind `load("ext://NAME", …)`.

/// The text of an embedded file, by its name after `@std//`.
pub(super) fn text(name: &str) -> Option<&'static str> {
    FILES.iter().find(|(file, _)| *file == name).map(|(_, text)| *text)
}

/// The names of all embedded files.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

macro_rules! embed {
    ($($name:literal,)*) => { &[$(($name, include_str!(concat!("../../stdlib/", $name)))),*] };
}

const FILES: &[(&str, &str)] = embed![
    "base64.star",
    "files.star",
    "process_compose.star",
    "procfile.star",
    "tools.star",
    "ext/base64/Tiltfile",
    "ext/cancel/Tiltfile",
    "ext/cert_manager/Tiltfile",
    "ext/color/Tiltfile",
    "ext/configmap/Tiltfile",
    "ext/current_namespace/Tiltfile",
    "ext/deployment/Tiltfile",
    "ext/docker_build_sub/Tiltfile",
    "ext/dotenv/Tiltfile",
    "ext/execute_in_pod/Tiltfile",
    "ext/file_sync_only/Tiltfile",
    "ext/git_resource/Tiltfile",
    "ext/global_vars/Tiltfile",
    "ext/helm_remote/Tiltfile",
    "ext/helm_resource/Tiltfile",
    "ext/k8s_attach/Tiltfile",
    "ext/k8s_yaml_glob/Tiltfile",
    "ext/ko/Tiltfile",
    "ext/kubebuilder/Tiltfile",
    "ext/list_dependencies/Tiltfile",
    "ext/local_output/Tiltfile",
    "ext/min_k8s_version/Tiltfile",
    "ext/min_tilt_version/Tiltfile",
    "ext/namespace/Tiltfile",
    "ext/nerdctl/Tiltfile",
    "ext/podman/Tiltfile",
    "ext/procfile/Tiltfile",
    "ext/restart_process/Tiltfile",
    "ext/secret/Tiltfile",
    "ext/syncback/Tiltfile",
    "ext/tests/golang/Tiltfile",
    "ext/tests/javascript/Tiltfile",
    "ext/uibutton/Tiltfile",
    "ext/wait_for_it/Tiltfile",
];
