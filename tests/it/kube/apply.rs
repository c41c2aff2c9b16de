//! What is applied, and what is left alone.

use super::{
    Room,
    look::{deployment, things},
};
use orch::{
    engine::KubeEffect,
    model::{Exit, ResourceName},
};
use std::time::Duration;

fn config_map(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{key: '{value}'}}\n")
}

fn failure(exit: Exit) -> String {
    match exit {
        Exit::NotStarted(failure) => failure.message,
        exit => panic!("{exit:?}"),
    }
}

#[test]
fn what_is_as_it_should_be_is_not_sent_and_what_the_file_has_no_more_goes() {
    let Some(room) = Room::new() else { return };
    let mut session = room.session();
    let kept = config_map("kept", "1").replace("{name: kept}", "{name: kept, annotations: {orch.dev/keep: 'true'}}");
    let all = format!("{}---\n{}---\n{kept}", config_map("one", "1"), config_map("two", "1"));
    session.look(&[("web", &all)]);
    assert_eq!(session.apply("web", &all), Exit::Code(0));
    let version = room.field("configmap/one", ".metadata.resourceVersion");
    assert_eq!(room.field("configmap/one", ".metadata.labels.app\\.kubernetes\\.io/managed-by"), "orch");
    let one = config_map("one", "1");
    assert_eq!(session.apply("web", &one), Exit::Code(0));
    assert_eq!(room.field("configmap/one", ".metadata.resourceVersion"), version);
    assert_eq!(room.field("configmap/two", ".metadata.name"), "");
    assert_eq!(room.field("configmap/kept", ".metadata.name"), "kept");
    // Another session knows it again.
    let mut other = room.session();
    let seen = other.look(&[("web", &one)]);
    assert_eq!(seen.resources[&ResourceName::parse("web").unwrap()].objects.len(), 2);
    assert_eq!(other.apply("web", &one), Exit::Code(0));
    assert_eq!(room.field("configmap/one", ".metadata.resourceVersion"), version);
}

#[test]
fn what_somebody_changed_is_seen_and_put_back() {
    let Some(room) = Room::new() else { return };
    let mut session = room.session();
    let web = deployment("web", "sleep 1000").replace("spec:\n  selector", "spec:\n  replicas: 1\n  selector");
    session.look(&[("web", &web)]);
    assert_eq!(session.apply("web", &web), Exit::Code(0));
    session.forget();
    room.kubectl(&["scale", "deployment/web", "--replicas=2"]);
    let drift = |state: &orch::model::KubeState| state.objects.values().next().and_then(|object| object.drift.clone());
    let state = session.until_state("web", |state| drift(state).is_some());
    assert_eq!(drift(&state).unwrap(), "spec.replicas is 2, not 1");
    // Also a session that begins now sees it.
    let mut other = room.session();
    other.look(&[("web", &web)]);
    assert_eq!(other.until_state("web", |state| drift(state).is_some()).objects, state.objects);
    assert_eq!(session.apply("web", &web), Exit::Code(0));
    assert_eq!(room.field("deployment/web", ".spec.replicas"), "1");
    session.until_state("web", |state| drift(state).is_none());
    room.kubectl(&["delete", "deployment/web"]);
    session.until_state("web", |state| state.objects.is_empty());
    assert_eq!(session.apply("web", &web), Exit::Code(0));
    assert_eq!(room.field("deployment/web", ".spec.replicas"), "1");
}

#[test]
fn what_kubectl_applied_is_taken_over_whole() {
    let Some(room) = Room::new() else { return };
    let mut session = room.session();
    let theirs = config_map("map", "theirs").replace("{key: 'theirs'}", "{key: theirs, other: gone}");
    room.kubectl_with(&["apply", "-f", "-"], &theirs);
    let ours = config_map("map", "ours");
    session.look(&[("web", &ours)]);
    assert_eq!(session.apply("web", &ours), Exit::Code(0));
    assert_eq!(room.field("configmap/map", ".data"), r#"{"key":"ours"}"#);
}

#[test]
fn what_cannot_be_changed_is_made_anew() {
    let Some(room) = Room::new() else { return };
    let mut session = room.session();
    let job = |command: &str| {
        format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: job}}\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n      \
             containers: [{{name: main, image: {}, imagePullPolicy: Never, command: [sh, -c, '{command}']}}]\n",
            Room::image()
        )
    };
    session.look(&[("web", &job("true"))]);
    assert_eq!(session.apply("web", &job("true")), Exit::Code(0));
    let first = room.field("job/job", ".metadata.uid");
    assert_eq!(session.apply("web", &job("exit 0")), Exit::Code(0));
    let second = room.field("job/job", ".metadata.uid");
    assert!(!second.is_empty() && first != second, "{first} {second}");
    assert!(session.log("web").contains("it is deleted and made anew"), "{}", session.log("web"));
    session.until_state("web", |state| {
        state.pods.iter().any(|pod| pod.is_current && pod.phase == orch::model::PodPhase::Succeeded)
    });
    // Asked for again, it runs again.
    let order = orch::engine::ApplyOrder { restart: true, ..session.order(&job("exit 0")) };
    assert_eq!(session.apply_order("web", order), Exit::Code(0));
    assert_ne!(room.field("job/job", ".metadata.uid"), second);
}

#[test]
fn a_kind_that_the_same_order_defines_is_waited_for() {
    let Some(room) = Room::new() else { return };
    let mut session = room.session();
    let group = format!("{}.example.com", room.namespace());
    let definition = things(&group);
    let thing = format!("apiVersion: {group}/v1\nkind: Thing\nmetadata: {{name: one}}\nspec: {{x: 1.5}}\n");
    let all = format!("{definition}---\n{thing}");
    session.look(&[("web", &all)]);
    assert_eq!(session.apply("web", &all), Exit::Code(0));
    assert_eq!(room.field(&format!("things.{group}/one"), ".spec.x"), "1.5");
    session.until_state("web", |state| state.objects.len() == 2);
    let resource = ResourceName::parse("web").unwrap();
    let timeout = Duration::from_secs(30);
    assert_eq!(session.run(|run| KubeEffect::Delete { run, resource, command: None, timeout }), Exit::Code(0));
    assert_eq!(room.field(&format!("things.{group}/one"), ".spec.x"), "");
    assert_eq!(session.run(|run| KubeEffect::Clean { run, namespaces: false }), Exit::Code(0));
    assert_eq!(room.field(&format!("crd/things.{group}"), ".metadata.name"), "");
}

#[test]
fn what_the_server_says_against_an_object_is_told_with_its_line() {
    let Some(room) = Room::new() else { return };
    let mut session = room.session();
    let bad = deployment("web", "true").replace("matchLabels: {app: web}", "matchLabels: {app: other}");
    session.look(&[("web", &bad)]);
    let said = failure(session.apply("web", &bad));
    assert!(
        said.starts_with("`Deployment web` (k8s.yaml:2) cannot be applied: ") && said.contains("selector"),
        "{said}"
    );
    let unknown = "apiVersion: no.such/v1\nkind: Thing\nmetadata: {name: x}\n";
    let said = failure(session.apply("web", unknown));
    assert_eq!(said, "`Thing x` (k8s.yaml:2): the cluster has no kind `Thing` of `no.such/v1`");
}

#[test]
fn values_of_secrets_are_shown_to_nobody() {
    let Some(room) = Room::new() else { return };
    let mut session = room.session();
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: correct-horse}\n";
    let bad =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: 'correct-horse!'}\nstringData: {password: correct-horse}\n";
    // As the evaluation of the Orchfile tells it.
    session.logs.redact(&orch::model::Secret { name: "s:password".to_owned(), value: "correct-horse".to_owned() });
    session.look(&[("web", secret)]);
    assert_eq!(session.apply("web", secret), Exit::Code(0));
    assert_eq!(room.field("secret/s", ".data.password"), "Y29ycmVjdC1ob3JzZQ==");
    let said = failure(session.apply("web", bad));
    assert!(!said.contains("correct-horse"), "{said}");
    room.kubectl(&["patch", "secret/s", "-p", r#"{"stringData": {"password": "another-horse"}}"#]);
    assert_eq!(session.apply("web", secret), Exit::Code(0));
}

#[test]
fn another_projects_objects_are_taken_over_only_when_it_has_no_session() {
    let Some(room) = Room::new() else { return };
    let map = config_map("map", "1");
    let mut first = room.session();
    first.look(&[("web", &map)]);
    assert_eq!(first.apply("web", &map), Exit::Code(0));
    let mut second = room.session_of("second", Room::kubeconfig(&room));
    second.look(&[("web", &map)]);
    assert_eq!(second.apply("web", &map), Exit::Code(0));
    assert!(second.log("web").contains("it is taken over"), "{}", second.log("web"));
    let place = orch::model::FilePath::new(second.root());
    let claim = orch::host::claim::Claim::take(&place, &place.join("Orchfile"), "up", &[]).unwrap();
    let mut third = room.session_of("third", Room::kubeconfig(&room));
    third.look(&[("web", &map)]);
    let said = failure(third.apply("web", &map));
    assert!(said.contains("belongs to the orch in"), "{said}");
    drop(claim);
}

#[test]
fn replicas_are_left_to_an_autoscaler() {
    let Some(room) = Room::new() else { return };
    let mut session = room.session();
    let with =
        |command: &str| deployment("web", command).replace("spec:\n  selector", "spec:\n  replicas: 1\n  selector");
    let order = |session: &super::room::Session, yaml: &str| {
        let mut order = session.order(yaml);
        order.objects[0].left_alone = vec!["/spec/replicas".to_owned()];
        order
    };
    session.look(&[("web", &with("sleep 1000"))]);
    let first = order(&session, &with("sleep 1000"));
    assert_eq!(session.apply_order("web", first.clone()), Exit::Code(0));
    session.forget();
    room.kubectl(&["scale", "deployment/web", "--replicas=2"]);
    room.kubectl(&["annotate", "deployment/web", "seen=yes"]);
    let drifted = |state: &orch::model::KubeState| state.objects.values().any(|object| object.drift.is_some());
    let state = session.until_state("web", |state| state.pods.len() == 2);
    assert!(!drifted(&state), "{state:?}");
    // Neither the same nor something new sets them back.
    assert_eq!(session.apply_order("web", first), Exit::Code(0));
    assert_eq!(room.field("deployment/web", ".spec.replicas"), "2");
    let second = order(&session, &with("sleep 1001"));
    assert_eq!(session.apply_order("web", second), Exit::Code(0));
    assert_eq!(room.field("deployment/web", ".spec.replicas"), "2");
    let command = ".spec.template.spec.containers[0].command[2]";
    assert_eq!(room.field("deployment/web", command), "sleep 1001");
}

#[test]
fn asked_for_again_a_workload_makes_its_pods_anew() {
    let Some(room) = Room::new() else { return };
    let mut session = room.session();
    let web = deployment("web", "sleep 1000");
    session.look(&[("web", &web)]);
    assert_eq!(session.apply("web", &web), Exit::Code(0));
    let state = session.until_state("web", |state| state.pods.iter().any(|pod| pod.is_current && pod.is_ready));
    let before = state.pods[0].id.clone();
    session.forget();
    let order = orch::engine::ApplyOrder { restart: true, ..session.order(&web) };
    assert_eq!(session.apply_order("web", order), Exit::Code(0));
    session.until_state("web", |state| {
        state.pods.iter().any(|pod| pod.is_current && pod.is_ready && pod.id != before)
            && state.objects.values().all(|object| object.drift.is_none())
    });
    // The next apply finds it as it should be.
    let version = room.field("deployment/web", ".metadata.generation");
    assert_eq!(session.apply("web", &web), Exit::Code(0));
    assert_eq!(room.field("deployment/web", ".metadata.generation"), version);
}

#[test]
fn a_selector_that_changes_is_another_workload() {
    let Some(room) = Room::new() else { return };
    let mut session = room.session();
    let first = deployment("web", "sleep 1000");
    let second = first.replace("app: web", "app: other");
    session.look(&[("web", &first)]);
    assert_eq!(session.apply("web", &first), Exit::Code(0));
    let before = room.field("deployment/web", ".metadata.uid");
    session.until_state("web", |state| state.pods.iter().any(|pod| pod.is_ready));
    assert_eq!(session.apply("web", &second), Exit::Code(0));
    assert_ne!(room.field("deployment/web", ".metadata.uid"), before);
    assert!(session.log("web").contains("it is deleted and made anew"), "{}", session.log("web"));
    session.until_state("web", |state| {
        state.pods.len() == 1 && state.pods.iter().all(|pod| pod.is_current && pod.is_ready)
    });
    // What others would lose is not deleted for it.
    let claim = |size: &str| {
        format!(
            "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: data}}\nspec:\n  accessModes: [ReadWriteOnce]\n  \
             storageClassName: '{size}'\n  resources: {{requests: {{storage: 1Mi}}}}\n"
        )
    };
    session.look(&[("data", &claim("slow"))]);
    assert_eq!(session.apply("data", &claim("slow")), Exit::Code(0));
    let said = failure(session.apply("data", &claim("fast")));
    assert!(said.starts_with("`PersistentVolumeClaim data` (k8s.yaml:2) cannot be changed: "), "{said}");
    assert_eq!(room.field("persistentvolumeclaim/data", ".spec.storageClassName"), "slow");
}
