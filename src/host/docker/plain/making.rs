//! One new container: what it needs is there before the old one goes.

use super::{
    Raising,
    network::{Joined, Networks},
    ports::Chosen,
    pull, recipe,
};
use crate::{
    host::docker::{
        Address, Connection,
        failure::status,
        taken::{self, Refused},
    },
    model::{ContainerImage, ContainerSpec, Failure, FilePath, VolumeSource},
};
use bollard::{
    errors::Error,
    models::{ContainerInspectResponse, ContainerStateStatusEnum as Status, VolumeCreateRequest},
    query_parameters::{CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder},
};
use regex::Regex;
use std::{io, sync::LazyLock};

/// So often is a free port chosen that somebody else takes in the same moment.
const PORT_ATTEMPTS: u32 = 4;

/// `exec: "serve": executable file not found in $PATH`, `exec: "/serve": stat /serve: no such file or directory`.
static PROGRAM: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"exec: \\?"([^"\\]+)\\?": (?:executable file not found|stat [^:]*: no such file)"#).ok()
});

/// A container that is to be made.
pub(super) struct Making<'a> {
    name: String,
    image: String,
    spec: &'a ContainerSpec,
    joined: Joined,
    ports: Chosen,
}

impl<'a> Making<'a> {
    /// Sees to all that it needs: its image, networks, volumes and folders.
    pub(super) async fn prepare(
        raising: &Raising<'_>,
        networks: &Networks,
        spec: &'a ContainerSpec,
        name: String,
        before: &[ContainerInspectResponse],
    ) -> Result<Self, Refused> {
        let image = image(raising, &spec.platform).await?;
        let joined = networks.join(raising.connection, raising.marks, raising.resource, &spec.networks).await?;
        for volume in &spec.volumes {
            match &volume.source {
                VolumeSource::Named(volume) => make_volume(raising, volume).await?,
                VolumeSource::Bind(path) => make_folder(raising.connection, path).await?,
                VolumeSource::Anonymous => {}
            }
        }
        let ports = Chosen::of(&spec.ports, before, taken::is_local(raising.connection));
        let own: Vec<_> = before.iter().filter(|one| is_alive(one)).filter_map(|one| one.id.as_deref()).collect();
        if !own.is_empty() {
            taken::check(raising.connection, &ports.fixed(), &own, raising.resource).await?;
        }
        Ok(Self { name, image, spec, joined, ports })
    }

    /// Makes and starts it.
    pub(super) async fn make(mut self, raising: &Raising<'_>) -> Result<(), Refused> {
        let mut attempts = PORT_ATTEMPTS;
        loop {
            raising.log.line(&format!("creating the container `{}`", self.name));
            let id = self.create(raising).await?;
            self.joined.connect_further(raising.connection, &id, &self.name).await?;
            let Err(error) = raising.connection.api().start_container(&id, None).await else { return Ok(()) };
            let was_free = taken::port_in(&error.to_string()).is_some_and(|port| self.ports.is_chosen(port));
            attempts -= 1;
            if !was_free || attempts == 0 {
                return Err(not_started(raising, &self.name, &error).await);
            }
            let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
            let removed = raising.connection.api().remove_container(&id, Some(options)).await;
            removed.map_err(|error| raising.connection.failure("the container cannot be made anew", &error))?;
            self.ports.choose_again();
        }
    }

    async fn create(&self, raising: &Raising<'_>) -> Result<String, Failure> {
        let marks = raising.marks.of_container(raising.resource, raising.order.fingerprint);
        let project = &raising.marks.project;
        let body = recipe::body(self.spec, &self.image, marks, &self.joined, &self.ports, project);
        let options = CreateContainerOptionsBuilder::default().name(&self.name).platform(&self.spec.platform).build();
        let made = raising.connection.api().create_container(Some(options), body).await;
        let made = made.map_err(|error| not_made(raising.connection, &self.name, &self.image, &error))?;
        Ok(made.id)
    }
}

/// Whether it runs, or goes on when it is let.
fn is_alive(container: &ContainerInspectResponse) -> bool {
    let status = container.state.as_ref().and_then(|state| state.status);
    matches!(status, Some(Status::RUNNING | Status::PAUSED | Status::RESTARTING))
}

/// What it is to be made of, which the engine has.
async fn image(raising: &Raising<'_>, platform: &str) -> Result<String, Failure> {
    let api = raising.connection.api();
    match (&raising.order.image, &raising.order.container.image) {
        (Some(built), _) => {
            let Err(error) = api.inspect_image(&built.reference).await else { return Ok(built.reference.clone()) };
            match &built.id {
                // The id means the same where the name went astray.
                Some(id) if api.inspect_image(&id.0).await.is_ok() => return Ok(id.to_string()),
                // Its command left it in a registry.
                None if status(&error) == Some(404) => pull::pull(raising, &built.reference, platform).await?,
                Some(_) | None => {}
            }
            Ok(built.reference.clone())
        }
        (None, ContainerImage::Pulled(name)) => {
            match api.inspect_image(name).await {
                Ok(_) => {}
                Err(error) if status(&error) == Some(404) => pull::pull(raising, name, platform).await?,
                Err(error) => {
                    let doing = format!("the image `{name}` cannot be looked at");
                    return Err(raising.connection.failure(&doing, &error));
                }
            }
            Ok(name.clone())
        }
        (None, ContainerImage::Built(key)) => {
            Err(Failure { message: format!("the image `{key}` was not built"), help: None })
        }
    }
}

async fn make_volume(raising: &Raising<'_>, volume: &str) -> Result<(), Failure> {
    let name = recipe::volume_name(&raising.marks.project, volume);
    let labels = raising.marks.of_thing().into_iter().map(|(label, value)| (label.to_owned(), value)).collect();
    let request = VolumeCreateRequest { name: Some(name.clone()), labels: Some(labels), ..Default::default() };
    let made = raising.connection.api().create_volume(request).await;
    made.map(drop).map_err(|error| raising.connection.failure(&format!("the volume `{name}` cannot be made"), &error))
}

/// A folder that is not there is made, as `docker run` does it, but as the user's own.
async fn make_folder(connection: &Connection, path: &FilePath) -> Result<(), Failure> {
    if !matches!(connection.address(), Address::Unix(_)) {
        return Ok(());
    }
    match tokio::fs::symlink_metadata(path.as_path()).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            tokio::fs::create_dir_all(path.as_path()).await.map_err(|error| Failure {
                message: format!("`{path}` is not there to be mounted, and cannot be made: {error}"),
                help: Some("make it, or mount something else".to_owned()),
            })
        }
        // The engine says it where there is something against it.
        Ok(_) | Err(_) => Ok(()),
    }
}

fn not_made(connection: &Connection, name: &str, image: &str, error: &Error) -> Failure {
    let failure = connection.failure(&format!("the container `{name}` cannot be made"), error);
    match status(error) {
        Some(409) => Failure {
            message: format!("the container name `{name}` is taken by a container that is not of this project"),
            help: Some(format!("remove that one (`docker rm -f {name}`), or choose another project id (`--project`)")),
        },
        Some(404) if failure.message.contains("No such image") => {
            Failure { message: format!("the image `{image}` is not there any more"), help: None }
        }
        _ => failure,
    }
}

/// Why a container does not start.
pub(super) async fn not_started(raising: &Raising<'_>, name: &str, error: &Error) -> Refused {
    let failure = raising.connection.failure(&format!("the container `{name}` cannot be started"), error);
    if let Some(port) = taken::port_in(&failure.message) {
        return taken::refused(port, raising.connection, raising.resource).await;
    }
    let failure = match PROGRAM.as_ref().and_then(|program| program.captures(&failure.message)) {
        Some(found) => Failure {
            message: format!("the container `{name}` cannot be started: its image has no program `{}`", &found[1]),
            help: Some("look at `command` and `entrypoint`, and at the `PATH` of the image".to_owned()),
        },
        None => failure,
    };
    failure.into()
}
