//! How pods are said.

use super::{super::ForwardRow, count_of, exit};
use crate::model::{Exit, PodContainerPhase, PodPhase, PodState};
use std::fmt::Write as _;

/// How a pod fares: `ready`, `image `x` cannot be pulled: …`.
pub fn pod(state: &PodState) -> String {
    let mut text = match (&state.trouble, state.phase) {
        _ if state.is_ending => "ends".to_owned(),
        (Some(trouble), _) => trouble.clone(),
        (None, PodPhase::Running) if state.is_ready => "ready".to_owned(),
        (None, PodPhase::Running) => running(state),
        (None, PodPhase::Pending) => pending(state),
        (None, PodPhase::Succeeded) => "ended: exit code 0".to_owned(),
        (None, PodPhase::Failed) => "failed".to_owned(),
        (None, PodPhase::Unknown) => "its node does not answer".to_owned(),
    };
    let restarts: u32 = state.containers.iter().map(|container| container.restarts).sum();
    if restarts > 0 {
        write!(text, ", started again {} by Kubernetes", count_of(restarts.into(), "time")).ok();
    }
    text
}

fn running(state: &PodState) -> String {
    let ended = state.containers.iter().find_map(|container| match &container.phase {
        PodContainerPhase::Ended { code, .. } if !container.is_initial => Some((&container.name, *code)),
        _ => None,
    });
    match ended {
        Some((name, code)) => format!("container {name} ended: {}", exit(&Exit::Code(code))),
        None => "runs, and is not ready yet".to_owned(),
    }
}

fn pending(state: &PodState) -> String {
    let waiting = state.containers.iter().find_map(|container| match &container.phase {
        PodContainerPhase::Waiting { reason, .. } if !reason.is_empty() => Some(reason),
        _ => None,
    });
    waiting.map_or_else(|| "pending".to_owned(), |reason| format!("pending ({reason})"))
}

/// What a local port does: `http://localhost:8080/ leads to web-5d9c:80`.
pub fn forward(row: &ForwardRow, pods: &[PodState]) -> String {
    let url = row.url();
    let Some(state) = &row.state else { return url };
    if let Some(trouble) = &state.trouble {
        return format!("{url}: {trouble}");
    }
    let named = state.to.as_ref().and_then(|(id, port)| Some((&pods.iter().find(|pod| pod.id == *id)?.name, port)));
    match named {
        Some((pod, port)) => format!("{url} leads to port {port} of {pod}"),
        None => format!("{url} leads to no pod yet"),
    }
}
