//! The last column of the list: the one thing most worth knowing of a resource, in as many words as there is room for.

use super::{
    list::{Need, last_run, need},
    look::Tone,
    text::columns,
};
use crate::{
    model::{ContainerPhase, ContainerState, Exit, FilePath, ImageKey, Link, PodState, ResourceName, Time},
    snapshot::{Cause, Hold, InstanceRow, Row, RunRow, RuntimeStatus, UpdateStatus, words},
};

/// The cause of what goes on, the hold, what went wrong, else where it can be reached: in `width` columns, if one way to say it fits.
#[must_use]
pub fn note(row: &Row, root: &FilePath, now: Time, width: usize) -> (String, Tone) {
    let (mut ways, tone) = said(row, root, now);
    let fits = ways.iter().position(|text| columns(text) <= width).unwrap_or(ways.len().saturating_sub(1));
    let best = if ways.is_empty() { String::new() } else { ways.swap_remove(fits) };
    (best, tone)
}

/// Ways to say it, the longest first; where none fits, the end of the last is what matters least.
fn said(row: &Row, root: &FilePath, now: Time) -> (Vec<String>, Tone) {
    let build = row.images.iter().find_map(|image| image.current_run.as_ref());
    if let Some(run) = row.current_run.as_ref().or(build) {
        return (cause(&run.cause, root), Tone::Plain);
    }
    if let Some(hold) = row.hold.as_ref().filter(|hold| !matches!(hold, Hold::Failed)) {
        let tone = if need(row) == Need::Bad { Tone::Bad } else { Tone::Dim };
        return (held(row, hold, root, now), tone);
    }
    if row.update == UpdateStatus::Error {
        return (last_run(row).map(failure).unwrap_or_default(), Tone::Bad);
    }
    if let Some(text) = server_trouble(row) {
        return (vec![text], if row.runtime == RuntimeStatus::Error { Tone::Bad } else { Tone::Dim });
    }
    if let Some(link) = row.links.first() {
        return (endpoint(link, row.links.len() - 1), Tone::Dim);
    }
    let of_server = row.instance.as_ref().and_then(|instance| instance.cause.as_ref());
    let why = of_server.or_else(|| row.runs.first().map(|run| &run.cause));
    (why.map(|why| cause(why, root)).unwrap_or_default(), Tone::Dim)
}

/// How a run failed; which command of several, where there is room for it.
fn failure(run: &RunRow) -> Vec<String> {
    run.exit.iter().flat_map(|exit| [words::exit_of(run, exit), words::exit(exit)]).collect()
}

fn cause(cause: &Cause, root: &FilePath) -> Vec<String> {
    let mut ways = vec![words::cause(cause, root)];
    match cause {
        Cause::First => ways.push("first run".to_owned()),
        Cause::Files { paths, count } | Cause::Outputs { paths, count } => {
            if let Some(first) = paths.first() {
                let more = count.saturating_sub(1);
                let more = if more == 0 { String::new() } else { format!(" +{more}") };
                ways.push(format!("{}{more}", first.display_from(root)));
                ways.push(format!("{}{more}", first.as_path().file_name().unwrap_or_default().to_string_lossy()));
            }
        }
        _ => {}
    }
    ways
}

fn held(row: &Row, hold: &Hold, root: &FilePath, now: Time) -> Vec<String> {
    let whole = words::hold(hold, root, now);
    match hold {
        Hold::ImageFailed(image) => build_failure(row, image).unwrap_or_else(|| vec![whole]),
        Hold::Dependency { on, because, .. } if !because.is_empty() => {
            vec![whole, format!("waits for {on} ({because})"), format!("waits for {on}")]
        }
        Hold::Dependency { on, .. } => vec![whole, format!("waits for {on}")],
        Hold::Writer(writer) => vec![whole, format!("waits for {writer}")],
        Hold::WriterFailed(writer) => {
            vec![whole, format!("waits for {writer}, which failed"), format!("{writer} failed")]
        }
        Hold::Exclusive(other) => vec![whole, format!("waits for {other}")],
        Hold::Backoff { .. } | Hold::Ended => match ended(row) {
            Some(exit) => vec![format!("{exit}; {whole}"), exit],
            None => vec![whole],
        },
        Hold::Stopped => vec![whole, "stopped".to_owned()],
        Hold::Disabled if !row.disabled_with.is_empty() => {
            let with: Vec<&str> = row.disabled_with.iter().map(ResourceName::as_str).collect();
            vec![format!("disabled with {}", words::first_of(&with)), "disabled".to_owned()]
        }
        _ => vec![whole],
    }
}

/// How what it served ended, where that was not as it should be.
fn ended(row: &Row) -> Option<String> {
    let instance = row.instance.as_ref()?;
    let exit = instance.exit.as_ref().filter(|exit| !exit.is_success() && **exit != Exit::Stopped);
    starved(instance).or(exit.map(words::exit))
}

/// Why the image is not there; that it is waited for goes without saying.
fn build_failure(row: &Row, image: &ImageKey) -> Option<Vec<String>> {
    let image = row.images.iter().find(|found| found.image == *image)?;
    let mut ways = image.last_run.as_ref().map(failure)?;
    let whose = format!("image {}: {}", image.image, ways.first()?);
    ways.insert(0, whose);
    Some(ways)
}

/// `http://localhost:8080 +1`.
fn endpoint(link: &Link, more: usize) -> Vec<String> {
    let more = if more == 0 { String::new() } else { format!(" +{more}") };
    let bare = link.url.split_once("://").map_or(link.url.as_str(), |(_, rest)| rest);
    vec![format!("{}{more}", link.url), format!("{bare}{more}")]
}

fn server_trouble(row: &Row) -> Option<String> {
    let instance = row.instance.as_ref().filter(|_| row.runtime != RuntimeStatus::Ok)?;
    let exit = || instance.exit.as_ref().filter(|exit| **exit != Exit::Stopped).map(words::exit);
    let container = || instance.containers.iter().find(|state| !state.is_well()).map(words::container);
    let pod = || instance.pods.iter().find(|pod| pod.is_current && !pod.is_ready).map(words::pod);
    starved(instance)
        .or_else(exit)
        .or_else(|| instance.probe_failure.as_deref().map(|said| without_pod(instance, said)))
        .or_else(container)
        .or_else(pod)
}

/// A container that had no memory left tells more than its exit code.
fn starved(instance: &InstanceRow) -> Option<String> {
    let is_starved =
        |state: &&ContainerState| matches!(state.phase, ContainerPhase::Exited { out_of_memory: true, .. });
    instance.containers.iter().find(is_starved).map(words::container)
}

/// What a pod says, without its name: the list has no room for it, the detail has it.
fn without_pod(instance: &InstanceRow, said: &str) -> String {
    let its = |pod: &PodState| said.strip_prefix("pod ")?.strip_prefix(pod.name.as_str())?.strip_prefix(": ");
    instance.pods.iter().find_map(its).unwrap_or(said).to_owned()
}
