//! A container as tests look at it, and what they do to it by hand.

use super::{Engine, block_on};
use bollard::{
    container::LogOutput,
    exec::{StartExecOptions, StartExecResults},
    models::{ContainerCreateBody, ContainerInspectResponse, ExecConfig},
    query_parameters::{
        CreateContainerOptionsBuilder, DownloadFromContainerOptionsBuilder, LogsOptionsBuilder,
        RemoveContainerOptionsBuilder,
    },
};
use futures_util::{StreamExt as _, TryStreamExt as _};
use std::{
    collections::BTreeMap,
    fmt,
    io::{Cursor, Read as _},
};

/// A container at the moment it was looked at.
#[derive(Debug, Clone)]
pub(crate) struct Container {
    pub(crate) id: String,
    /// Without the slash.
    pub(crate) name: String,
    /// `running`, `exited`, `created` and so on.
    pub(crate) state: String,
    /// `starting`, `healthy`, `unhealthy`; empty without a health check.
    pub(crate) health: String,
    pub(crate) started_at: String,
    pub(crate) exit_code: Option<i64>,
    pub(crate) labels: BTreeMap<String, String>,
    /// From the port inside to the one outside.
    pub(crate) ports: BTreeMap<u16, u16>,
    /// Of what it was made.
    pub(crate) image_id: String,
    /// Everything else that the engine says.
    pub(crate) inspected: ContainerInspectResponse,
}

impl Container {
    pub(super) fn of(inspected: ContainerInspectResponse) -> Self {
        let it = inspected.clone();
        let state = it.state.unwrap_or_default();
        let config = it.config.unwrap_or_default();
        let ports = it.network_settings.and_then(|network| network.ports).unwrap_or_default();
        let ports = ports.into_iter().filter_map(|(inside, bindings)| {
            let outside = bindings?.first()?.host_port.as_ref()?.parse().ok()?;
            Some((inside.split('/').next()?.parse().ok()?, outside))
        });
        Self {
            id: it.id.unwrap_or_default(),
            name: it.name.unwrap_or_default().trim_start_matches('/').to_owned(),
            state: state.status.map(|status| status.to_string()).unwrap_or_default(),
            health: state.health.and_then(|health| health.status).map(|status| status.to_string()).unwrap_or_default(),
            started_at: state.started_at.unwrap_or_default(),
            exit_code: state.exit_code,
            labels: config.labels.unwrap_or_default().into_iter().collect(),
            ports: ports.collect(),
            image_id: it.image.unwrap_or_default(),
            inspected,
        }
    }

    /// Whether it is that resource's or service's, or has that name.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        let label = |key: &str| self.labels.get(key).is_some_and(|value| value == name);
        label("orch.resource") || label("com.docker.compose.service") || self.name == name
    }

    /// Whether it runs.
    pub(crate) fn is_running(&self) -> bool {
        self.state == "running"
    }

    /// What stays the same as long as nobody touches it.
    pub(crate) fn identity(&self) -> (String, String) {
        (self.id.clone(), self.started_at.clone())
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exit = self.exit_code.filter(|_| self.state == "exited").map(|code| format!(" {code}")).unwrap_or_default();
        write!(
            f,
            "container {} ({}{exit}{}{})",
            self.name,
            self.state,
            [" ", ""][usize::from(self.health.is_empty())],
            self.health
        )
    }
}

/// What a test does to containers by hand, or sees in them.
impl Engine {
    /// Runs a command of the base image in a container of the test's own; gives its id.
    pub(crate) fn run(&self, name: &str, command: &[&str]) -> String {
        let body = ContainerCreateBody {
            image: Some(Self::base()),
            cmd: Some(command.iter().map(ToString::to_string).collect()),
            ..Default::default()
        };
        let options = CreateContainerOptionsBuilder::default().name(&self.name(name)).build();
        block_on(async {
            let made = self.docker().create_container(Some(options), body).await.unwrap();
            self.docker().start_container(&made.id, None).await.unwrap();
            made.id
        })
    }

    /// `docker kill`.
    pub(crate) fn kill(&self, container: &Container) {
        block_on(self.docker().kill_container(&container.id, None)).unwrap();
    }

    /// `docker rm -f`.
    pub(crate) fn remove(&self, container: &Container) {
        let options = RemoveContainerOptionsBuilder::default().force(true).build();
        block_on(self.docker().remove_container(&container.id, Some(options))).unwrap();
    }

    /// Runs a command in a container; gives its exit code and all that it said.
    pub(crate) fn exec(&self, container: &Container, command: &[&str]) -> (i64, String) {
        let config = ExecConfig {
            cmd: Some(command.iter().map(ToString::to_string).collect()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..Default::default()
        };
        block_on(async {
            let exec = self.docker().create_exec(&container.id, config).await.unwrap();
            let options = None::<StartExecOptions>;
            let StartExecResults::Attached { output, .. } = self.docker().start_exec(&exec.id, options).await.unwrap()
            else {
                unreachable!("asked for its output")
            };
            let said = text_of(output).await;
            let ended = self.docker().inspect_exec(&exec.id).await.unwrap();
            (ended.exit_code.unwrap_or(-1), said)
        })
    }

    /// What a file in a container holds; None if it is not there. Works without any program in it.
    pub(crate) fn file_in(&self, container: &Container, path: &str) -> Option<String> {
        let options = DownloadFromContainerOptionsBuilder::default().path(path).build();
        let archive = block_on(async {
            let parts = self.docker().download_from_container(&container.id, Some(options));
            parts.try_fold(Vec::new(), async |whole, part| Ok([whole, part.to_vec()].concat())).await.ok()
        })?;
        let mut archive = tar::Archive::new(Cursor::new(archive));
        let mut text = String::new();
        archive.entries().unwrap().next()?.unwrap().read_to_string(&mut text).unwrap();
        Some(text)
    }

    /// All that a container has said until now.
    pub(crate) fn logs(&self, container: &Container) -> String {
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).build();
        block_on(text_of(self.docker().logs(&container.id, Some(options))))
    }
}

async fn text_of(output: impl futures_util::Stream<Item = Result<LogOutput, bollard::errors::Error>>) -> String {
    let parts = output.map(|part| part.map(|part| String::from_utf8_lossy(&part.into_bytes()).into_owned()));
    parts.map(|part| part.unwrap_or_else(|error| format!("({error})\n"))).collect().await
}
