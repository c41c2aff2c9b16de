//! What the containers of pods print.

use super::{Room, look::deployment, room::Session};
use orch::{
    engine::{Event, KubeEffect, KubeEvent},
    model::{Exit, InstanceId, PodContainerPhase, PodPhase, ResourceName},
};

fn web() -> ResourceName {
    ResourceName::parse("web").unwrap()
}

fn follow(session: &mut Session) {
    session.perform(KubeEffect::Follow { instance: InstanceId(1), resource: web() });
}

fn unfollow(session: &mut Session) {
    session.perform(KubeEffect::StopFollowing { instance: InstanceId(1) });
    session.until("the end of following", |event| {
        matches!(event, Event::Kube(KubeEvent::FollowEnded { instance: InstanceId(1) })).then_some(())
    });
}

#[test]
fn all_containers_are_followed_and_each_line_is_there_once() {
    let Some(room) = Room::new() else { return };
    let (proxy, kubeconfig) = room.proxied();
    let mut session = room.session_of("project", &kubeconfig);
    let lines = "i=0; while true; do i=$((i+1)); echo line $i.; sleep 0.05; done";
    let yaml = deployment("web", lines).trim_end().to_owned();
    let image = Room::image();
    let yaml = format!(
        "{yaml}\n      - {{name: side, image: {image}, imagePullPolicy: Never, command: [sh, -c, 'echo from the side; sleep 1000']}}\n      - \
         {{name: istio-proxy, image: {image}, imagePullPolicy: Never, command: [sh, -c, 'echo mesh; sleep 1000']}}\n"
    );
    session.look(&[("web", &yaml)]);
    follow(&mut session);
    assert_eq!(session.apply("web", &yaml), Exit::Code(0));
    session.until_log("web", |log| log.contains("[main] line 5.\n") && log.contains("[side] from the side\n"));
    proxy.cut();
    session.until("the loss", |event| matches!(event, Event::Kube(KubeEvent::Lost { .. })).then_some(()));
    proxy.mend();
    session.until("the way back", |event| matches!(event, Event::Kube(KubeEvent::Back)).then_some(()));
    session.look(&[("web", &yaml)]);
    let count = session.log("web").lines().count();
    session.until_log("web", |log| log.lines().count() > count + 20);
    unfollow(&mut session);
    let log = session.log("web");
    assert!(!log.contains("mesh"), "{log}");
    let numbers: Vec<u32> =
        log.lines().filter_map(|line| line.strip_prefix("[main] line ")?.strip_suffix('.')?.parse().ok()).collect();
    assert!(numbers.iter().copied().eq(1..=u32::try_from(numbers.len()).unwrap()), "{log}");
}

#[test]
fn what_a_job_said_is_there_when_its_end_is_told() {
    let Some(room) = Room::new() else { return };
    let mut session = room.session();
    let job = format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: job}}\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n      \
         containers: [{{name: main, image: {}, imagePullPolicy: Never, command: [sh, -c, 'seq 1 2000; echo the end']}}]\n",
        Room::image()
    );
    session.look(&[("web", &job)]);
    follow(&mut session);
    assert_eq!(session.apply("web", &job), Exit::Code(0));
    session.until_state("web", |state| state.pods.iter().any(|pod| pod.phase == PodPhase::Succeeded));
    let log = session.log("web");
    assert!(log.ends_with("\n2000\nthe end\n"), "{log}");
    unfollow(&mut session);
}

#[test]
fn what_a_container_said_before_it_crashed_is_there() {
    let Some(room) = Room::new() else { return };
    let mut session = room.session();
    let yaml = deployment("web", "echo attempt $RANDOM; exit 1");
    session.look(&[("web", &yaml)]);
    assert_eq!(session.apply("web", &yaml), Exit::Code(0));
    let restarted = |phase: &PodContainerPhase| matches!(phase, PodContainerPhase::Waiting { reason, .. } if reason == "CrashLoopBackOff");
    session.until_state("web", |state| {
        state
            .pods
            .iter()
            .flat_map(|pod| &pod.containers)
            .any(|container| container.restarts == 1 && restarted(&container.phase))
    });
    // Followed only now, both attempts are there.
    follow(&mut session);
    session.until_log("web", |log| log.matches("attempt ").count() >= 2);
    unfollow(&mut session);
    assert_eq!(session.log("web").matches("attempt ").count(), 2, "{}", session.log("web"));
}
