//! Files that are changed in running containers.

use super::{Room, look::deployment, room::Session};
use orch::{
    engine::{KubeEffect, PodUpdateOrder},
    model::{Exit, FilePath, KubeState, PodId, ResourceName, RunStep},
};
use std::{fs, sync::Arc};

fn step(script: &str) -> RunStep {
    let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
    RunStep { argv, triggers: Vec::new(), echo_off: false, user: None, dir: None, env: Vec::new() }
}

fn containers(state: &KubeState) -> Vec<(PodId, String)> {
    let current = state.pods.iter().filter(|pod| pod.is_current);
    current.flat_map(|pod| pod.containers.iter().map(|container| (pod.id.clone(), container.name.clone()))).collect()
}

fn update(session: &mut Session, order: PodUpdateOrder) -> Exit {
    let (resource, order) = (ResourceName::parse("web").unwrap(), Arc::new(order));
    session.run(|run| KubeEffect::Update { run, resource, order })
}

fn order(containers: Vec<(PodId, String)>) -> PodUpdateOrder {
    PodUpdateOrder { containers, copies: Vec::new(), removals: Vec::new(), runs: Vec::new() }
}

/// A workload of two pods, once they run.
fn two_pods(session: &mut Session, command: &str) -> KubeState {
    let yaml = deployment("web", command).replace("spec:\n  selector", "spec:\n  replicas: 2\n  selector");
    session.look(&[("web", &yaml)]);
    assert_eq!(session.apply("web", &yaml), Exit::Code(0));
    session.until_state("web", |state| state.pods.iter().filter(|pod| pod.is_current && pod.is_ready).count() == 2)
}

#[test]
#[ignore = "fails: the server resets the connection while the archive is sent, and files do not arrive"]
fn files_go_into_all_containers_at_once() {
    let Some(room) = Room::new() else { return };
    let mut session = room.session();
    let state = two_pods(&mut session, "mkdir -p /app; echo old > /app/gone; sleep 1000");
    let file = room.dir().join("main.txt");
    let large = room.dir().join("large");
    fs::write(&file, "new").unwrap();
    fs::write(&large, vec![7; 5_000_000]).unwrap();
    let copies = vec![
        (FilePath::new(&file), "/app/deep/main.txt".to_owned()),
        (FilePath::new(&large), "/app/large".to_owned()),
        (FilePath::new(room.dir().join("no such")), "/app/none".to_owned()),
    ];
    let removals = vec!["/app/gone".to_owned(), "/app/never".to_owned()];
    let runs = vec![step("cat /app/deep/main.txt; echo; wc -c < /app/large; ls /app")];
    let ended = update(&mut session, PodUpdateOrder { copies, removals, runs, ..order(containers(&state)) });
    assert_eq!(ended, Exit::Code(0), "{}", session.log("web"));
    let log = session.log("web");
    assert_eq!(log.matches("5000000\n").count(), 2, "{log}");
    assert!(log.matches("new\n").count() == 2 && !log.contains("gone"), "{log}");
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
    let state = two_pods(&mut session, "rm /bin/tar; sleep 1000");
    let file = room.dir().join("main.txt");
    fs::write(&file, "new").unwrap();
    let copies = vec![(FilePath::new(&file), "/app/main.txt".to_owned())];
    let wanted = PodUpdateOrder { copies: copies.clone(), ..order(containers(&state)) };
    match update(&mut session, wanted) {
        Exit::NotStarted(failure) => assert!(failure.message.contains("it has no `tar`"), "{failure:?}"),
        exit => panic!("{exit:?}"),
    }
    let gone = PodUpdateOrder { copies, ..order(vec![(PodId(Arc::from("gone")), "main".to_owned())]) };
    match update(&mut session, gone) {
        Exit::NotStarted(failure) => assert!(failure.message.contains("the pod is gone"), "{failure:?}"),
        exit => panic!("{exit:?}"),
    }
}
