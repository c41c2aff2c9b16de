//! How runs are said: what starts, what came of it.

use super::{
    super::{Cause, RowKind, RunRow, Step},
    cause, duration, exit,
};
use crate::model::{Exit, FilePath, ImageKey};

/// What a run is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    /// A command, or a server.
    Local,
    /// The containers of a resource.
    Container,
    /// The objects of a resource in a cluster.
    Objects,
    /// An image.
    Image(&'a ImageKey),
}

impl Subject<'_> {
    /// What the runs of a resource are about.
    #[must_use]
    pub fn of(kind: RowKind) -> Self {
        match kind {
            RowKind::Local => Self::Local,
            RowKind::Container => Self::Container,
            RowKind::Kubernetes => Self::Objects,
        }
    }
}

/// What is said when a run starts: `live update: 1 file changed: main.py`.
pub fn run_starts(run: &RunRow, subject: Subject<'_>, root: &FilePath) -> String {
    let what = match (run.step, subject) {
        (Step::Build, Subject::Image(image)) => format!("building image {image}"),
        (Step::Container, _) => "starting container".to_owned(),
        (Step::Apply, _) => "applying".to_owned(),
        (Step::LiveUpdate, _) => "live update".to_owned(),
        (Step::Teardown, Subject::Container) => return "removing container".to_owned(),
        (Step::Teardown, Subject::Objects) => return "deleting its objects".to_owned(),
        (Step::Command | Step::Build | Step::Teardown, _) => "started".to_owned(),
    };
    match &run.cause {
        Cause::First | Cause::Needed(_) => what,
        why => format!("{what}: {}", cause(why, root)),
    }
}

/// What is said when a run succeeded: `image api built in 3.1s`.
pub fn run_succeeded(run: &RunRow, subject: Subject<'_>) -> String {
    let took = took(run);
    match (run.step, subject) {
        (Step::Build, Subject::Image(image)) => format!("image {image} built in {took}"),
        (Step::Container, _) => format!("container started in {took}"),
        (Step::Apply, _) => format!("applied in {took}"),
        (Step::LiveUpdate, _) => format!("updated in place in {took}"),
        (Step::Teardown, Subject::Container) => format!("container removed in {took}"),
        (Step::Teardown, Subject::Objects) => format!("its objects deleted in {took}"),
        (Step::Command | Step::Build | Step::Teardown, _) => format!("succeeded in {took}"),
    }
}

/// What is said when a run failed: `building image api failed: exit code 1 after 2.0s`.
pub fn run_failed(run: &RunRow, subject: Subject<'_>, how: &Exit) -> String {
    if let Exit::NotStarted(failure) = how {
        let what = match (run.step, subject) {
            (Step::Build, Subject::Image(image)) => format!("image {image} not built"),
            (Step::Container, _) => "container not started".to_owned(),
            (Step::Apply, _) => "not applied".to_owned(),
            (Step::LiveUpdate, _) => "not updated in place".to_owned(),
            (Step::Teardown, Subject::Container) => "container not removed".to_owned(),
            (Step::Teardown, Subject::Objects) => "its objects not deleted".to_owned(),
            (Step::Command | Step::Build | Step::Teardown, _) => "not started".to_owned(),
        };
        return format!("{what}: {}", failure.message);
    }
    let what = match (run.step, subject) {
        (Step::Build, Subject::Image(image)) => format!("building image {image} failed"),
        (Step::Container, _) => "starting container failed".to_owned(),
        (Step::Apply, _) => "applying failed".to_owned(),
        (Step::LiveUpdate, _) => "live update failed".to_owned(),
        (Step::Teardown, Subject::Container) => "removing container failed".to_owned(),
        (Step::Teardown, Subject::Objects) => "deleting its objects failed".to_owned(),
        (Step::Command | Step::Build | Step::Teardown, _) => "failed".to_owned(),
    };
    format!("{what}: {} after {}", exit_of(run, how), took(run))
}

/// How a run ended: `` `make test` ended with exit code 1 `` where a command of several failed.
pub fn exit_of(run: &RunRow, how: &Exit) -> String {
    match &run.failed_command {
        Some(command) if matches!(how, Exit::Signal(_)) => format!("`{command}` was {}", exit(how)),
        Some(command) => format!("`{command}` ended with {}", exit(how)),
        None => exit(how),
    }
}

/// What a run did, after its name: `ran`, `built its image`.
pub fn did(step: Step, subject: Subject<'_>) -> &'static str {
    match (step, subject) {
        (Step::Build, _) => "was built",
        (Step::Container, _) => "had its container started",
        (Step::Apply, _) => "was applied",
        (Step::LiveUpdate, _) => "was updated in place",
        (Step::Teardown, Subject::Container) => "had its container removed",
        (Step::Teardown, Subject::Objects) => "had its objects deleted",
        (Step::Command | Step::Teardown, _) => "ran",
    }
}

/// What a run that goes on does: `builds the image api`.
pub fn does(step: Step, subject: Subject<'_>) -> String {
    match (step, subject) {
        (Step::Build, Subject::Image(image)) => format!("builds image {image}"),
        (Step::Container, _) => "starts its container".to_owned(),
        (Step::Apply, _) => "is being applied".to_owned(),
        (Step::LiveUpdate, _) => "is updated in place".to_owned(),
        (Step::Teardown, Subject::Container) => "removes its container".to_owned(),
        (Step::Teardown, Subject::Objects) => "deletes its objects".to_owned(),
        (Step::Command | Step::Build | Step::Teardown, _) => "runs".to_owned(),
    }
}

fn took(run: &RunRow) -> String {
    duration(run.ended_at.unwrap_or(run.started_at).since(run.started_at))
}
