//! `orch down` where the Orchfile is of no help: what the project has on Docker is known by its labels.

use super::{error::CliError, live, print};
use crate::{
    host::docker::{
        Docker, Surroundings,
        remove::{self, ComposeProjects},
    },
    model::{ProjectId, ResourceName},
};
use std::{collections::BTreeSet, time::Duration};

/// How long a container may take to end.
const GRACE: Duration = Duration::from_secs(10);

/// What is removed.
pub(super) struct Marked<'a> {
    /// Whose it is.
    pub(super) project: &'a ProjectId,
    /// Only that of these resources; none is all.
    pub(super) names: &'a BTreeSet<ResourceName>,
    /// Named volumes too.
    pub(super) volumes: bool,
    /// Whether there surely is something, so that Docker is needed.
    pub(super) expected: bool,
}

impl Marked<'_> {
    /// Removes it. Without a Docker Engine there is nothing to remove, unless something is expected.
    pub(super) fn remove(&self) -> Result<(), CliError> {
        live::block_on(async {
            let docker = Docker::new(Surroundings::of_this_process());
            let connection = match docker.connection().await {
                Ok(connection) => connection,
                Err(failure) if self.expected => return Err(failure.into()),
                Err(_) => return Ok(()),
            };
            for name in self.names {
                remove::of_resource(connection, self.project, name, GRACE).await?;
            }
            if self.names.is_empty() {
                let projects = ComposeProjects::new();
                for line in remove::all(connection, self.project, projects, GRACE, self.volumes).await? {
                    print::to_stderr(&format!("orch: {line}\n"));
                }
            }
            Ok(())
        })
    }
}
