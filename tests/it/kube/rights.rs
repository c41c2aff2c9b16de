//! Who may do what, and credentials that cannot be had.

use super::{Room, look::deployment};
use crate::docker::skip;
use orch::{
    engine::{Event, KubeEvent},
    model::{Exit, Failure},
};
use std::path::PathBuf;

/// Another user, who may do only what the test gives them.
fn viewer() -> Option<PathBuf> {
    let viewer = std::env::var_os("ORCH_TEST_KUBECONFIG_VIEWER").map(PathBuf::from);
    if viewer.is_none() {
        skip("no second user of the cluster: `ORCH_TEST_KUBECONFIG_VIEWER` is not set");
    }
    viewer
}

#[test]
fn what_the_user_may_not_do_is_told_with_the_right_that_is_missing() {
    let Some(room) = Room::new() else { return };
    let Some(viewer) = viewer() else { return };
    let web = deployment("web", "sleep 1000");
    // Who may not even look is told so, and what for.
    let mut session = room.session_of("project", &viewer);
    let asked = session.ask(&[("web", &web)], &[]);
    let failure = session.until("an answer", |event| match event {
        Event::Kube(KubeEvent::Lost { failure }) => Some(failure.clone()),
        Event::Kube(KubeEvent::Seen { request, seen }) if *request == asked => Some(Failure {
            message: seen.resources.values().filter_map(|state| state.trouble.clone()).collect::<Vec<_>>().join("; "),
            help: None,
        }),
        _ => None,
    });
    assert!(failure.message.contains("User \"viewer\" cannot list"), "{failure:?}");
    // Who may look and not apply.
    room.kubectl(&["create", "rolebinding", "view", "--clusterrole=view", "--user=viewer"]);
    let mut session = room.session_of("other", &viewer);
    session.look(&[("web", &web)]);
    match session.apply("web", &web) {
        Exit::NotStarted(failure) => {
            let said = &failure.message;
            assert!(said.starts_with("`Deployment web` (k8s.yaml:2) cannot be "), "{said}");
            assert!(said.contains("User \"viewer\" cannot patch resource \"deployments\""), "{said}");
            assert!(failure.help.unwrap().contains("the context is `kind-env`"));
        }
        exit => panic!("{exit:?}"),
    }
}

#[test]
fn a_plugin_for_credentials_is_used_and_what_it_fails_with_is_told() {
    let Some(room) = Room::new() else { return };
    let plugin = |script: &str| {
        room.kubeconfig_with(|value| {
            value["users"][0]["user"] = serde_json::json!({"exec": {
                "apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", script],
                "interactiveMode": "Never",
            }});
        })
    };
    let mut session = room.session_of("failing", &plugin("echo your login has expired >&2; exit 1"));
    session.ask(&[], &[]);
    let failure = session.until("the loss", |event| match event {
        Event::Kube(KubeEvent::Lost { failure }) => Some(failure.clone()),
        Event::Kube(KubeEvent::Seen { .. }) => panic!("it was let in"),
        _ => None,
    });
    assert!(failure.message.contains("the credentials of the context `kind-env`"), "{failure:?}");
    assert!(failure.message.contains("your login has expired"), "{failure:?}");
    assert!(failure.help.is_some_and(|help| help.contains("log in again")));
    // One that works gives what a service account has.
    room.kubectl(&[
        "create",
        "rolebinding",
        "all",
        "--clusterrole=admin",
        &format!("--serviceaccount={}:default", room.namespace()),
    ]);
    let token = room.kubectl(&["create", "token", "default"]);
    let credential = serde_json::json!({
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": token},
    });
    let mut session = room.session_of("working", &plugin(&format!("echo '{credential}'")));
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\ndata: {key: x}\n";
    session.look(&[("web", map)]);
    assert_eq!(session.apply("web", map), Exit::Code(0));
    assert_eq!(room.field("configmap/map", ".data.key"), "x");
}
