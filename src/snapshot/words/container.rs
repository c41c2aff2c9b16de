//! How containers are said.

use super::{count_of, exit};
use crate::model::{ContainerPhase, ContainerState, Exit, Health};
use std::fmt::Write as _;

/// How a container fares: `healthy`, `exit code 137 (out of memory)`.
pub fn container(state: &ContainerState) -> String {
    let mut text = match &state.phase {
        ContainerPhase::Created => "not started".to_owned(),
        ContainerPhase::Running => running(state),
        ContainerPhase::Paused => "paused".to_owned(),
        ContainerPhase::Restarting => "waits until Docker starts it again".to_owned(),
        ContainerPhase::Exited { code, out_of_memory: true } => {
            format!("exit code {code} (out of memory)")
        }
        ContainerPhase::Exited { code, out_of_memory: false } => exit(&Exit::Code(*code)),
        ContainerPhase::Dead => "dead".to_owned(),
    };
    if state.engine_restarts > 0 {
        write!(text, ", started again {} by Docker", count_of(state.engine_restarts.into(), "time")).ok();
    }
    text
}

fn running(state: &ContainerState) -> String {
    let said = state.health_output.as_deref().and_then(first_line);
    let said = said.map(|line| format!(": {line}")).unwrap_or_default();
    match state.health {
        None => "running".to_owned(),
        Some(Health::Healthy) => "healthy".to_owned(),
        Some(Health::Starting) => format!("health check has not passed yet{said}"),
        Some(Health::Unhealthy) => format!("unhealthy{said}"),
    }
}

fn first_line(text: &str) -> Option<&str> {
    text.lines().map(str::trim).find(|line| !line.is_empty())
}
