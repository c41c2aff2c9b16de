//! Files that are changed in running containers.

use super::{Room, look::deployment, room::Session};
use orch::{
    engine::{KubeEffect, PodUpdateOrder},
    model::{Exit, FilePath, KubeState, PodId, ResourceName, RunStep},
};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, sync::Arc};

fn step(script: &str) -> RunStep {
    let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
    RunStep { argv, triggers: Vec::new(), echo_off: false, user: None, dir: None, env: Vec::new() }
}

fn containers(state: &KubeState) -> Vec<(PodId, String)> {
    let current = state.pods.iter().filter(|pod| pod.is_current);
    current.flat_map(|pod| pod.containers.iter().map(|container| (pod.id.clone(), container.name.clone()))).collect()
}

fn update(session: &mut Session, order: PodUpdateOrder) -> Exit {
    let (resource, orders) = (ResourceName::parse("web").unwrap(), vec![Arc::new(order)]);
    session.run(|run| KubeEffect::Update { run, resource, orders })
}

fn order(containers: Vec<(PodId, String)>) -> PodUpdateOrder {
    PodUpdateOrder { containers, copies: Vec::new(), removals: Vec::new(), folders: Vec::new(), runs: Vec::new() }
}

/// A workload of two pods, once they run.
fn two_pods(session: &mut Session, command: &str) -> KubeState {
    let yaml = deployment("web", command).replace("spec:\n  selector", "spec:\n  replicas: 2\n  selector");
    session.look(&[("web", &yaml)]);
    assert_eq!(session.apply("web", &yaml), Exit::Code(0));
    session.until_state("web", |state| state.pods.iter().filter(|pod| pod.is_current && pod.is_ready).count() == 2)
}

#[test]
fn files_go_into_all_containers_at_once() {
    let Some(room) = Room::new() else { return };
    let mut session = room.session();
    let state =
        two_pods(&mut session, "mkdir -p /app/dir /app/file; echo old | tee /app/gone /app/dir/old; sleep 1000");
    let (file, large, tool) = (room.dir().join("main.txt"), room.dir().join("large"), room.dir().join("tool"));
    fs::write(&file, "new").unwrap();
    fs::write(&large, vec![7; 5_000_000]).unwrap();
    fs::write(&tool, "#!/bin/sh\necho from the tool").unwrap();
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    let link = room.dir().join("link");
    std::os::unix::fs::symlink(format!("{}/there", "l".repeat(150)), &link).unwrap();
    let long = format!("/app/{}/{}", "d".repeat(150), "f".repeat(150));
    let to = |path: &Path, remote: &str| (FilePath::new(path), remote.to_owned());
    let copies = vec![
        to(&file, "/app/deep/main.txt"),
        to(&large, "/app/large"),
        to(&tool, "/app/tool"),
        to(&link, "/app/link"),
        to(&file, &long),
        to(&file, "/app/file"),
        to(&room.dir().join("no such"), "/app/none"),
    ];
    let removals = ["/app/gone", "/app/never", "/app/dir/old", "/app/file"].map(str::to_owned).to_vec();
    let folders = vec![to(&room.dir().join("dir"), "/app/dir")];
    let look = "cat /app/deep/main.txt /app/file; echo; wc -c < /app/large; /app/tool; readlink /app/link; find /app";
    let runs = vec![step(look), step("test $(stat -c %Y /app/tool) -gt 1000000000")];
    let ended = update(&mut session, PodUpdateOrder { copies, removals, folders, runs, ..order(containers(&state)) });
    assert_eq!(ended, Exit::Code(0), "{}", session.log("web"));
    let said = session.log("web");
    let deepest = format!("{long}\n");
    for line in ["newnew\n", "5000000\n", "from the tool\n", "lll/there\n", &deepest, "/app/link\n", "/app/deep\n"] {
        assert_eq!(said.matches(line).count(), 2, "{line}: {said}");
    }
    assert!(!said.contains("gone") && !said.contains("old") && !said.contains("/app/dir\n"), "{said}");
}

#[test]
fn a_step_that_fails_in_all_alike_is_its_exit_code_and_else_a_failure() {
    let Some(room) = Room::new() else { return };
    let mut session = room.session();
    let state = two_pods(&mut session, "sleep 1000");
    let alike = PodUpdateOrder { runs: vec![step("exit 4")], ..order(containers(&state)) };
    assert_eq!(update(&mut session, alike), Exit::Code(4));
    let first = &state.pods[0].name;
    let differently =
        PodUpdateOrder { runs: vec![step(&format!("test $HOSTNAME = {first}"))], ..order(containers(&state)) };
    match update(&mut session, differently) {
        Exit::NotStarted(failure) => assert!(failure.message.contains("ended with"), "{failure:?}"),
        exit => panic!("{exit:?}"),
    }
}

#[test]
fn what_stands_in_the_way_is_told() {
    let Some(room) = Room::new() else { return };
    let mut session = room.session();
    let state = two_pods(&mut session, "rm /bin/sh; sleep 1000");
    let file = room.dir().join("main.txt");
    fs::write(&file, "new").unwrap();
    let copies = vec![(FilePath::new(&file), "/app/main.txt".to_owned())];
    let wanted = PodUpdateOrder { copies: copies.clone(), ..order(containers(&state)) };
    match update(&mut session, wanted) {
        Exit::NotStarted(failure) => assert!(failure.message.contains("it has no `sh`"), "{failure:?}"),
        exit => panic!("{exit:?}"),
    }
    let gone = PodUpdateOrder { copies: copies.clone(), ..order(vec![(PodId(Arc::from("gone")), "main".to_owned())]) };
    match update(&mut session, gone) {
        Exit::NotStarted(failure) => assert!(failure.message.contains("the pod is gone"), "{failure:?}"),
        exit => panic!("{exit:?}"),
    }
}

#[test]
fn an_archive_that_cannot_be_unpacked_is_told_and_waited_for_by_nobody() {
    let Some(room) = Room::new() else { return };
    let mut session = room.session();
    let state = two_pods(&mut session, "sleep 1000");
    let (small, large) = (room.dir().join("small"), room.dir().join("large"));
    fs::write(&small, "x").unwrap();
    fs::write(&large, vec![7; 20_000_000]).unwrap();
    // `tar` gives up at the first of them.
    let copies = [(&small, "/proc/small"), (&large, "/large")];
    let copies = copies.map(|(file, remote)| (FilePath::new(file), remote.to_owned())).to_vec();
    match update(&mut session, PodUpdateOrder { copies, ..order(containers(&state)) }) {
        Exit::NotStarted(failure) => {
            let said = failure.message;
            assert!(said.starts_with("files cannot be copied into the container `main` of the pod `web-"), "{said}");
            assert!(said.contains("tar: ") && said.contains("proc/small"), "{said}");
        }
        exit => panic!("{exit:?}"),
    }
}
