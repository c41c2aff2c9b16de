//! Containers without a compose file: made from what `docker_container(…)` says.
//!
//! What runs and is what it should be is not touched; what is so and does not run is started; all else is replaced.

mod making;
mod network;
mod ports;
mod pull;
mod recipe;

use super::{Connection, build::Log, credentials::Credentials, marks::Marks, remove, seen, taken::Refused};
use crate::{
    engine::RaiseOrder,
    model::{ContainerId, ContainerSource, Digest, Failure, ProjectId, ResourceName},
};
use bollard::models::{ContainerInspectResponse, ContainerStateStatusEnum as Status};
use futures_util::future::try_join_all;
use making::Making;
use network::Networks;
use std::time::Duration;

/// What the plain containers of a session share. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Plain {
    networks: Networks,
}

/// What is to be raised, and with what.
pub struct Raising<'a> {
    /// The engine.
    pub connection: &'a Connection,
    /// For what is pulled.
    pub credentials: &'a Credentials,
    /// The marks that it gets.
    pub marks: &'a Marks,
    /// Whose it is.
    pub resource: &'a ResourceName,
    /// What it is to be.
    pub order: &'a RaiseOrder,
    /// How long one that is replaced may take to end.
    pub grace: Duration,
    /// Where it is said what is done.
    pub log: &'a Log,
}

/// What is to be done with the containers that are there.
#[derive(Debug, PartialEq, Eq)]
enum Plan {
    /// It is what it should be.
    Nothing,
    /// That one only has to run.
    Start(ContainerId),
    /// That one is frozen.
    GoOn(ContainerId),
    /// A new one is made in their place.
    Replace,
}

/// Which plan leads to one container with this fingerprint that runs.
fn plan(own: &[ContainerInspectResponse], fingerprint: Digest, replace: bool) -> Plan {
    let [only] = own else { return Plan::Replace };
    let (Some(seen), Some(state)) = (seen::sighted(only.clone()), &only.state) else { return Plan::Replace };
    if replace || seen.state.fingerprint != Some(fingerprint) {
        return Plan::Replace;
    }
    match state.status {
        Some(Status::RUNNING | Status::RESTARTING) => Plan::Nothing,
        Some(Status::PAUSED) => Plan::GoOn(seen.state.id),
        Some(Status::CREATED | Status::EXITED) => Plan::Start(seen.state.id),
        _ => Plan::Replace,
    }
}

impl Plain {
    /// Brings the container of a resource to what the order says. Dropping the future leaves what is done until then.
    ///
    /// # Errors
    /// Why it is not so.
    pub async fn raise(&self, raising: &Raising<'_>) -> Result<(), Refused> {
        let ContainerSource::Plain(spec) = &raising.order.container.source else {
            return Err(Failure { message: "the container is a compose service".to_owned(), help: None }.into());
        };
        let own = raising.own().await?;
        let name = name(&raising.marks.project, raising.resource);
        match plan(&own, raising.order.fingerprint, raising.order.replace) {
            Plan::Nothing => Ok(()),
            Plan::Start(id) => {
                raising.log.line(&format!("starting the container `{name}`"));
                let started = raising.connection.api().start_container(&id.0, None).await;
                match started {
                    Ok(()) => Ok(()),
                    Err(error) => Err(making::not_started(raising, &name, &error).await),
                }
            }
            Plan::GoOn(id) => {
                raising.log.line(&format!("the container `{name}` was paused: it goes on"));
                let unpaused = raising.connection.api().unpause_container(&id.0).await;
                let doing = format!("the container `{name}` cannot go on");
                unpaused.map_err(|error| raising.connection.failure(&doing, &error).into())
            }
            Plan::Replace => {
                let making = Making::prepare(raising, &self.networks, spec, name, &own).await?;
                raising.make_room(&own).await?;
                making.make(raising).await
            }
        }
    }
}

impl Plain {
    /// Removes the networks of a project that nothing of it needs any more.
    ///
    /// # Errors
    /// Why the engine does not say what it has.
    pub async fn remove_unused_networks(&self, connection: &Connection, project: &ProjectId) -> Result<(), Failure> {
        self.networks.remove_unused(connection, project).await
    }
}

impl Raising<'_> {
    /// All containers of the resource.
    async fn own(&self) -> Result<Vec<ContainerInspectResponse>, Failure> {
        let found = async {
            let ids = seen::ids(self.connection, &self.marks.project, Some(self.resource)).await?;
            try_join_all(ids.iter().map(|id| seen::inspect(self.connection, id))).await
        };
        let found = found.await.map_err(|error| self.connection.failure("containers cannot be listed", &error))?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Removes what is in the place of the new one.
    async fn make_room(&self, own: &[ContainerInspectResponse]) -> Result<(), Failure> {
        let ids = own.iter().filter_map(|one| one.id.as_deref()).map(|id| ContainerId(id.into()));
        remove::containers(self.connection, &ids.collect::<Vec<_>>(), self.grace).await
    }
}

/// The name of a resource's container. Where the engine does not take the resource's name, its digest keeps two from being one.
fn name(project: &ProjectId, resource: &ResourceName) -> String {
    let is_taken = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let plain: String = resource.as_str().chars().map(|c| if is_taken(c) { c } else { '-' }).collect();
    if plain == resource.as_str() {
        return format!("{project}-{plain}");
    }
    let digest = Digest::of(resource.as_str().as_bytes()).to_string();
    format!("{project}-{plain}-{}", &digest[..6])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn container(status: &str, fingerprint: Digest) -> ContainerInspectResponse {
        let labels = json!({"orch.resource": "web", "orch.fingerprint": fingerprint.to_string()});
        let container = json!({"Id": "01", "State": {"Status": status}, "Config": {"Labels": labels}});
        serde_json::from_value(container).unwrap()
    }

    #[test]
    fn as_little_is_done_as_will_do() {
        let (right, other, id) = (Digest::of(b"right"), Digest::of(b"other"), ContainerId("01".into()));
        for (status, expected) in [
            ("running", Plan::Nothing),
            ("restarting", Plan::Nothing),
            ("paused", Plan::GoOn(id.clone())),
            ("exited", Plan::Start(id.clone())),
            ("created", Plan::Start(id)),
            ("dead", Plan::Replace),
        ] {
            assert_eq!(plan(&[container(status, right)], right, false), expected, "{status}");
            assert_eq!(plan(&[container(status, right)], right, true), Plan::Replace);
            assert_eq!(plan(&[container(status, other)], right, false), Plan::Replace);
        }
        assert_eq!(plan(&[], right, false), Plan::Replace);
        let two = [container("running", right), container("running", right)];
        assert_eq!(plan(&two, right, false), Plan::Replace);
    }

    #[test]
    fn names_are_such_as_the_engine_takes_and_never_one_for_two() {
        let project = ProjectId::parse("shop-1234").unwrap();
        let name = |text: &str| name(&project, &ResourceName::parse(text).unwrap());
        assert_eq!(name("web"), "shop-1234-web");
        assert!(name("my web").starts_with("shop-1234-my-web-"), "{}", name("my web"));
        assert_ne!(name("my web"), name("my:web"));
    }
}
