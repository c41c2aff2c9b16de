//! Bringing the containers of a service to what they should be.

use super::{
    Compose, failure,
    feed::Feed,
    owner,
    seen::{self, Seen},
    tool::Call,
};
use crate::{
    engine::RaiseOrder,
    host::{
        docker::{
            Connection,
            marks::Marks,
            taken::{self, Refused},
        },
        process::{OutputSink, Processes, Stream},
    },
    model::{ComposeProject, ContainerSource, Failure, ResourceName},
};
use bollard::models::ContainerSummaryStateEnum as State;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::OwnedMutexGuard;

/// What is to be raised, and with what.
pub struct Raising<'a> {
    /// The engine.
    pub connection: &'a Connection,
    /// Starts the tool.
    pub processes: &'a Processes,
    /// The marks that the containers get.
    pub marks: &'a Marks,
    /// Whose they are.
    pub resource: &'a ResourceName,
    /// What they are to be.
    pub order: &'a RaiseOrder,
    /// How long one that is replaced may take to end, where its service does not say.
    pub grace: Duration,
    /// Where it is said what is done.
    pub sink: Arc<dyn OutputSink>,
}

/// What has to be done about the containers of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Plan {
    /// They are what they should be.
    Nothing,
    /// They are, and only have to run: the places of those that do not.
    Start(Vec<usize>),
    /// The tool is to make them; also those that it would leave.
    Up { recreate: bool },
}

/// Which plan leads to `scale` containers with this fingerprint that run. `wait` is for their health too, which only the tool does.
fn plan(own: &[&Seen], fingerprint: &str, scale: usize, replace: bool, wait: bool) -> Plan {
    let is_same = |container: &&&Seen| container.fingerprint() == Some(fingerprint);
    if replace || own.len() != scale || !own.iter().all(|container| is_same(&container)) {
        return Plan::Up { recreate: replace && own.iter().any(|container| is_same(&container)) };
    }
    if own.iter().any(|container| matches!(container.state, State::DEAD | State::REMOVING | State::EMPTY)) {
        return Plan::Up { recreate: false };
    }
    let idle = |(_, container): &(usize, &&Seen)| !matches!(container.state, State::RUNNING | State::RESTARTING);
    let idle: Vec<_> = own.iter().enumerate().filter(idle).map(|(place, _)| place).collect();
    match idle.as_slice() {
        [] => Plan::Nothing,
        _ if wait => Plan::Up { recreate: false },
        _ => Plan::Start(idle),
    }
}

impl Compose {
    /// Brings the containers of a service to what the order says. Ones that are so already are not touched, and ones that only
    /// have to be started are, without the tool. Dropping the future leaves what is done until then.
    ///
    /// # Errors
    /// Why they are not so.
    pub async fn raise(&self, raising: &Raising<'_>) -> Result<(), Refused> {
        let (project, service) = subject(raising.order)?;
        let all = seen::containers(raising.connection, &project.name).await?;
        owner::check(project, &all, raising.marks)?;
        let own: Vec<_> = all.iter().filter(|container| container.service == service).collect();
        let feed = Feed::new(project, service)?;
        let fingerprint = raising.order.fingerprint.to_string();
        // One that another project or resource made has other marks, and the tool alone can give it ours.
        let (resource, marks) = (raising.resource, raising.marks);
        let is_other = |container: &&Seen| {
            container.resource() != Some(resource.as_str()) || container.owner() != Some(marks.project.as_str())
        };
        let replace = raising.order.replace || own.iter().any(is_other);
        match plan(&own, &fingerprint, feed.scale(), replace, project.wait) {
            Plan::Nothing => Ok(()),
            Plan::Start(idle) => raising.start(idle.into_iter().map(|place| own[place])).await,
            Plan::Up { recreate } => {
                if let Some(line) = owner::takeover(&own, project, raising.marks) {
                    raising.say(&line);
                }
                if own.iter().any(|one| one.is_alive()) {
                    let ids: Vec<_> = own.iter().map(|one| &*one.id.0).collect();
                    taken::check(raising.connection, &feed.ports(), &ids, resource).await?;
                }
                self.up(raising, project, feed, recreate).await
            }
        }
    }

    /// Waits for its turn where something must be made that services share; `None` where all of it is there.
    async fn turn(
        &self,
        raising: &Raising<'_>,
        project: &ComposeProject,
        feed: &Feed,
    ) -> Result<Option<OwnedMutexGuard<()>>, Failure> {
        let shared = feed.shared();
        let is_there = || seen::has_shared(raising.connection, &project.name, &shared);
        if is_there().await? {
            return Ok(None);
        }
        let turn = self.lock(&project.name).lock_owned().await;
        // Somebody else may have made it meanwhile.
        Ok(if is_there().await? { None } else { Some(turn) })
    }

    async fn up(
        &self,
        raising: &Raising<'_>,
        project: &ComposeProject,
        mut feed: Feed,
        recreate: bool,
    ) -> Result<(), Refused> {
        let (_, service) = subject(raising.order)?;
        let turn = self.turn(raising, project, &feed).await?;
        let arguments = arguments(raising, project, service, feed.has_grace(), recreate);
        feed.image(raising.order.image.as_ref());
        feed.label(raising.marks.of_container(raising.resource, raising.order.fingerprint));
        let call = Call {
            project,
            arguments,
            config: feed.text(),
            environment: &raising.order.environment,
            sink: raising.sink.clone(),
            turn: Mutex::new(turn).into(),
        };
        let mut ended = self.tool().run(raising.processes, &call).await;
        // The tool looked while a container was being removed, and meant to change that one.
        if ended.as_ref().is_err_and(|fault| fault.said("No such container")) {
            ended = self.tool().run(raising.processes, &call).await;
        }
        match ended {
            Ok(()) => Ok(()),
            Err(fault) => Err(failure::of_up(fault, service, raising.connection, raising.resource).await),
        }
    }
}

fn arguments(
    raising: &Raising<'_>,
    project: &ComposeProject,
    service: &str,
    has_grace: bool,
    recreate: bool,
) -> Vec<String> {
    let mut arguments: Vec<_> = ["up", "--no-deps", "--no-build", "--detach"].map(str::to_owned).to_vec();
    if recreate {
        arguments.push("--force-recreate".to_owned());
    }
    if project.wait {
        arguments.push("--wait".to_owned());
    }
    if !has_grace {
        arguments.extend(["--timeout".to_owned(), raising.grace.as_secs().to_string()]);
    }
    arguments.push(service.to_owned());
    arguments
}

impl Raising<'_> {
    fn say(&self, line: &str) {
        self.sink.write(Stream::Out, format!("{line}\n").as_bytes());
    }

    /// Starts containers that are what they should be and do not run.
    async fn start(&self, containers: impl Iterator<Item = &Seen>) -> Result<(), Refused> {
        for container in containers {
            self.say(&format!("starting the container `{}`", container.name));
            let id = &container.id.0;
            let api = self.connection.api();
            let result = match container.state {
                State::PAUSED => api.unpause_container(id).await,
                _ => api.start_container(id, None).await,
            };
            if let Err(error) = result {
                let doing = format!("the container `{}` cannot be started", container.name);
                let failure = self.connection.failure(&doing, &error);
                return Err(failure::explained(failure, self.connection, self.resource).await);
            }
        }
        Ok(())
    }
}

/// The project and the service that an order is about.
fn subject(order: &RaiseOrder) -> Result<(&ComposeProject, &str), Failure> {
    match (&order.compose, &order.container.source) {
        (Some(project), ContainerSource::Compose { service, .. }) => Ok((project, service)),
        _ => Err(Failure { message: "the container is no compose service".to_owned(), help: None }),
    }
}
