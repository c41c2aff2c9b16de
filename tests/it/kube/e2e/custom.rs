//! What commands of the user's apply, over several sessions.

use super::{edit, until};
use crate::{kube::Room, sandbox::Sandbox};

const ORCHFILE: &str = "
k8s_custom_deploy('chart', apply_cmd=['sh', 'apply.sh'], deps=['made.yaml'],
    delete_cmd='kubectl delete -f made.yaml --ignore-not-found >&2')
";
const APPLY: &str = "echo x >> count; kubectl apply -f made.yaml >&2; kubectl get -f made.yaml -o yaml\n";
const MADE: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a: one}
---
apiVersion: v1
kind: Secret
metadata: {name: login}
stringData: {password: open-sesame-now}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - {name: c, image: \"BASE\", imagePullPolicy: Never, command: [sh, -c, 'while true; do echo $PASSWORD; sleep 1; done'],
         env: [{name: PASSWORD, valueFrom: {secretKeyRef: {name: login, key: password}}}]}
";

/// How often the command was run.
fn runs(sandbox: &Sandbox) -> usize {
    sandbox.read("count").lines().count()
}

#[test]
fn a_deploy_is_remembered_and_repaired() {
    let Some(room) = Room::new() else { return };
    let kubeconfig = room.kubeconfig_here(|_| {});
    let sandbox = Sandbox::new(ORCHFILE).env("KUBECONFIG", kubeconfig.to_str().unwrap());
    sandbox.write("apply.sh", APPLY);
    sandbox.write("made.yaml", &MADE.replace("BASE", &Room::image()));
    sandbox.orch(&["ci"]).expect_code(0);
    assert_eq!(runs(&sandbox), 1);
    // Nothing differs: nothing is run, and nothing printed that is secret.
    let mut session = sandbox.start(&["up", "--stream"]);
    session.wait_for("up to date, not touched");
    session.wait_for("[redacted login:password]");
    assert!(!session.interrupt().all().contains("open-sesame"));
    assert_eq!(runs(&sandbox), 1);
    // Something is gone, or edited.
    room.kubectl(&["delete", "configmap", "settings"]);
    let said = sandbox.orch(&["ci"]).expect_code(0).all();
    assert!(said.contains("repair: `ConfigMap settings` was deleted by somebody else"), "{said}");
    assert_eq!((runs(&sandbox), room.field("configmap/settings", ".data.a").as_str()), (2, "one"));
    room.kubectl(&["patch", "configmap", "settings", "-p", r#"{"data": {"a": "mine"}}"#]);
    let said = sandbox.orch(&["ci"]).expect_code(0).all();
    assert!(said.contains("ConfigMap settings: `kubectl-patch` changed it"), "{said}");
    assert_eq!((runs(&sandbox), room.field("configmap/settings", ".data.a").as_str()), (3, "one"));
    // What decides it differs; and once more while a session goes on.
    edit(&sandbox, "made.yaml", "a: one", "a: two");
    let mut session = sandbox.start(&["up", "--stream"]);
    let is = |text: &str| (room.field("configmap/settings", ".data.a") == text).then_some(());
    until("the second", &sandbox, &mut session, || is("two"));
    edit(&sandbox, "made.yaml", "a: two", "a: three");
    until("the third", &sandbox, &mut session, || is("three"));
    super::until_at_rest(&sandbox, &mut session);
    assert_eq!(runs(&sandbox), 5);
    room.kubectl(&["delete", "configmap", "settings"]);
    session.wait_for("repair: `ConfigMap settings` was deleted by somebody else");
    until("it again", &sandbox, &mut session, || is("three"));
    session.interrupt();
    sandbox.orch(&["down"]).expect_code(0);
    assert_eq!(room.kubectl(&["get", "deployment,secret", "-o", "name"]), "");
}
