//! The Docker Engine that all tests share, as one test sees it.

use super::{Container, belongings, block_on, skip, until};
use crate::sandbox::{Sandbox, Session};
use bollard::{API_DEFAULT_VERSION, Docker};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Once,
        atomic::{AtomicU32, Ordering},
    },
};

/// The compose tool, as a plugin.
const COMPOSE: &str = "docker-compose";
/// How long the engine may take for one answer, in seconds.
const PATIENCE_SECS: u64 = 60;

/// An engine, with the id that marks what one test makes on it. All of that is removed when this is dropped.
pub(crate) struct Engine {
    docker: Docker,
    address: String,
    id: String,
}

impl Engine {
    /// The shared engine. None where there is none: the test says so and ends, or fails where it may not be skipped.
    #[track_caller]
    pub(crate) fn shared() -> Option<Self> {
        static SWEPT: Once = Once::new();
        let address = std::env::var("ORCH_TEST_DOCKER_HOST").unwrap_or("unix:///var/run/docker.sock".to_owned());
        let engine = match Self::at(&address) {
            Ok(engine) => engine,
            Err(reason) => {
                skip(&reason);
                return None;
            }
        };
        if block_on(engine.docker.inspect_image(&Self::base())).is_err() {
            skip(&format!("no image `{}`", Self::base()));
            return None;
        }
        SWEPT.call_once(|| belongings::remove_of_dead_tests(&engine.docker));
        Some(engine)
    }

    /// The engine that answers at an address like `unix:///var/run/docker.sock`.
    pub(super) fn at(address: &str) -> Result<Self, String> {
        static TESTS: AtomicU32 = AtomicU32::new(0);
        let docker = Docker::connect_with_unix(address, PATIENCE_SECS, API_DEFAULT_VERSION)
            .map_err(|error| format!("no Docker Engine at `{address}`: {error}"))?;
        let docker = block_on(docker.negotiate_version())
            .map_err(|error| format!("the Docker Engine at `{address}` does not answer: {error}"))?;
        let id = belongings::id_of_test(std::process::id(), TESTS.fetch_add(1, Ordering::Relaxed));
        Ok(Self { docker, address: address.to_owned(), id })
    }

    /// The engine's API. Its calls are awaited within [`block_on`], or within a runtime of the test's own.
    pub(crate) fn docker(&self) -> &Docker {
        &self.docker
    }

    /// Its address, as `DOCKER_HOST` has it.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The image to build upon: busybox, its programs in `/bin`.
    pub(crate) fn base() -> String {
        std::env::var("ORCH_TEST_BASE_IMAGE").unwrap_or("orch-test-base:local".to_owned())
    }

    /// What every name or label of this test's things must hold: lower-case letters and digits.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// A name of this test's own, for an image, a container, a network, a volume or a compose project.
    pub(crate) fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.id)
    }

    /// A folder in which the real orch runs on this engine, with the client's plugins. Its name holds the test's id, and so does
    /// whatever orch makes for it.
    pub(crate) fn sandbox(&self, orchfile: &str) -> Sandbox {
        let sandbox = Sandbox::named(&self.id).env("DOCKER_HOST", self.address());
        sandbox.write("Orchfile", orchfile);
        link_plugins(&sandbox.home().join(".docker"));
        sandbox
    }

    /// The test's containers, also those that have ended, in the order of their names.
    pub(crate) fn containers(&self) -> Vec<Container> {
        belongings::containers(&self.docker, |text| text.contains(&self.id))
    }

    /// The container of that resource, service or name.
    pub(crate) fn container(&self, name: &str) -> Option<Container> {
        self.containers().into_iter().find(|container| container.is_called(name))
    }

    /// All that the test has on the engine, one line each, in order; empty when nothing is left.
    pub(crate) fn belongings(&self) -> Vec<String> {
        let all = belongings::all(&self.docker, |text| text.contains(&self.id));
        let mut lines: Vec<_> = all.iter().map(ToString::to_string).collect();
        lines.sort();
        lines
    }

    /// Waits until `check` has an answer. If it does not come, fails with all that orch and the containers said.
    #[track_caller]
    pub(crate) fn until<T>(&self, what: &str, session: &mut Session, mut check: impl FnMut(&Self) -> Option<T>) -> T {
        until(what, || format!("{}\n{}", session.said(), self.said()), || check(self))
    }

    /// Waits until the container of that name `is_so`.
    #[track_caller]
    pub(crate) fn until_container(
        &self,
        name: &str,
        what: &str,
        session: &mut Session,
        is_so: impl Fn(&Container) -> bool,
    ) -> Container {
        self.until(&format!("container `{name}` {what}"), session, |engine| engine.container(name).filter(&is_so))
    }

    /// What each container is and said, for messages.
    pub(crate) fn said(&self) -> String {
        let containers = self.containers();
        containers.iter().map(|it| format!("---- {it} ----\n{}---- end ----\n", self.logs(it))).collect()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        belongings::remove(&self.docker, |text| text.contains(&self.id));
    }
}

/// Makes the client's plugins known where the program that a test runs looks for them: in `cli-plugins` of the client's folder.
pub(crate) fn link_plugins(client: &Path) {
    let folder = client.join("cli-plugins");
    fs::create_dir_all(&folder).unwrap();
    for plugin in [COMPOSE, "docker-buildx"] {
        if let Some(found) = plugin_of(plugin) {
            std::os::unix::fs::symlink(found.canonicalize().unwrap(), folder.join(plugin)).unwrap();
        }
    }
}

/// Whether there is a compose tool.
pub(crate) fn has_compose() -> bool {
    plugin_of(COMPOSE).is_some()
}

fn plugin_of(name: &str) -> Option<PathBuf> {
    plugin_folders().map(|folder| folder.join(name)).find(|path| path.exists())
}

fn plugin_folders() -> impl Iterator<Item = PathBuf> {
    let given = std::env::var_os("ORCH_TEST_DOCKER_PLUGINS").map(PathBuf::from);
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    let known = [home.join(".cache/orch-test/cli-plugins"), home.join(".docker/cli-plugins")];
    let system = ["/usr/local/lib", "/usr/local/libexec", "/usr/lib", "/usr/libexec"]
        .map(|folder| Path::new(folder).join("docker/cli-plugins"));
    given.into_iter().chain(known).chain(system)
}
