//! An image registry of a test's own, on loopback: an engine speaks plain HTTP with those.

use super::{Engine, block_on, skip, until};
use bollard::{
    auth::DockerCredentials,
    query_parameters::{PushImageOptionsBuilder, TagImageOptionsBuilder},
};
use futures_util::StreamExt as _;
use std::{
    fs::{self, File},
    path::Path,
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// Debian's `docker-registry`, ended when this is dropped.
pub(crate) struct Registry {
    child: Child,
    address: String,
    folder: TempDir,
}

impl Registry {
    /// Whom a registry with a lock lets in.
    pub(crate) const USER: &str = "ali-baba";
    /// That user's password.
    pub(crate) const PASSWORD: &str = "open sesame";
    /// The password as the registry stores it: bcrypt with the cheapest cost.
    const PASSWORD_HASH: &str = "$2b$04$LPUoE0SH8vDGFO2SxclJo.Sq5cSXeTQOQBZLpDHeaKF/gBphRfCx.";

    /// A registry that anybody may use. None where the program is missing: the test is skipped.
    #[track_caller]
    pub(crate) fn open() -> Option<Self> {
        Self::start(|_| String::new())
    }

    /// One that asks for [`Self::USER`] and [`Self::PASSWORD`].
    #[track_caller]
    pub(crate) fn locked() -> Option<Self> {
        Self::start(|folder| {
            let users = folder.join("users");
            fs::write(&users, format!("{}:{}\n", Self::USER, Self::PASSWORD_HASH)).unwrap();
            format!("auth: {{htpasswd: {{realm: orch-test, path: {}}}}}\n", users.display())
        })
    }

    #[track_caller]
    fn start(more: impl FnOnce(&Path) -> String) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let root = folder.path();
        let settings = format!(
            "version: 0.1\nlog: {{level: info}}\nhttp: {{addr: '127.0.0.1:0'}}\n\
             storage: {{delete: {{enabled: true}}, filesystem: {{rootdirectory: {}}}}}\n{}",
            root.join("images").display(),
            more(root),
        );
        fs::write(root.join("settings.yml"), settings).unwrap();
        let log = root.join("log");
        let child = Command::new("docker-registry")
            .args(["serve".as_ref(), root.join("settings.yml").as_os_str()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn();
        let Ok(child) = child else {
            skip("no `docker-registry` here");
            return None;
        };
        // Dropped, and so ended, if it does not come up.
        let mut registry = Self { child, address: String::new(), folder };
        registry.address = until(
            "the registry",
            || fs::read_to_string(&log).unwrap(),
            || {
                let said = fs::read_to_string(&log).unwrap();
                let (_, rest) = said.split_once("listening on ")?;
                let end = rest.find(|c: char| !c.is_ascii_digit() && !".:".contains(c))?;
                Some(rest[..end].to_owned())
            },
        );
        Some(registry)
    }

    /// Its host and port, the first part of the names of its images.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The tags that it has of an image, by the image's name without the registry; empty if it does not know it.
    pub(crate) fn tags(&self, image: &str) -> Vec<String> {
        let folder = self.folder.path().join(format!("images/docker/registry/v2/repositories/{image}/_manifests/tags"));
        let entries = fs::read_dir(folder).into_iter().flatten();
        let mut tags: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        tags.sort();
        tags
    }

    /// Pushes the base image to it under that name, which the engine has then too.
    pub(crate) fn fill(&self, engine: &Engine, image: &str) {
        let (repository, tag) = image.rsplit_once(':').unwrap();
        // One that asks for no user takes any.
        let user = DockerCredentials {
            username: Some(Self::USER.to_owned()),
            password: Some(Self::PASSWORD.to_owned()),
            ..DockerCredentials::default()
        };
        block_on(async {
            let name = TagImageOptionsBuilder::default().repo(repository).tag(tag).build();
            engine.docker().tag_image(&Engine::base(), Some(name)).await.unwrap();
            let options = PushImageOptionsBuilder::default().tag(tag).build();
            let mut answers = engine.docker().push_image(repository, Some(options), Some(user));
            while let Some(answer) = answers.next().await {
                assert!(answer.is_ok_and(|answer| answer.error_detail.is_none()), "{}", self.log());
            }
        });
    }

    /// All that it logged, one line a request.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
