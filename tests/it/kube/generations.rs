//! Whose a pod is, and whether it is of what was applied last.

use super::{Room, look::things, room::Session};
use orch::model::{Exit, KubeState, ResourceName};

/// A workload of one pod, of a kind that numbers its generations in its own way.
fn workload(kind: &str, command: &str) -> String {
    let more = if kind == "StatefulSet" { "  serviceName: web\n" } else { "" };
    format!(
        "apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: web}}\nspec:\n{more}  selector: {{matchLabels: {{app: web}}}}\n  \
         template:\n    metadata: {{labels: {{app: web}}}}\n    spec:\n      terminationGracePeriodSeconds: 0\n      containers:\n      \
         - {{name: main, image: {image}, imagePullPolicy: Never, command: [sh, -c, '{command}']}}\n",
        image = Room::image()
    )
}

fn current_and_ready(state: &KubeState) -> Option<String> {
    state.pods.iter().find(|pod| pod.is_current && pod.is_ready && !pod.is_ending).map(|pod| pod.id.0.to_string())
}

/// Changes the template of a workload of that kind, and looks which pods count.
fn only_the_newest_counts(kind: &str) {
    let Some(room) = Room::new() else { return };
    let mut session = room.session();
    let (first, second) = (workload(kind, "sleep 1000"), workload(kind, "sleep 1001"));
    session.look(&[("web", &first)]);
    assert_eq!(session.apply("web", &first), Exit::Code(0));
    let mut old = String::new();
    session.until_state("web", |state| {
        current_and_ready(state).is_some_and(|found| {
            old = found;
            true
        })
    });
    session.forget();
    assert_eq!(session.apply("web", &second), Exit::Code(0));
    session.until_state("web", |state| {
        let counted = state.pods.iter().find(|pod| *pod.id.0 == *old && pod.is_current && !pod.is_ending);
        assert_eq!(counted, None, "a pod of the generation before counts");
        current_and_ready(state).is_some()
    });
    // Another session tells them apart as well.
    let mut other = room.session();
    let seen = other.look(&[("web", &second)]);
    let state = &seen.resources[&ResourceName::parse("web").unwrap()];
    assert!(current_and_ready(state).is_some_and(|found| found != old), "{state:?}");
}

#[test]
fn of_a_stateful_set_only_the_newest_generation_counts() {
    only_the_newest_counts("StatefulSet");
}

#[test]
fn of_a_daemon_set_only_the_newest_generation_counts() {
    only_the_newest_counts("DaemonSet");
}

/// Makes a pod that an object owns.
fn own_pod(room: &Room, name: &str, owner: &str) {
    let api_version = room.field(owner, ".apiVersion");
    let (kind, uid) = (room.field(owner, ".kind"), room.field(owner, ".metadata.uid"));
    let of = owner.split_once('/').unwrap().1;
    room.kubectl_with(
        &["create", "-f", "-"],
        &format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  ownerReferences:\n  - {{apiVersion: {api_version}, kind: {kind}, name: \
             {of}, uid: {uid}, controller: true}}\nspec:\n  terminationGracePeriodSeconds: 0\n  containers:\n  - {{name: main, image: {}, \
             imagePullPolicy: Never, command: [sleep, '1000']}}\n",
            Room::image()
        ),
    );
}

fn until_pods(session: &mut Session, names: &[&str]) {
    session.until_state("web", |state| {
        let ready = state.pods.iter().filter(|pod| pod.is_current && pod.is_ready);
        let mut ready: Vec<&str> = ready.map(|pod| pod.name.as_str()).collect();
        ready.sort_unstable();
        ready == names
    });
}

#[test]
fn pods_of_an_instance_of_an_own_kind_are_found_along_their_owners() {
    let Some(room) = Room::new() else { return };
    let mut session = room.session();
    let group = format!("{}.example.com", room.namespace());
    let definition = things(&group);
    let thing = |name: &str| format!("apiVersion: {group}/v1\nkind: Thing\nmetadata: {{name: {name}}}\n");
    let all = format!("{definition}---\n{}", thing("one"));
    session.look(&[("web", &all)]);
    assert_eq!(session.apply("web", &all), Exit::Code(0));
    // What an operator would do: a pod of its own, and one of an object that it makes in between.
    let one = format!("things.{group}/one");
    own_pod(&room, "of-one", &one);
    until_pods(&mut session, &["of-one"]);
    let uid = room.field(&one, ".metadata.uid");
    let between = thing("between").replace(
        "{name: between}",
        &format!(
            "{{name: between, ownerReferences: [{{apiVersion: {group}/v1, kind: Thing, name: one, uid: {uid}, controller: true}}]}}"
        ),
    );
    room.kubectl_with(&["create", "-f", "-"], &between);
    own_pod(&room, "of-between", &format!("things.{group}/between"));
    room.kubectl(&["run", "of-nobody", "--image", &Room::image(), "--image-pull-policy=Never", "--", "sleep", "1000"]);
    until_pods(&mut session, &["of-between", "of-one"]);
    room.kubectl(&["delete", "crd", &format!("things.{group}")]);
}
