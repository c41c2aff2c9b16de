//! How the pods of a resource fare. Those of what was applied last count, and of them the newest decides.

use crate::{
    engine::{
        phase::{Footing, Life},
        workload::There,
    },
    model::{ContainerId, KubeState, ObjectKey, PodContainer, PodContainerPhase, PodPhase, PodReadiness, PodState},
};

/// Reasons for which a container waits and may wait for ever.
const BAD: [&str; 8] = [
    "CrashLoopBackOff",
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "RunContainerError",
    "StartError",
    "CreateContainerConfigError",
];

/// Those that count.
pub(super) fn current(pods: &[PodState]) -> impl Iterator<Item = &PodState> {
    pods.iter().filter(|pod| pod.is_current && !pod.is_ending)
}

/// The one that decides.
fn newest(pods: &[PodState]) -> Option<&PodState> {
    current(pods).next()
}

/// Whether they are ready; those that are to end well never are, but done.
pub(in crate::engine) fn is_ready(readiness: PodReadiness, pods: &[PodState]) -> bool {
    match readiness {
        PodReadiness::Ignore => true,
        PodReadiness::Wait => newest(pods).is_some_and(|pod| pod.phase == PodPhase::Running && pod.is_ready),
        PodReadiness::Succeeded => false,
    }
}

/// Whether Kubernetes checks all that decides whether they are ready.
pub(in crate::engine) fn are_checked(pods: &[PodState]) -> bool {
    let mut containers = newest(pods).into_iter().flat_map(|pod| &pod.containers).filter(|one| !one.is_initial);
    containers.all(|one| one.is_checked)
}

/// Whether all that was to end has ended well.
pub(in crate::engine) fn is_done(there: &KubeState) -> bool {
    let mut jobs = there.objects.iter().filter(|(key, _)| is_job(key)).peekable();
    if jobs.peek().is_some() {
        return jobs.all(|(_, job)| job.is_complete);
    }
    let mut pods = current(&there.pods).peekable();
    pods.peek().is_some() && pods.all(|pod| pod.phase == PodPhase::Succeeded)
}

fn is_job(key: &ObjectKey) -> bool {
    key.group == "batch" && key.kind == "Job"
}

/// What is wrong with them, where something is that Kubernetes may not mend.
pub(in crate::engine) fn error_of(pods: &[PodState]) -> Option<String> {
    let pod = newest(pods)?;
    let bad = pod.containers.iter().find(|container| is_bad(container));
    let is_bad = pod.phase == PodPhase::Failed || bad.is_some();
    let text = || {
        let container = bad.map(|container| format!("container `{}` does not run", container.name));
        container.unwrap_or_else(|| "it failed".to_owned())
    };
    is_bad.then(|| format!("pod {}: {}", pod.name, pod.trouble.clone().unwrap_or_else(text)))
}

fn is_bad(container: &PodContainer) -> bool {
    match &container.phase {
        PodContainerPhase::Waiting { reason, .. } => BAD.contains(&reason.as_str()),
        PodContainerPhase::Running => false,
        PodContainerPhase::Ended { code, .. } => *code != 0,
    }
}

/// What is to be known of why they are not ready.
pub(super) fn trouble(there: &KubeState) -> Option<String> {
    let of_pod = newest(&there.pods).and_then(|pod| Some(format!("pod {}: {}", pod.name, pod.trouble.as_ref()?)));
    error_of(&there.pods).or(of_pod).or_else(|| there.trouble.clone())
}

/// How firmly their containers stand.
pub(in crate::engine) fn footing(pods: &[PodState]) -> Footing {
    let mut containers = current(pods).flat_map(|pod| &pod.containers).filter(|one| !one.is_initial).peekable();
    if current(pods).flat_map(|pod| &pod.containers).any(is_bad) {
        return Footing::None;
    }
    let is_there = containers.peek().is_some();
    if is_there && containers.all(|one| one.phase == PodContainerPhase::Running) {
        Footing::Firm
    } else {
        Footing::Coming
    }
}

/// Which pods they are.
pub(in crate::engine) fn lives(there: &KubeState) -> Vec<Life> {
    let mut lives: Vec<Life> = current(&there.pods).map(|pod| (pod.id.0.clone(), pod.created_at_ns)).collect();
    lives.sort();
    lives
}

/// When their containers last started.
pub(super) fn starts(pods: &[PodState]) -> Vec<(&str, &str, i64)> {
    let containers = current(pods).flat_map(|pod| pod.containers.iter().map(move |one| (pod, one)));
    containers.map(|(pod, one)| (&*pod.id.0, one.name.as_str(), one.started_at_ns)).collect()
}

/// Which of their containers run, and in which of their lives.
pub(in crate::engine) fn container_lives(there: &KubeState) -> Vec<ContainerId> {
    let running = current(&there.pods).flat_map(|pod| pod.containers.iter().map(move |one| (pod, one)));
    let running = running.filter(|(_, one)| !one.is_initial && one.phase == PodContainerPhase::Running);
    running.map(|(pod, one)| life_of(pod, one)).collect()
}

/// What one life of a container is known by.
pub(super) fn life_of(pod: &PodState, container: &PodContainer) -> ContainerId {
    ContainerId(format!("{}/{}/{}", pod.id.0, container.name, container.started_at_ns).into())
}

/// What a row shows of them.
pub(in crate::engine) fn shown(there: &There) -> Vec<PodState> {
    match there {
        There::Cluster(there) => there.pods.clone(),
        There::None | There::Containers(_) => Vec::new(),
    }
}
