//! `orch events`: what happens, a line each.

use super::{Look, look::Colour, when};
use crate::{
    model::{Exit, FilePath, Time},
    snapshot::{
        Snapshot, Step,
        news::{Happened, News},
        words,
    },
};
use serde_json::{Value, json};
use std::time::Duration;

/// What is needed to say when something happened, and where.
#[derive(Debug, Clone)]
pub struct Frame {
    /// When the session began, in milliseconds since 1970.
    pub began_ms: u64,
    /// Paths are shown relative to it.
    pub root: FilePath,
}

impl Frame {
    /// That of a session.
    pub fn of(snapshot: &Snapshot) -> Self {
        let root = snapshot.root.clone().unwrap_or_else(|| FilePath::new("/"));
        Self { began_ms: snapshot.began_ms.unwrap_or(0), root }
    }

    fn when(&self, at: Time) -> String {
        when::rfc3339(self.began_ms.saturating_add(millis(at.0)))
    }
}

/// For people: when, what to, what.
pub fn line(news: &News, frame: &Frame, look: Look) -> String {
    let when = frame.when(news.at);
    let time = when.get(11..23).unwrap_or(&when);
    let (text, colour) = said(news, frame);
    let text = colour.map_or(text.clone(), |colour| look.paint(colour, text));
    match &news.resource {
        Some(name) => format!("{}  {}  {text}\n", look.paint(Colour::Dim, time), look.paint_name(name.as_str(), name)),
        None => format!("{}  {text}\n", look.paint(Colour::Dim, time)),
    }
}

fn said(news: &News, frame: &Frame) -> (String, Option<Colour>) {
    let of = |image: &Option<crate::model::ImageKey>| {
        image.as_ref().map(|image| format!(" (image {image})")).unwrap_or_default()
    };
    match &news.what {
        Happened::RunStarted { run, cause, image, .. } => {
            (format!("run {run} started{}: {}", of(image), words::cause(cause, &frame.root)), None)
        }
        Happened::RunEnded { run, image } => {
            let took = words::duration(run.ended_at.unwrap_or(run.started_at).since(run.started_at));
            match run.exit.as_ref().filter(|exit| !exit.is_success()) {
                None => (format!("run {} succeeded{} in {took}", run.run, of(image)), Some(Colour::Green)),
                Some(exit) => {
                    let how = words::exit(exit);
                    (format!("run {} failed{} after {took}: {how}", run.run, of(image)), Some(Colour::Red))
                }
            }
        }
        Happened::InstanceStarted(_) => ("started".to_owned(), None),
        Happened::Ready(_) => ("ready".to_owned(), Some(Colour::Green)),
        Happened::Unready(_, why) => {
            let why = why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            (format!("not ready any more{why}"), Some(Colour::Red))
        }
        Happened::InstanceEnded(_, exit) => (format!("ended: {}", words::exit(exit)), Some(Colour::Yellow)),
        Happened::Held(hold) => (words::hold(hold, &frame.root, news.at), Some(Colour::Dim)),
        Happened::Enabled => ("enabled".to_owned(), None),
        Happened::Disabled => ("disabled".to_owned(), None),
        Happened::Added => ("added by the Orchfile".to_owned(), None),
        Happened::Removed => ("removed from the Orchfile".to_owned(), None),
        Happened::OrchfileLoading => ("evaluating the Orchfile".to_owned(), None),
        Happened::OrchfileLoaded => ("the Orchfile was loaded".to_owned(), None),
        Happened::OrchfileFailed(count) => {
            (format!("the Orchfile has {}", words::count_of(*count as u64, "error")), Some(Colour::Red))
        }
        Happened::AtRest => ("at rest".to_owned(), Some(Colour::Dim)),
        Happened::Ending => ("the session is ending".to_owned(), None),
    }
}

/// For programs: `at`, `event`, `resource`, and what belongs to the event.
pub fn document(news: &News, frame: &Frame) -> Value {
    let (event, mut more) = fields(&news.what, frame, news.at);
    let mut document = json!({"at": frame.when(news.at), "event": event, "resource": news.resource});
    if let (Some(document), Some(more)) = (document.as_object_mut(), more.as_object_mut()) {
        document.append(more);
    }
    document
}

fn fields(what: &Happened, frame: &Frame, at: Time) -> (&'static str, Value) {
    match what {
        Happened::RunStarted { run, step, cause, image } => (
            "run_started",
            json!({"run": run, "step": step_word(*step), "image": image, "cause": words::cause(cause, &frame.root)}),
        ),
        Happened::RunEnded { run, image } => (
            "run_ended",
            json!({
                "run": run.run,
                "step": step_word(run.step),
                "image": image,
                "cause": words::cause(&run.cause, &frame.root),
                "succeeded": run.exit.as_ref().is_some_and(Exit::is_success),
                "exit": run.exit.as_ref().map(words::exit),
                "duration_ms": run.ended_at.map(|ended| millis(ended.since(run.started_at))),
            }),
        ),
        Happened::InstanceStarted(instance) => ("instance_started", json!({"instance": instance})),
        Happened::Ready(instance) => ("ready", json!({"instance": instance})),
        Happened::Unready(instance, why) => ("unready", json!({"instance": instance, "why": why})),
        Happened::InstanceEnded(instance, exit) => {
            ("instance_ended", json!({"instance": instance, "exit": words::exit(exit)}))
        }
        Happened::Held(hold) => ("held", json!({"hold": words::hold(hold, &frame.root, at)})),
        Happened::Enabled => ("enabled", json!({})),
        Happened::Disabled => ("disabled", json!({})),
        Happened::Added => ("added", json!({})),
        Happened::Removed => ("removed", json!({})),
        Happened::OrchfileLoading => ("orchfile_loading", json!({})),
        Happened::OrchfileLoaded => ("orchfile_loaded", json!({})),
        Happened::OrchfileFailed(count) => ("orchfile_failed", json!({"errors": count})),
        Happened::AtRest => ("at_rest", json!({})),
        Happened::Ending => ("ending", json!({})),
    }
}

fn step_word(step: Step) -> Value {
    json!(step)
}

/// The first line of `orch events -o jsonl`: from now on it listens.
pub fn listening(snapshot: &Snapshot, frame: &Frame) -> Value {
    json!({"at": frame.when(snapshot.at), "event": "listening", "resource": null})
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 2)
}
