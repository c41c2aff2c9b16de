//! What is wrong with a resource, for the verdict.

use super::{
    super::{Hold, Row, RowKind, Step, Trouble},
    container, exit, exit_of, hold,
};
use crate::model::{ContainerPhase, Exit, Failure, FilePath, ImageKey, Time};

/// What is wrong: `command failed: exit code 1`. The row tells what kind of thing it is.
pub fn trouble(trouble: &Trouble, row: Option<&Row>, root: &FilePath, now: Time) -> String {
    let noun = match row.map(|row| row.kind) {
        Some(RowKind::Container) => "container",
        Some(RowKind::Kubernetes) => "pod",
        Some(RowKind::Local) | None => "server",
    };
    match trouble {
        Trouble::RunFailed(how) => run_failed(how, row.filter(|row| row.kind != RowKind::Local)),
        Trouble::ImageFailed(image, how) => format!("image {image} could not be built: {}", exit(how)),
        Trouble::InstanceEnded(Exit::NotStarted(failure)) => format!("{noun} not started: {}", failure.message),
        Trouble::InstanceEnded(how) => format!("{noun} ended: {}", row.and_then(ended).unwrap_or_else(|| exit(how))),
        Trouble::NotReady(None) => format!("{noun} did not become ready"),
        Trouble::NotReady(Some(why)) if noun == "pod" => format!("not ready: {why}"),
        Trouble::NotReady(Some(check)) => format!("{noun} did not become ready: {check}"),
        Trouble::Held(Hold::ImageFailed(image)) => image_failed(image, row),
        Trouble::Held(why) => hold(why, root, now),
        Trouble::Skipped(why) => format!("skipped: {}", hold(why, root, now)),
        Trouble::Unfinished => "had not ended".to_owned(),
        Trouble::Refused(failure) => failure.message.clone(),
    }
}

/// What to do about it, where that is known.
pub fn remedy<'a>(trouble: &'a Trouble, row: Option<&'a Row>) -> Option<&'a str> {
    let failure = match trouble {
        Trouble::RunFailed(exit) | Trouble::InstanceEnded(exit) | Trouble::ImageFailed(_, exit) => failure(exit),
        Trouble::Refused(failure) => Some(failure),
        Trouble::Held(Hold::ImageFailed(image)) => failure(image_exit(image, row)?),
        Trouble::NotReady(_) | Trouble::Held(_) | Trouble::Skipped(_) | Trouble::Unfinished => None,
    };
    failure?.help.as_deref()
}

fn failure(exit: &Exit) -> Option<&Failure> {
    match exit {
        Exit::NotStarted(failure) => Some(failure),
        Exit::Code(_) | Exit::Signal(_) | Exit::Stopped => None,
    }
}

fn run_failed(how: &Exit, container: Option<&Row>) -> String {
    let Some(row) = container else {
        return match how {
            Exit::NotStarted(failure) => format!("command not started: {}", failure.message),
            Exit::Code(_) | Exit::Signal(_) | Exit::Stopped => format!("command failed: {}", exit(how)),
        };
    };
    let run = row.runs.first();
    let what = match run.map(|run| run.step) {
        Some(Step::LiveUpdate) => "live update failed",
        Some(Step::Teardown) if row.kind == RowKind::Kubernetes => "its objects not deleted",
        Some(Step::Teardown) => "container not removed",
        Some(Step::Apply) => "not applied",
        Some(Step::Command | Step::Build | Step::Container) | None => "container not started",
    };
    format!("{what}: {}", run.map_or_else(|| exit(how), |run| exit_of(run, how)))
}

/// How the containers of a row ended, where one did.
fn ended(row: &Row) -> Option<String> {
    let containers = &row.instance.as_ref()?.containers;
    let ended = containers.iter().find(|state| matches!(state.phase, ContainerPhase::Exited { code: 1.., .. }));
    ended.map(container)
}

fn image_exit<'a>(image: &ImageKey, row: Option<&'a Row>) -> Option<&'a Exit> {
    let image = row?.images.iter().find(|found| found.image == *image)?;
    image.last_run.as_ref()?.exit.as_ref()
}

fn image_failed(image: &ImageKey, row: Option<&Row>) -> String {
    let how = image_exit(image, row).map(|how| format!(": {}", exit(how))).unwrap_or_default();
    format!("image {image} could not be built{how}")
}
