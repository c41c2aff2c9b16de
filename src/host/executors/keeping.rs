//! What a session keeps for later ones: how runs ended, what was shown last, digests; and, if asked for, all events.

use super::World;
use crate::{
    diag,
    engine::{EvaluationOutcome, Event},
    logs::LogName,
    model::{Cluster, Level, ProjectId, ResourceName, Time},
    snapshot::{Graph, Row, RunRow, Snapshot},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    env,
    fs::File,
    io::{BufWriter, Write},
    sync::Arc,
    time::Duration,
};

/// At most so often is what is shown written down, while the session goes on.
const SAVE_PERIOD: Duration = Duration::from_secs(2);

/// Keeps what later sessions can use.
pub(super) struct Keeping {
    world: World,
    shown: Arc<Snapshot>,
    saved: Saved,
    cluster: Used,
    record: Option<BufWriter<File>>,
}

/// What the store has.
#[derive(Default)]
struct Saved {
    at: Option<Time>,
    loads: u64,
    rows: Vec<Arc<Row>>,
    graph: Arc<Graph>,
    graph_json: String,
}

/// What is kept of a session; its rows are kept one by one.
#[derive(Debug, Serialize, Deserialize)]
pub struct KeptSession {
    /// All but the rows and the graph.
    pub session: Snapshot,
    /// In what order the rows are shown.
    pub order: Vec<ResourceName>,
    /// What depends on what, as JSON.
    #[serde(default)]
    pub graph: String,
    /// What the evaluations got.
    pub args: Vec<String>,
    /// The mark on what it made.
    #[serde(default)]
    pub project: Option<ProjectId>,
    /// The cluster on which it has objects, as far as is known: it was allowed then.
    #[serde(default)]
    pub cluster: Option<Cluster>,
}

/// Which cluster is known to have objects of the project.
#[derive(Debug, Default)]
enum Used {
    /// What earlier sessions used is not looked up yet.
    #[default]
    Unasked,
    /// This one, if any.
    Known(Option<Cluster>),
}

/// One line of the file that `ORCH_RECORD` names.
#[derive(Serialize)]
struct Recorded<'a> {
    at: Time,
    event: &'a Event,
}

impl Keeping {
    pub(super) fn new(world: World) -> Self {
        let record = env::var_os("ORCH_RECORD").and_then(|path| match File::create(&path) {
            Ok(file) => Some(BufWriter::new(file)),
            Err(error) => {
                let text = format!("cannot record events in `{}`: {error}", path.display());
                world.logs.say(&LogName::Session, None, Level::Error, &text);
                None
            }
        });
        Self { world, shown: Arc::default(), saved: Saved::default(), cluster: Used::Unasked, record }
    }

    pub(super) fn record_run(&self, resource: &ResourceName, run: &RunRow) {
        let json = serde_json::to_string(run).unwrap_or_default();
        self.world.store.record_run(resource, run.run, json);
    }

    /// Writes the event down when a recording is wanted; values of secrets are left out.
    pub(super) fn observe(&mut self, now: Time, event: &Event) {
        if let Event::EvaluationEnded { outcome: EvaluationOutcome::Loaded(project, _), .. } = event
            && project.kube.cluster.is_some()
            && project.resources.iter().any(|resource| resource.kind.kube().is_some())
        {
            self.cluster = Used::Known(project.kube.cluster.clone());
        }
        let Some(record) = &mut self.record else { return };
        let Ok(line) = serde_json::to_string(&Recorded { at: now, event }) else { return };
        let redactor = self.world.logs.redactor();
        let line = match &redactor {
            Some(redactor) => redactor.redact_text(&line),
            None => line.as_str().into(),
        };
        if writeln!(record, "{line}").is_err() {
            self.record = None;
        }
    }

    /// Draws what is new about the Orchfile into the log, and saves now and then what is shown.
    pub(super) fn published(&mut self, snapshot: &Arc<Snapshot>) {
        self.draw_new(snapshot);
        self.shown = snapshot.clone();
        let is_time = self.saved.at.is_none_or(|at| snapshot.at.since(at) >= SAVE_PERIOD);
        if snapshot.at_rest && is_time {
            self.save();
        }
    }

    /// Writes down all that is not yet.
    pub(super) fn close(&mut self, snapshot: &Snapshot) {
        self.shown = Arc::new(snapshot.clone());
        self.save();
        if let Some(record) = &mut self.record {
            record.flush().ok();
        }
        if let Err(failure) = self.world.store.flush() {
            self.world.logs.say(&LogName::Session, None, Level::Warning, &failure.message);
        }
        self.world
            .store
            .notes()
            .iter()
            .for_each(|note| self.world.logs.say(&LogName::Session, None, Level::Warning, note));
    }

    /// The cluster that has objects of the project when this session is over.
    fn used_cluster(&mut self) -> Option<Cluster> {
        if let Used::Unasked = self.cluster {
            self.cluster = Used::Known(self.before().and_then(|kept| kept.cluster));
        }
        let Used::Known(cluster) = &self.cluster else { return None };
        cluster.clone()
    }

    /// What is kept of the session before.
    fn before(&self) -> Option<KeptSession> {
        serde_json::from_str(&self.world.store.session().ok()??).ok()
    }

    fn draw_new(&self, snapshot: &Snapshot) {
        let (old, new) = (&self.shown.orchfile, &snapshot.orchfile);
        if old.errors != new.errors {
            self.draw(&new.errors, Level::Error);
        }
        if old.warnings != new.warnings {
            self.draw(&new.warnings, Level::Warning);
        }
    }

    fn draw(&self, diagnostics: &[diag::Diagnostic], level: Level) {
        if !diagnostics.is_empty() {
            let drawn = diag::render(diagnostics, !self.world.defaults.is_empty(), self.world.drawing_width);
            self.world.logs.say(&LogName::Session, None, level, drawn.trim_end());
        }
    }

    /// Only rows that changed since they were saved go to the store.
    fn save(&mut self) {
        let rows: Vec<Arc<Row>> = self.shown.rows.iter().cloned().collect();
        let is_saved = |place: usize, row: &Arc<Row>| {
            self.saved.rows.get(place).is_some_and(|saved| Arc::ptr_eq(saved, row) || saved == row)
        };
        let changed = rows.iter().enumerate().filter(|(place, row)| !is_saved(*place, row));
        let changed: Vec<_> =
            changed.filter_map(|(_, row)| Some((row.name.clone(), serde_json::to_string(&**row).ok()?))).collect();
        let mut order: Vec<ResourceName> = rows.iter().map(|row| row.name.clone()).collect();
        let names: BTreeSet<&ResourceName> = order.iter().collect();
        let is_gone = |row: &&Arc<Row>| !names.contains(&row.name);
        let removed = if self.saved.loads == self.shown.orchfile.loads {
            Vec::new()
        } else {
            self.saved.rows.iter().filter(is_gone).map(|row| row.name.clone()).collect()
        };
        let session = Snapshot { rows: <_>::default(), graph: <_>::default(), ..Snapshot::clone(&self.shown) };
        if !Arc::ptr_eq(&self.saved.graph, &self.shown.graph) {
            self.saved.graph_json = serde_json::to_string(&*self.shown.graph).unwrap_or_default();
        }
        let mut graph = self.saved.graph_json.clone();
        let (mut args, project) = (self.shown.args.to_vec(), Some(self.world.project.clone()));
        if self.shown.orchfile.loads == 0 {
            // Nothing is known of this session but what is wrong with its file, or with its words.
            let before = self.before().map(|kept| (kept.order, kept.graph, kept.args));
            (order, graph, args) = before.unwrap_or_default();
        }
        let kept = KeptSession { session, order, graph, args, project, cluster: self.used_cluster() };
        self.world.store.save_rows(changed, removed);
        self.world.store.save_session(serde_json::to_string(&kept).unwrap_or_default());
        let known = self.world.files.drain_changed();
        self.world.store.save_known_files(known.learnt, known.forgotten);
        let (graph, graph_json) = (self.shown.graph.clone(), std::mem::take(&mut self.saved.graph_json));
        self.saved = Saved { at: Some(self.shown.at), loads: self.shown.orchfile.loads, rows, graph, graph_json };
    }
}
