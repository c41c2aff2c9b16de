//! `orch describe`: all that is known of a resource.

use super::{
    Look,
    graph::{condition_word, edge_document},
    json,
    look::Colour,
    when,
};
use crate::{
    model::{Button, FilePath, InputKind, NodeKey, Time},
    snapshot::{
        ButtonRow, GraphEdge, GraphEdgeKind, Row, RowKind, RunRow, RuntimeStatus, Snapshot, UpdateStatus,
        spec::{Input, Part},
        words::{self, Subject},
    },
};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Writes `name  text` lines with one column for the names.
struct Page {
    text: String,
    look: Look,
}

impl Page {
    const COLUMN: usize = 12;

    fn line(&mut self, name: &str, text: &str) {
        let name = self.look.paint(Colour::Dim, format!("{name:width$}", width = Self::COLUMN));
        writeln!(self.text, "  {name}  {text}").ok();
    }

    /// The name once, then a line each.
    fn lines(&mut self, name: &str, texts: impl IntoIterator<Item = String>) {
        for (place, text) in texts.into_iter().enumerate() {
            self.line(if place == 0 { name } else { "" }, &text);
        }
    }
}

/// For people. `last_lines` is what the last failure said.
pub fn text(snapshot: &Snapshot, row: &Row, last_lines: &str, look: Look) -> String {
    let root = snapshot.root.clone().unwrap_or_else(|| FilePath::new("/"));
    let mut page = Page { text: heading(row, look), look };
    state(&mut page, snapshot, row, &root);
    declaration(&mut page, row, &root);
    edges(&mut page, snapshot, row, &root);
    living(&mut page, row, snapshot.at);
    page.lines("buttons", buttons(snapshot, Some(row)).map(|button| button_line(button, &root, snapshot.at)));
    history(&mut page, row, &root, snapshot.at);
    failure(&mut page, row, last_lines);
    page.text
}

fn heading(row: &Row, look: Look) -> String {
    let at = row.spec.declared_at.as_ref().map(|at| format!(", {}:{}", at.file, at.line)).unwrap_or_default();
    let labels = if row.labels.is_empty() { String::new() } else { format!(", labels {}", row.labels.join(", ")) };
    let off = if row.spec.enabled { "" } else { ", disabled" };
    let kind = json!(row.kind);
    let kind = kind.as_str().unwrap_or_default();
    format!("{}  {kind}{at}{labels}{off}\n", look.paint_name(row.name.as_str(), &row.name))
}

fn state(page: &mut Page, snapshot: &Snapshot, row: &Row, root: &FilePath) {
    page.line("update", &word(&json!(row.update)));
    page.line("runtime", &word(&json!(row.runtime)));
    if let Some(run) = &row.current_run {
        let since = words::duration(snapshot.at.since(run.started_at));
        page.line("running", &format!("#{} since {since}: {}", run.run, words::cause(&run.cause, root)));
    }
    if let Some(hold) = &row.hold {
        page.line("waits", &words::hold(hold, root, snapshot.at));
    }
    if row.pending_count > 0 {
        let paths: Vec<String> = row.pending.iter().map(|path| path.display_from(root)).collect();
        page.line("changed", &format!("{}: {}", words::count_of(row.pending_count, "file"), paths.join(", ")));
    }
    if let Some(skip) = &row.skipped {
        page.line("did not run", &words::skip(skip, root));
    }
    page.lines(
        "links",
        row.links.iter().map(|link| match link.name.as_str() {
            "" => link.url.clone(),
            name => format!("{} ({name})", link.url),
        }),
    );
}

/// `in_progress` as people read it.
fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().replace('_', " ")
}

fn declaration(page: &mut Page, row: &Row, root: &FilePath) {
    let spec = &row.spec;
    for part in &spec.parts {
        let Part { name, text, dir } = part;
        let place = dir.as_ref().filter(|dir| *dir != root).map(|dir| format!("  (in {})", dir.display_from(root)));
        page.line(name, &format!("{}{}", one_line(text), place.unwrap_or_default()));
    }
    page.lines("reads", spec.inputs.iter().map(|input| reads(input, root)));
    let outputs: Vec<String> = spec.outputs.iter().map(|path| path.display_from(root)).collect();
    if !outputs.is_empty() {
        page.line("writes", &outputs.join(", "));
    }
    page.lines("ready when", spec.readiness.iter().cloned());
    if !spec.auto_init || row.trigger_mode == crate::model::TriggerMode::Manual {
        let (starts, mode) =
            (if spec.auto_init { "" } else { "not started with the session, " }, word(&json!(row.trigger_mode)));
        page.line("trigger", &format!("{starts}{mode}"));
    }
}

/// The first line, and that there are more.
fn one_line(text: &str) -> String {
    let mut lines = text.trim().lines();
    let first = lines.next().unwrap_or_default();
    if lines.next().is_some() { format!("{first} …") } else { first.to_owned() }
}

fn reads(input: &Input, root: &FilePath) -> String {
    let mut text = input.roots.iter().map(|path| path.display_from(root)).collect::<Vec<_>>().join(", ");
    more(&mut text, input.root_count, input.roots.len());
    if !input.ignore.is_empty() {
        write!(text, ", without {}", input.ignore.join(", ")).ok();
        more(&mut text, input.ignore_count, input.ignore.len());
    }
    text
}

fn more(text: &mut String, count: u64, shown: usize) {
    let rest = count.saturating_sub(shown as u64);
    if rest > 0 {
        write!(text, " and {rest} more").ok();
    }
}

fn edges(page: &mut Page, snapshot: &Snapshot, row: &Row, root: &FilePath) {
    let graph = &snapshot.graph;
    let Some(place) = graph.resource(&row.name) else { return };
    let name = |place: usize| match &graph.nodes[place] {
        NodeKey::Resource(name) => name.to_string(),
        NodeKey::Image(key) => format!("image {key}"),
    };
    let how = |edge: &GraphEdge| match &edge.kind {
        GraphEdgeKind::Order(condition) => condition_word(*condition).to_owned(),
        GraphEdgeKind::Files { output, input } => {
            let path = if input.is_within(output) { input } else { output };
            format!("file {}", path.display_from(root))
        }
        GraphEdgeKind::Image => "made of it".to_owned(),
    };
    page.lines("needs", graph.needs(place).iter().map(|edge| format!("{} ({})", name(edge.from), how(edge))));
    page.lines("needed by", graph.needed_by(place).map(|edge| format!("{} ({})", name(edge.to), how(edge))));
}

/// The buttons of a resource, or of the session.
fn buttons<'a>(snapshot: &'a Snapshot, row: Option<&Row>) -> impl Iterator<Item = &'a ButtonRow> {
    let of = row.map(|row| row.name.clone());
    snapshot.buttons.iter().filter(move |button| button.button.resource == of)
}

fn button_line(row: &ButtonRow, root: &FilePath, now: Time) -> String {
    let Button { name, text, disabled, confirm, inputs, .. } = &*row.button;
    let mut line = format!("{name}: {text}");
    for input in inputs.iter().filter(|input| !matches!(input.kind, InputKind::Hidden { .. })) {
        write!(line, ", {}", input.name).ok();
    }
    let marks = [(*disabled, "disabled"), (*confirm, "asks whether you are sure")];
    marks.iter().filter(|(is_so, _)| *is_so).for_each(|(_, mark)| _ = write!(line, ", {mark}"));
    match (&row.current_run, &row.last_run) {
        (Some(run), _) => {
            let since = words::duration(now.since(run.started_at));
            write!(line, ", running since {since}: {}", words::cause(&run.cause, root)).ok();
        }
        (None, Some(run)) => {
            let how = run.exit.as_ref().map(words::exit).unwrap_or_default();
            write!(line, ", last {} ago: {how}", words::duration(now.since(run.started_at))).ok();
        }
        (None, None) => {}
    }
    line
}

/// The buttons that belong to no resource; nothing where there are none.
pub fn session_text(snapshot: &Snapshot, look: Look) -> String {
    let root = snapshot.root.clone().unwrap_or_else(|| FilePath::new("/"));
    let mut page = Page { text: String::new(), look };
    page.lines("buttons", buttons(snapshot, None).map(|button| button_line(button, &root, snapshot.at)));
    if page.text.is_empty() { page.text } else { format!("the session\n{}", page.text) }
}

fn button_document(row: &ButtonRow, root: &FilePath) -> Value {
    let button = &row.button;
    json!({
        "name": button.name,
        "text": button.text,
        "disabled": button.disabled,
        "confirm": button.confirm,
        "inputs": button.inputs,
        "running": row.current_run.is_some(),
        "last_run": row.last_run.as_ref().map(|run| json::ended(run, root)),
    })
}

fn living(page: &mut Page, row: &Row, now: Time) {
    for image in &row.images {
        let reference = image.reference.as_deref().unwrap_or("not built");
        page.line("image", &format!("{}: {}, {reference}", image.image, word(&json!(image.update))));
    }
    let Some(instance) = &row.instance else { return };
    let mut text = format!("#{} started {} ago", instance.instance, words::duration(now.since(instance.started_at)));
    if let Some(pid) = instance.pid.filter(|_| instance.exit.is_none()) {
        write!(text, ", pid {pid}").ok();
    }
    if instance.restarts > 0 {
        write!(text, ", started again {}", words::count_of(instance.restarts.into(), "time")).ok();
    }
    if let Some(exit) = &instance.exit {
        write!(text, ", ended: {}", words::exit(exit)).ok();
    }
    page.line(if row.kind == RowKind::Local { "server" } else { "instance" }, &text);
    if let Some(failure) = instance.probe_failure.as_ref().filter(|_| row.runtime != RuntimeStatus::Ok) {
        page.line("last check", failure);
    }
    page.lines("pod", instance.pods.iter().map(|pod| format!("{}: {}", pod.name, words::pod(pod))));
    page.lines("forward", row.forwards.iter().map(|forward| words::forward(forward, &instance.pods)));
    let containers = instance.containers.iter();
    page.lines(
        "container",
        containers.map(|one| format!("{} ({}): {}", one.name, one.id.short(), words::container(one))),
    );
}

fn history(page: &mut Page, row: &Row, root: &FilePath, now: Time) {
    let images = row.images.iter().flat_map(|image| image.runs.iter().map(move |run| (run, Some(&image.image))));
    let mut runs: Vec<_> = row.runs.iter().map(|run| (run, None)).chain(images).collect();
    runs.sort_by_key(|(run, _)| std::cmp::Reverse(run.started_at));
    let line = |(run, image): (&RunRow, Option<&crate::model::ImageKey>)| {
        let ago = words::duration(now.since(run.started_at));
        let subject = image.map_or(Subject::of(row.kind), Subject::Image);
        let how = match &run.exit {
            Some(exit) if exit.is_success() => words::run_succeeded(run, subject),
            Some(exit) => words::run_failed(run, subject, exit),
            None => "goes on".to_owned(),
        };
        format!("#{} {ago} ago: {how} ({})", run.run, words::cause(&run.cause, root))
    };
    page.lines("runs", runs.into_iter().map(line));
}

fn failure(page: &mut Page, row: &Row, last_lines: &str) {
    let Some(text) = last_failure(row) else { return };
    page.line("failure", &page.look.paint(Colour::Red, text));
    last_lines.lines().for_each(|line| page.line("", &format!("│ {line}")));
}

/// What went wrong last, if it is still so.
fn last_failure(row: &Row) -> Option<String> {
    let failed = |run: &RunRow| run.exit.as_ref().filter(|exit| !exit.is_success()).map(words::exit);
    let mut images = row.images.iter().filter(|image| image.update == UpdateStatus::Error);
    let image = images.find_map(|image| failed(image.last_run.as_ref()?));
    let run = || row.runs.first().filter(|_| row.update == UpdateStatus::Error).and_then(failed);
    let instance = || {
        let instance = row.instance.as_ref().filter(|_| row.runtime == RuntimeStatus::Error)?;
        instance.exit.as_ref().map(words::exit).or_else(|| instance.probe_failure.clone())
    };
    image.or_else(run).or_else(instance)
}

/// For programs: that of `orch status` with all the rest.
pub fn document(snapshot: &Snapshot, row: &Row, last_lines: &str) -> Value {
    let root = snapshot.root.clone().unwrap_or_else(|| FilePath::new("/"));
    let mut document = json::resource(snapshot, row);
    let graph = &snapshot.graph;
    let place = graph.resource(&row.name);
    let edge = |edge: &GraphEdge| edge_document(graph, edge, &root);
    let more = json!({
        "schema": json::SCHEMA,
        "declared_at": row.spec.declared_at.as_ref().map(|at| format!("{}:{}:{}", at.file, at.line, at.column)),
        "enabled": row.spec.enabled,
        "auto_init": row.spec.auto_init,
        "trigger_mode": row.trigger_mode,
        "parts": row.spec.parts,
        "inputs": row.spec.inputs,
        "outputs": row.spec.outputs,
        "ready_when": row.spec.readiness,
        "needs": place.map(|place| graph.needs(place).iter().map(edge).collect::<Vec<_>>()),
        "needed_by": place.map(|place| graph.needed_by(place).map(edge).collect::<Vec<_>>()),
        "buttons": buttons(snapshot, Some(row)).map(|button| button_document(button, &root)).collect::<Vec<_>>(),
        "changed": row.pending,
        "changed_count": row.pending_count,
        "runs": row.runs.iter().map(|run| run_document(snapshot, run, &root)).collect::<Vec<_>>(),
        "failure": last_failure(row),
        "last_lines": last_lines.lines().collect::<Vec<_>>(),
    });
    if let (Some(document), Value::Object(mut more)) = (document.as_object_mut(), more) {
        document.append(&mut more);
    }
    document
}

fn run_document(snapshot: &Snapshot, run: &RunRow, root: &FilePath) -> Value {
    let mut document = json::ended(run, root);
    document["started_at"] = json!(when::at(snapshot, run.started_at).map(when::rfc3339));
    document
}
