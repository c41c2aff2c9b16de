//! `orch down` where the Orchfile is of no help: what the project has on Docker, and on the cluster that the last session used, is known
//! by its labels. That cluster was allowed by the Orchfile then; no other is asked.

use super::{error::CliError, live, print};
use crate::{
    host::{
        docker::{
            Docker, Surroundings,
            remove::{self, ComposeProjects},
        },
        kube::{Connection, delete, marks::Marks},
    },
    model::{Cluster, FilePath, ProjectId, ResourceName},
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
    /// On the cluster.
    pub(super) objects: Option<Objects<'a>>,
}

/// Objects on a cluster.
pub(super) struct Objects<'a> {
    /// Which cluster.
    pub(super) cluster: &'a Cluster,
    /// The context that the user names, if one is named.
    pub(super) wished: Option<&'a str>,
    /// The folder of the Orchfile.
    pub(super) root: &'a FilePath,
    /// Namespaces too.
    pub(super) namespaces: bool,
}

impl Marked<'_> {
    /// Removes it. Without a Docker Engine there is nothing to remove, unless something is expected.
    pub(super) fn remove(&self) -> Result<(), CliError> {
        // What is on the one is removed whatever becomes of the other.
        let containers = self.remove_containers();
        if let Some(objects) = &self.objects {
            self.delete(objects)?;
        }
        containers
    }

    fn delete(&self, objects: &Objects<'_>) -> Result<(), CliError> {
        let Objects { cluster, wished, root, namespaces } = objects;
        if let Some(wished) = wished.filter(|wished| *wished != cluster.context) {
            let text =
                format!("the objects of this project are in the context `{}`, not in `{wished}`", cluster.context);
            return Err(CliError::usage(text).with_help("without a working Orchfile no other context can be allowed"));
        }
        let marks = Marks { project: self.project.clone(), root: (*root).clone() };
        live::block_on(async {
            let connection = Connection::make_again(cluster).await?;
            for line in delete::by_marks(&connection, &marks, self.names, *namespaces).await? {
                print::to_stderr(&format!("orch: {line}\n"));
            }
            Ok(())
        })
    }

    fn remove_containers(&self) -> Result<(), CliError> {
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
