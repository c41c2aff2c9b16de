//! Images made on a real engine.

mod custom;
mod dockerfiles;
mod endings;
mod failures;
mod offers;
mod pruning;
mod registries;
mod wire;

use super::{Engine, block_on};
use crate::process::{Screen, processes};
use bollard::{models::ContainerCreateBody, query_parameters::LogsOptionsBuilder};
use futures_util::StreamExt as _;
use orch::{
    engine::BuildOrder,
    host::docker::{
        Docker, Surroundings,
        build::{BuildFailure, Log, Tools, Turns, build},
        compose::Compose,
        credentials::Credentials,
    },
    model::{Build, Built, DockerBuild, FilePath, FileSet, IgnoreRule, Image, ImageKey},
};
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;

/// Images are built here: an engine, a folder, and what the last build said.
struct Workshop<'a> {
    engine: &'a Engine,
    folder: TempDir,
    environment: BTreeMap<String, Option<String>>,
    screen: Arc<Screen>,
    tools: Tools,
}

impl<'a> Workshop<'a> {
    fn new(engine: &'a Engine) -> Self {
        let folder = TempDir::new().unwrap();
        let config = folder.path().join("config");
        let processes = Arc::new(processes());
        let docker = Docker::new(Surroundings { host: Some(engine.address().to_owned()), ..Default::default() });
        let connection = block_on(docker.connection()).unwrap().clone();
        let credentials = Credentials::new(Some(config), processes.clone());
        let dir = FilePath::new(folder.path());
        let compose = Compose::default();
        let turns = Turns::default();
        let tools = Tools { connection, processes, credentials, compose, turns, dir, defaults: &[] };
        fs::create_dir(folder.path().join("app")).unwrap();
        Self { engine, folder, environment: BTreeMap::new(), screen: Screen::new(), tools }
    }

    /// One whose engine is reached through this socket.
    fn through(engine: &'a Engine, socket: &Path) -> Self {
        let mut shop = Self::new(engine);
        let address = format!("unix://{}", socket.display());
        let docker = Docker::new(Surroundings { host: Some(address), ..Default::default() });
        shop.tools.connection = block_on(docker.connection()).unwrap().clone();
        shop
    }

    /// One in which builds have this in `DOCKER_BUILDKIT`.
    fn with_builder(engine: &'a Engine, builder: &str) -> Self {
        let mut shop = Self::new(engine);
        shop.environment.insert("DOCKER_BUILDKIT".to_owned(), Some(builder.to_owned()));
        shop
    }

    /// Writes a file of the context.
    fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join("app").join(path)
    }

    /// A build of the context with this Dockerfile, in which `BASE` is the base image, and `ID` what no other build has.
    fn docker_build(&self, dockerfile: &str) -> DockerBuild {
        let dockerfile = dockerfile.replace("BASE", &Engine::base()).replace("=ID", &format!("={}", self.engine.id()));
        let path = self.write("Dockerfile", &dockerfile);
        docker_build(&self.path(""), &dockerfile, Some(&path))
    }

    fn order(&self, build: Build) -> BuildOrder {
        let repository = self.engine.name("app");
        BuildOrder {
            image: Arc::new(image(&repository, build)),
            bases: BTreeMap::new(),
            environment: self.environment.clone(),
            compose: None,
            grace: Duration::from_secs(5),
        }
    }

    fn run(&mut self, order: &BuildOrder) -> Result<Built, BuildFailure> {
        self.screen = Screen::new();
        block_on(build(&self.tools, order, &Log::new(self.screen.clone())))
    }

    fn build(&mut self, recipe: DockerBuild) -> Result<Built, BuildFailure> {
        let order = self.order(Build::Docker(Box::new(recipe)));
        self.run(&order)
    }

    #[track_caller]
    fn built(&mut self, recipe: DockerBuild) -> Built {
        let built = self.build(recipe);
        built.unwrap_or_else(|failure| panic!("{failure:?}\n{}", self.said()))
    }

    #[track_caller]
    fn fails(&mut self, recipe: DockerBuild) -> BuildFailure {
        self.build(recipe).expect_err("it was built")
    }

    fn said(&self) -> String {
        self.screen.text()
    }

    /// The files of an image below a folder, one line each: type and permissions, owner, size, name, where a link leads.
    fn files(&self, built: &Built, folder: &str) -> Vec<String> {
        let listed = self.shell(built, &format!("cd {folder} && find . | sort | xargs ls -dln"));
        let line = |line: &str| {
            let words: Vec<_> = line.split_whitespace().collect();
            let (kind, rest) = (words[0], [&words[2..4], &words[8..]].concat());
            format!("{kind} {}", rest.join(" "))
        };
        listed.lines().map(line).collect()
    }

    /// What a command in a container of the image says.
    fn shell(&self, built: &Built, script: &str) -> String {
        let docker = self.engine.docker();
        block_on(async {
            let body = ContainerCreateBody {
                image: Some(built.reference.clone()),
                entrypoint: Some(vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()]),
                labels: Some(HashMap::from([("test".to_owned(), self.engine.id().to_owned())])),
                ..Default::default()
            };
            let made = docker.create_container(None, body).await.unwrap().id;
            docker.start_container(&made, None).await.unwrap();
            docker.wait_container(&made, None).for_each(async |_| {}).await;
            let options = LogsOptionsBuilder::default().stdout(true).stderr(true).build();
            let said: Vec<_> = docker.logs(&made, Some(options)).map(|line| line.unwrap().to_string()).collect().await;
            docker.remove_container(&made, None).await.unwrap();
            said.concat()
        })
    }
}

fn docker_build(context: &Path, dockerfile: &str, path: Option<&Path>) -> DockerBuild {
    DockerBuild {
        context: FilePath::new(context),
        dockerfile: dockerfile.to_owned(),
        dockerfile_path: path.map(FilePath::new),
        ignore: Vec::new(),
        build_args: BTreeMap::new(),
        target: String::new(),
        secrets: Vec::new(),
        ssh: Vec::new(),
        network: String::new(),
        extra_tags: Vec::new(),
        cache_from: Vec::new(),
        pull: false,
        platform: String::new(),
        extra_hosts: Vec::new(),
        service: None,
    }
}

fn image(repository: &str, build: Build) -> Image {
    Image {
        key: ImageKey(repository.into()),
        exact: false,
        declared_at: None,
        build,
        inputs: Arc::new(FileSet::default()),
        bases: Vec::new(),
        repository: repository.to_owned(),
        tag_prefix: String::new(),
        push: false,
        live_update: None,
        match_in_env_vars: false,
        entrypoint: None,
        container_args: None,
    }
}

fn ignoring(context: &FilePath, patterns: &[&str]) -> Arc<IgnoreRule> {
    Arc::new(IgnoreRule::new(context.clone(), patterns.iter().map(|&pattern| pattern.to_owned()).collect()))
}
