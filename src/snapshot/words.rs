//! How facts of a snapshot are said to people: one wording for logs, the stream, `status` and `why`.

mod attempt;
mod container;
mod pod;
mod trouble;

pub use attempt::{Subject, did, does, exit_of, run_failed, run_starts, run_succeeded};
pub use container::container;
pub use pod::{forward, pod};
pub use trouble::{remedy, trouble};

use super::{Cause, Hold, Skip};
use crate::model::{Condition, Exit, FilePath, Time};
use std::{fmt::Write as _, time::Duration};

/// `exit code 1`, `exit code 137 (SIGKILL)`, `killed (SIGKILL)`, …
pub fn exit(exit: &Exit) -> String {
    match exit {
        Exit::Code(code) => match signal_of(*code) {
            Some(name) => format!("exit code {code} ({name})"),
            None => format!("exit code {code}"),
        },
        Exit::Signal(signal) => match signal_name(*signal) {
            Some(name) => format!("killed ({name})"),
            None => format!("killed (signal {signal})"),
        },
        Exit::NotStarted(failure) => failure.message.clone(),
        Exit::Stopped => "stopped".to_owned(),
    }
}

/// The signal that ended a child of what ended with that code: shells, and the engines of containers, add it to 128.
fn signal_of(code: i32) -> Option<&'static str> {
    signal_name(code.checked_sub(128)?)
}

fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        _ => return None,
    })
}

/// Why something started: `2 files changed: a.c, b.c`.
pub fn cause(cause: &Cause, root: &FilePath) -> String {
    match cause {
        Cause::First => "first run of this session".to_owned(),
        Cause::Files { paths, count } => {
            format!("{} changed: {}", count_of(*count, "file"), listed(paths, *count, root))
        }
        Cause::Definition => "its definition changed".to_owned(),
        Cause::Outputs { paths, count } => {
            format!("{} changed from outside: {}", count_of(*count, "output"), listed(paths, *count, root))
        }
        Cause::Writer(writer) => format!("new output of {writer}"),
        Cause::Triggered => "triggered".to_owned(),
        Cause::Restarted => "restart asked for".to_owned(),
        Cause::Started => "start asked for".to_owned(),
        Cause::Crashed(how) => format!("it had ended: {}", exit(how)),
        Cause::Image(image) => format!("the image {image} was built anew"),
        Cause::Needed(by) => format!("needed by {by}"),
        Cause::Removed => "its container was removed by somebody else".to_owned(),
        Cause::ChangedByHand(how) => format!("its container was changed by somebody else: {how}"),
        Cause::Deleted(what) => format!("`{what}` was deleted by somebody else"),
        Cause::Drifted(how) => format!("changed by somebody else: {how}"),
        Cause::Resync => "a container started anew, without the files that were changed in it".to_owned(),
        Cause::FallBack(why) => format!("not changed in place: {why}"),
        Cause::Ready(on) => format!("{on} is ready again"),
        Cause::PortTaken(port) => format!("once more, port {port} was taken"),
        Cause::Teardown => "teardown".to_owned(),
    }
}

/// Why a resource waits: `waits for db to be ready (failed)`.
pub fn hold(hold: &Hold, root: &FilePath, now: Time) -> String {
    match hold {
        Hold::OrchfileLoading => "waits for the Orchfile".to_owned(),
        Hold::Dependency { on, condition, because } => {
            let reached = match condition {
                Condition::Started => "to start",
                Condition::Ready => "to be ready",
                Condition::Succeeded => "to succeed",
            };
            let mut text = format!("waits for {on} {reached}");
            if !because.is_empty() {
                write!(text, " ({because})").ok();
            }
            text
        }
        Hold::Writer(writer) => format!("waits for {writer}, whose outputs it reads"),
        Hold::WriterFailed(writer) => format!("waits for {writer}, whose outputs it reads and which failed"),
        Hold::Image(image) => format!("waits for the image {image}"),
        Hold::ImageFailed(image) => format!("waits for the image {image}, which could not be built"),
        Hold::Unneeded => "not needed now".to_owned(),
        Hold::Docker(why) => format!("waits for the Docker Engine: {why}"),
        Hold::Cluster(why) => format!("waits for the cluster: {why}"),
        Hold::Starting => "waits until its containers run".to_owned(),
        Hold::Settling => "waits until its files have settled".to_owned(),
        Hold::Slot => "waits for a free slot".to_owned(),
        Hold::Exclusive(other) => format!("waits for {other}: they do not run side by side (`allow_parallel`)"),
        Hold::Running => "runs; it will run once more".to_owned(),
        Hold::Stopping => "waits until what it had running has ended".to_owned(),
        Hold::Backoff { until } => format!("starts again in {}", duration(until.since(now))),
        Hold::Manual => "waits for a trigger".to_owned(),
        Hold::Stopped => "stopped; `orch start` starts it".to_owned(),
        Hold::Disabled => "no part of this session".to_owned(),
        Hold::Failed => "failed; runs again when something it reads changes".to_owned(),
        Hold::Ended => "ended; `restart` says that it stays so".to_owned(),
        Hold::SelfDirty { times, path } => format!(
            "changed its own input {} {times} times in a row; declare it in `outputs` or `ignore`",
            path.display_from(root)
        ),
        Hold::ShuttingDown => "the session is ending".to_owned(),
    }
}

/// Why something did not start: `up to date`.
pub fn skip(skip: &Skip, root: &FilePath) -> String {
    match skip {
        Skip::Fresh => "up to date: inputs and outputs are those of its last success".to_owned(),
        Skip::SameContent { paths, count } => {
            format!("{} written without a change: {}", count_of(*count, "file"), listed(paths, *count, root))
        }
        Skip::SameOutputs(writer) => format!("{writer} ran and wrote the same again"),
        Skip::SameImage(image) => format!("the image {image} was built anew and is the same"),
        Skip::Adopted => "up to date: an earlier session left it as it should be".to_owned(),
    }
}

/// `0.3s`, `12.0s`, `3m 5s`, `2h 10m`; milliseconds below a tenth of a second.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 if duration.as_millis() < 100 => format!("{}ms", duration.as_millis()),
        0..60 => format!("{:.1}s", duration.as_secs_f64()),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        _ => format!("{}h {}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `1 file`, `2 files`.
pub fn count_of(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// `a`, `a and b`, `a, b, c and 4 more`.
pub fn first_of(names: &[&str]) -> String {
    const SHOWN: usize = 5;
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] if names.len() <= SHOWN => format!("{} and {last}", most.join(", ")),
        many => format!("{} and {} more", many[..SHOWN - 1].join(", "), many.len() - SHOWN + 1),
    }
}

/// The first few of `count` paths.
fn listed(paths: &[FilePath], count: u64, root: &FilePath) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<String> = paths.iter().take(SHOWN).map(|path| path.display_from(root)).collect();
    let more = count.saturating_sub(shown.len() as u64);
    let mut text = shown.join(", ");
    if more > 0 {
        write!(text, " and {more} more").ok();
    }
    text
}
