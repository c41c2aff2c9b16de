//! What can be wrong with manifests, clusters and pods, and what is said of it.

use super::{free_port, status, until};
use crate::{
    kube::{Proxy, Room, look::deployment},
    sandbox::Sandbox,
};
use std::{net::TcpListener, path::Path};

/// A project with these manifests, for the cluster of that kubeconfig.
pub(super) fn project(kubeconfig: &Path, yaml: &str, more: &str) -> Sandbox {
    let sandbox = Sandbox::new(&format!("k8s_yaml('k8s.yaml')\n{more}"));
    sandbox.write("k8s.yaml", yaml);
    sandbox.env("KUBECONFIG", kubeconfig.to_str().unwrap())
}

/// What `orch ci` says when it ends with that code.
#[track_caller]
fn said(sandbox: &Sandbox, code: i32, texts: &[&str]) {
    let said = sandbox.orch(&["ci"]).expect_code(code).all();
    for text in texts {
        assert!(said.contains(text), "no `{text}` in:\n{said}");
    }
}

#[test]
fn what_is_no_yaml_is_shown_with_its_line() {
    let Some(room) = Room::new() else { return };
    let kubeconfig = room.kubeconfig_here(|_| {});
    let yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a\ndata: {}\n";
    said(&project(&kubeconfig, yaml, ""), 2, &["k8s.yaml:4"]);
    let yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  labels: {on: on}\n";
    said(&project(&kubeconfig, yaml, ""), 2, &["k8s.yaml:5"]);
}

#[test]
fn what_the_cluster_does_not_take_is_told_with_our_line() {
    let Some(room) = Room::new() else { return };
    let kubeconfig = room.kubeconfig_here(|_| {});
    let unknown = "apiVersion: no.such/v1\nkind: Thing\nmetadata: {name: x}\n";
    said(
        &project(&kubeconfig, unknown, ""),
        1,
        &["`Thing x` (k8s.yaml:1)", "the cluster has no kind `Thing` of `no.such/v1`"],
    );
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fine}\n";
    let bad = deployment("web", "true").replace("matchLabels: {app: web}", "matchLabels: {app: other}");
    let both = project(&kubeconfig, &format!("{map}---\n{bad}"), "");
    said(&both, 1, &["`Deployment web` (k8s.yaml:5) cannot be applied: ", "selector"]);
    assert_eq!(room.field("configmap/fine", ".metadata.name"), "fine");
    both.orch(&["down"]).expect_code(0);
    assert_eq!(room.field("configmap/fine", ".metadata.name"), "");
}

#[test]
fn a_cluster_that_was_not_allowed_gets_no_request() {
    let Some(room) = Room::new() else { return };
    let nobody = Proxy::before("127.0.0.1:1");
    let address = format!("https://{}", nobody.address());
    let kubeconfig = room.kubeconfig_here(|value| {
        value["clusters"][0]["cluster"]["server"] = address.clone().into();
        value["clusters"][0]["name"] = "prod".into();
        value["contexts"][0]["context"]["cluster"] = "prod".into();
        value["contexts"][0]["name"] = "prod".into();
        value["current-context"] = "prod".into();
    });
    let sandbox = project(&kubeconfig, &deployment("web", "true"), "");
    said(&sandbox, 2, &["prod", "allow_k8s_contexts(\"prod\")", "--context"]);
    sandbox.orch(&["down"]).expect_code(2);
    assert_eq!(nobody.taken(), 0);
    // Allowed, it is asked.
    let sandbox = project(&kubeconfig, &deployment("web", "true"), "allow_k8s_contexts('prod')\n");
    said(&sandbox, 125, &[&address]);
    assert_ne!(nobody.taken(), 0);
}

#[test]
fn without_a_way_to_a_cluster_the_environment_is_unusable() {
    let Some(room) = Room::new() else { return };
    let web = deployment("web", "true");
    let missing = project(Path::new("/no/such/kubeconfig"), &web, "");
    said(
        &missing,
        125,
        &["there is no Kubernetes cluster: `KUBECONFIG` names `/no/such/kubeconfig`, which does not exist"],
    );
    let expired = room.kubeconfig_here(|value| value["users"][0]["user"] = serde_json::json!({"token": "expired"}));
    said(
        &project(&expired, &web, ""),
        125,
        &["does not accept the credentials of the context `kind-env`", "log in again"],
    );
    let failing = room.kubeconfig_here(|value| {
        value["users"][0]["user"] = serde_json::json!({"exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "command": "sh",
            "args": ["-c", "echo your login has expired >&2; exit 1"], "interactiveMode": "Never",
        }});
    });
    said(&project(&failing, &web, ""), 125, &["your login has expired"]);
    let nobody = room.kubeconfig_here(|value| value["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1".into());
    said(&project(&nobody, &web, ""), 125, &["nobody listens at `https://127.0.0.1:1`"]);
}

/// The same, with a probe that never succeeds.
fn unready(deployment: &str) -> String {
    deployment.replace("{name: main,", "{name: main, readinessProbe: {exec: {command: ['false']}, periodSeconds: 1},")
}

#[test]
fn pods_that_do_not_come_up_fail_ci_with_the_reason() {
    let Some(room) = Room::new() else { return };
    let kubeconfig = room.kubeconfig_here(|_| {});
    let patience = "ci_settings(timeout='40s')\n";
    let missing =
        deployment("web", "sleep 1").replace(&Room::image(), "localhost:5005/no/such:1").replace("Never", "Always");
    let sandbox = project(&kubeconfig, &missing, patience);
    said(&sandbox, 1, &["`localhost:5005/no/such:1` cannot be pulled"]);
    sandbox.orch(&["down"]).expect_code(0);
    // Without a probe Kubernetes calls its pod ready for the moment that it lives.
    let crashes = deployment("web", "echo last words; sleep 1; exit 3");
    let crashing = project(&kubeconfig, &crashes, patience);
    said(&crashing, 1, &["exited with code 3", "last words"]);
    crashing.orch(&["down"]).expect_code(0);
    // One that only never gets ready is waited for, and then named.
    let never = unready(&deployment("web", "sleep 1000"));
    let sandbox = project(&kubeconfig, &never, "ci_settings(readiness_timeout='5s')\n");
    said(&sandbox, 1, &["web", "ready"]);
    sandbox.orch(&["down"]).expect_code(0);
    assert_eq!(room.kubectl(&["get", "deployment", "-o", "name"]), "");
}

#[test]
fn a_port_that_is_taken_is_told_and_harms_nothing_else() {
    let Some(room) = Room::new() else { return };
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let (taken, free) = (holder.local_addr().unwrap().port(), free_port());
    let web = deployment("web", "echo hello > /srv/index.html; httpd -f -p 8000 -h /srv");
    let forwards = format!("k8s_resource('web', port_forwards=['{taken}:8000', '{free}:8000'])\n");
    let sandbox = project(&room.kubeconfig_here(|_| {}), &web, &forwards);
    let mut session = sandbox.start(&["up", "--stream"]);
    session.wait_until("the word of the port", |line| line.contains(&format!("port {taken} is already taken")));
    until("the page", &sandbox, &mut session, || {
        super::super::forward::fetch_page(free, "/index.html").filter(|page| page == "hello")
    });
    drop(holder);
    until("the page on the port that is free again", &sandbox, &mut session, || {
        super::super::forward::fetch_page(taken, "/index.html").filter(|page| page == "hello")
    });
    assert_eq!(status(&sandbox)["live"], true);
    session.interrupt().expect_code(0);
    sandbox.orch(&["down"]).expect_code(0);
}
