//! What orch has the compose tool do, on a real engine: the project is read from its files as in a session.

mod build;
mod owner;
mod raise;

use super::{Container, Engine, block_on, has_compose, skip};
use crate::{
    process::{Screen, processes},
    sandbox::Sandbox,
};
use orch::{
    engine::RaiseOrder,
    host::{
        docker::{
            Connection, Docker, Surroundings,
            compose::{Compose, Raising},
            marks::Marks,
            taken::Refused,
        },
        process::{OutputSink, Processes},
    },
    model::{ContainerSource, Digest, FilePath, Project, ProjectId, ResourceName},
    orchfile::{LoadRequest, LocalSources, SourceCommand, SourceOutput, load},
};
use std::{
    collections::BTreeMap,
    io::Write as _,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

/// The shared engine, where there is a compose tool too.
#[track_caller]
fn engine_with_compose() -> Option<Engine> {
    if !has_compose() {
        skip("no compose tool");
        return None;
    }
    Engine::shared()
}

/// A compose project in a folder, and orch as it would raise it.
struct Stage<'e> {
    engine: &'e Engine,
    sandbox: Sandbox,
    compose: Compose,
    connection: Connection,
    processes: Arc<Processes>,
    marks: Marks,
    project: Project,
}

/// What came of one raise, with what was said.
struct Raised {
    result: Result<(), Refused>,
    said: String,
}

impl Raised {
    #[track_caller]
    fn well(self) -> String {
        assert!(self.result.is_ok(), "{:?}\n{}", self.result, self.said);
        self.said
    }

    /// The port that somebody else has, where that is why it was refused.
    fn port(&self) -> Option<u16> {
        self.result.as_ref().err()?.port
    }

    #[track_caller]
    fn refused(self) -> String {
        let Refused { failure, .. } = self.result.expect_err(&self.said);
        format!("{}; {}", failure.message, failure.help.unwrap_or_default())
    }
}

impl<'e> Stage<'e> {
    /// The project with that compose file. `BASE` in it is the base image, `ID` what marks the test.
    fn new(engine: &'e Engine, compose_file: &str) -> Self {
        let sandbox =
            engine.sandbox(&format!("docker_compose('compose.yaml', project_name='{}')", engine.name("shop")));
        Self::in_sandbox(engine, sandbox, compose_file)
    }

    fn in_sandbox(engine: &'e Engine, sandbox: Sandbox, compose_file: &str) -> Self {
        let file = compose_file.replace("BASE", &Engine::base()).replace("ID", engine.id());
        sandbox.write("compose.yaml", &file);
        let surroundings = Surroundings { host: Some(engine.address().to_owned()), ..Surroundings::default() };
        let docker = Docker::new(surroundings);
        let connection = block_on(async { docker.connection().await.cloned() }).unwrap();
        let root = FilePath::new(sandbox.root());
        let marks = Marks { project: ProjectId::of_folder(&root), root };
        let project = loaded(&sandbox, engine);
        let (compose, processes) = (Compose::default(), Arc::new(processes()));
        Self { engine, sandbox, compose, connection, processes, marks, project }
    }

    /// Reads the project's files again.
    fn edit(&mut self, from: &str, to: &str) {
        let text = self.sandbox.read("compose.yaml");
        assert!(text.contains(from), "{text}");
        self.sandbox.write("compose.yaml", &text.replace(from, to));
        self.project = loaded(&self.sandbox, self.engine);
    }

    fn order(&self, service: &str) -> RaiseOrder {
        let resource = self.project.resources.iter().find(|resource| resource.name.as_str() == service).unwrap();
        let container = resource.kind.container().unwrap();
        let ContainerSource::Compose { definition, .. } = &container.source else { panic!("{container:?}") };
        RaiseOrder {
            container: Arc::new(container.clone()),
            compose: Some(self.project.compose[0].clone()),
            image: None,
            fingerprint: Digest::of(definition.as_bytes()),
            replace: false,
            environment: environment(&self.sandbox, self.engine),
        }
    }

    fn raise(&self, service: &str) -> Raised {
        self.raise_as(service, &self.order(service))
    }

    fn raise_as(&self, service: &str, order: &RaiseOrder) -> Raised {
        block_on(self.raising(service, order))
    }

    async fn raising(&self, service: &str, order: &RaiseOrder) -> Raised {
        let screen = Screen::new();
        let raising = Raising {
            connection: &self.connection,
            processes: &self.processes,
            marks: &self.marks,
            resource: &ResourceName::parse(service).unwrap(),
            order,
            grace: Duration::from_secs(1),
            sink: screen.clone() as Arc<dyn OutputSink>,
        };
        let result = self.compose.raise(&raising).await;
        Raised { result, said: screen.text() }
    }

    fn container(&self, service: &str) -> Container {
        self.engine.container(service).unwrap_or_else(|| panic!("no container of {service}: {}", self.engine.said()))
    }
}

/// What the tool finds in its environment: the engine, and a folder with its plugins.
fn environment(sandbox: &Sandbox, engine: &Engine) -> BTreeMap<String, Option<String>> {
    let config = sandbox.home().join(".docker").to_str().unwrap().to_owned();
    let host = engine.address().to_owned();
    BTreeMap::from([("DOCKER_CONFIG".to_owned(), Some(config)), ("DOCKER_HOST".to_owned(), Some(host))])
}

fn loaded(sandbox: &Sandbox, engine: &Engine) -> Project {
    let request = LoadRequest {
        file: FilePath::new(sandbox.path("Orchfile")),
        args: Vec::new(),
        subcommand: "up".to_owned(),
        kube: orch::orchfile::KubeWish::default(),
        environment: std::env::vars().collect(),
        limits: orch::orchfile::Limits::default(),
    };
    let extra = environment(sandbox, engine);
    let sources = LocalSources::new(move |command| run(command, &extra), drop);
    let loaded = load(&request, &sources);
    loaded.project.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics))
}

fn run(command: &SourceCommand, extra: &BTreeMap<String, Option<String>>) -> std::io::Result<SourceOutput> {
    let mut process = Command::new(&command.argv[0]);
    process.args(&command.argv[1..]).current_dir(&command.dir);
    for (name, value) in extra.iter().chain(&command.env) {
        match value {
            Some(value) => process.env(name, value),
            None => process.env_remove(name),
        };
    }
    let mut child = process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    child.stdin.take().unwrap().write_all(command.stdin.clone().unwrap_or_default().as_bytes())?;
    let output = child.wait_with_output()?;
    Ok(SourceOutput { code: output.status.code().unwrap_or(-1), stdout: output.stdout, stderr: output.stderr })
}
