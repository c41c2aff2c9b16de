//! Commands that apply.

use super::Room;
use orch::{
    engine::{ApplyOrder, CustomCommand, KubeEffect},
    model::{Command, Digest, Exit, FilePath, ResourceName},
};
use std::{collections::BTreeMap, time::Duration};

fn command(room: &Room, script: &str) -> CustomCommand {
    CustomCommand {
        command: Command {
            argv: ["sh", "-c", script].map(str::to_owned).to_vec(),
            dir: FilePath::new(room.dir()),
            env: BTreeMap::new(),
        },
        environment: BTreeMap::from([("WHAT".to_owned(), Some("theirs".to_owned()))]),
        fingerprint: Digest::of(script.as_bytes()),
        grace: Duration::from_secs(2),
    }
}

fn order(command: CustomCommand) -> ApplyOrder {
    ApplyOrder {
        objects: Vec::new(),
        custom: Some(Box::new(command)),
        load: Vec::new(),
        restart: false,
        timeout: Duration::from_secs(30),
    }
}

#[test]
fn what_a_command_applies_is_followed_and_deleted_by_a_command() {
    let Some(room) = Room::new() else { return };
    let mut session = room.session();
    session.look(&[("web", "")]);
    let apply = "echo begins >&2; echo x >> count; kubectl create configmap made --from-literal=what=$WHAT >&2; kubectl get configmap made -o yaml";
    assert_eq!(session.apply_order("web", order(command(&room, apply))), Exit::Code(0), "{}", session.log("web"));
    assert!(session.log("web").contains("begins\n"), "{}", session.log("web"));
    assert_eq!(room.field("configmap/made", ".data.what"), "theirs");
    let state = session.until_state("web", |state| !state.objects.is_empty());
    assert!(state.objects.values().all(|object| object.drift.is_none()), "{state:?}");
    // Another session sees what it left, and what somebody does to it.
    let mut other = room.session();
    let seen = other.look(&[("web", "")]);
    let found = seen.resources.values().next().unwrap();
    assert_eq!(found.objects, state.objects);
    room.kubectl(&["annotate", "configmap", "made", "more=1"]);
    room.kubectl(&["patch", "configmap", "made", "-p", r#"{"data": {"what": "else"}}"#]);
    let edited = other.until_state("web", |state| state.objects.values().any(|object| object.drift.is_some()));
    let drift = edited.objects.values().find_map(|object| object.drift.clone()).unwrap();
    assert_eq!(drift, "`kubectl-patch` changed it");
    let delete = Some(Box::new(command(&room, "kubectl delete configmap made; echo deleted")));
    let (resource, timeout) = (ResourceName::parse("web").unwrap(), Duration::from_secs(30));
    assert_eq!(other.run(|run| KubeEffect::Delete { run, resource, command: delete, timeout }), Exit::Code(0));
    assert!(other.log("web").contains("deleted\n"), "{}", other.log("web"));
}

#[test]
fn what_is_wrong_with_a_command_is_told() {
    let Some(room) = Room::new() else { return };
    let mut session = room.session();
    session.look(&[("web", "")]);
    let mut said = |script: &str| match session.apply_order("web", order(command(&room, script))) {
        Exit::NotStarted(failure) => failure.message,
        exit => panic!("{exit:?}"),
    };
    assert_eq!(said("exit 7"), "the command that applies `web` ended with exit code 7");
    assert!(said("echo '{'").contains("is no YAML of Kubernetes"));
    assert!(said("echo 'a: b'").contains("an object has no kind or no name"));
}
