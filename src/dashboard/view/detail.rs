//! All of one resource: how it fares and why, its runs, what it is made of, what it waits for, and its last error in full.

use super::cells::{Piece, piece, put_pieces, scroll_bar};
use crate::{
    dashboard::{
        list::{self, coarse},
        look::Tone,
        state::Dashboard,
        text::{columns, fitted, padded, plain},
    },
    logs::line::visible,
    model::{Condition, FilePath, ImageKey, NodeKey, PodState, Time},
    snapshot::{GraphEdge, GraphEdgeKind, ImageRow, InstanceRow, Row, RunRow, RuntimeStatus, UpdateStatus, words},
};
use ratatui::{buffer::Buffer, layout::Rect};
use std::fmt::Write;

type Lines = Vec<Vec<Piece>>;

/// Columns of the names of facts.
const NAME: usize = 11;

/// Draws the view.
pub(in crate::dashboard) fn draw(dashboard: &Dashboard, area: Rect, buffer: &mut Buffer) {
    let look = dashboard.setting.look;
    let lines = lines(dashboard, usize::from(area.width).saturating_sub(3));
    for (y, line) in (area.top()..area.bottom()).zip(lines.iter().skip(dashboard.scroll.0)) {
        put_pieces(buffer, Rect { width: area.width.saturating_sub(1), ..area }, area.x + 1, y, line);
    }
    scroll_bar(look, buffer, area, dashboard.scroll.0, lines.len());
}

/// The text of the view.
pub(in crate::dashboard) fn lines(dashboard: &Dashboard, width: usize) -> Lines {
    match dashboard.selected_row() {
        Some(row) => Detail { dashboard, row, root: dashboard.root(), now: dashboard.session_time(), width }.lines(),
        None => overview(dashboard),
    }
}

/// What is told where no resource is chosen: the session.
fn overview(dashboard: &Dashboard) -> Lines {
    let look = dashboard.setting.look;
    let snapshot = &dashboard.snapshot;
    let fact =
        |name: &str, text: String| vec![piece(look, Tone::Dim, padded(name, NAME, "")), piece(look, Tone::Plain, text)];
    let root = snapshot.root.as_ref().map(FilePath::to_string).unwrap_or_default();
    let mut lines = vec![
        fact("project", root),
        fact("up since", words::duration(dashboard.session_time().0)),
        fact("resources", snapshot.rows.len().to_string()),
        fact("Orchfile", format!("loaded {}", words::count_of(snapshot.orchfile.loads, "time"))),
    ];
    if !snapshot.args.is_empty() {
        lines.push(fact("arguments", snapshot.args.join(" ")));
    }
    lines.push(Vec::new());
    lines.push(vec![piece(look, Tone::Dim, "choose a resource to see all of it")]);
    lines
}

struct Detail<'a> {
    dashboard: &'a Dashboard,
    row: &'a Row,
    root: FilePath,
    now: Time,
    width: usize,
}

impl Detail<'_> {
    fn lines(&self) -> Lines {
        let mut lines = self.head();
        let sections = [
            ("Last error", self.error()),
            ("Runs", self.runs(&self.row.runs, self.row.current_run.as_ref())),
            ("Pods", self.pods()),
            ("Forwards", self.forwards()),
            ("Containers", self.containers()),
            ("Images", self.images()),
            ("Waits for", self.needs()),
            ("Waited for by", self.needed_by()),
            ("Declared", self.declared()),
            ("Reads", self.reads()),
            ("Writes", self.paths(&self.row.spec.outputs)),
        ];
        for (title, section) in sections {
            if !section.is_empty() {
                lines.push(Vec::new());
                lines.push(vec![self.piece(Tone::Strong, title)]);
                lines.extend(section);
            }
        }
        lines
    }

    fn piece(&self, tone: Tone, text: impl Into<String>) -> Piece {
        piece(self.dashboard.setting.look, tone, text)
    }

    fn fact(&self, name: &str, tone: Tone, text: &str) -> Lines {
        self.fact_within(self.width, name, tone, text)
    }

    fn fact_within(&self, width: usize, name: &str, tone: Tone, text: &str) -> Lines {
        let width = width.saturating_sub(NAME).max(10);
        let rows = broken(text, width);
        let name = |place: usize| if place == 0 { padded(name, NAME, "") } else { " ".repeat(NAME) };
        rows.into_iter()
            .enumerate()
            .map(|(place, text)| vec![self.piece(Tone::Dim, name(place)), self.piece(tone, text)])
            .collect()
    }

    fn line(&self, tone: Tone, text: impl Into<String>) -> Vec<Piece> {
        vec![self.piece(Tone::Plain, "  "), self.piece(tone, text)]
    }

    fn age(&self, since: Time) -> String {
        format!("{} ago", coarse(self.now.since(since)))
    }

    /// How it fares, and why.
    fn head(&self) -> Lines {
        let row = self.row;
        let mut lines = Vec::new();
        let (update, tone) = list::update_words(row, self.now);
        if !update.is_empty() {
            let ended = row.runs.first().and_then(|run| run.ended_at).filter(|_| row.current_run.is_none());
            let ago = ended.map(|at| format!(", {}", self.age(at))).unwrap_or_default();
            lines.extend(self.fact("update", tone, &format!("{update}{ago}")));
        }
        if let Some(run) = row.current_run.as_ref().or(row.runs.first()) {
            let number = format!("{}#{}", row.name, run.run);
            lines.extend(self.fact(
                "cause",
                Tone::Plain,
                &format!("{} ({number})", words::cause(&run.cause, &self.root)),
            ));
        }
        lines.extend(self.server());
        if let Some(hold) = &row.hold {
            lines.extend(self.fact("hold", Tone::Plain, &words::hold(hold, &self.root, self.now)));
        }
        if let Some(skip) = &row.skipped {
            lines.extend(self.fact("skipped", Tone::Plain, &words::skip(skip, &self.root)));
        }
        if row.pending_count > 0 {
            let paths: Vec<String> = row.pending.iter().map(|path| path.display_from(&self.root)).collect();
            let text = format!("{}: {}", words::count_of(row.pending_count, "file"), paths.join(", "));
            lines.extend(self.fact("changed", Tone::Busy, &text));
        }
        for link in &row.links {
            let name = if link.name.is_empty() { String::new() } else { format!("  {}", link.name) };
            lines.extend(self.fact("endpoint", Tone::Plain, &format!("{}{name}", link.url)));
        }
        if !row.labels.is_empty() {
            lines.extend(self.fact("labels", Tone::Plain, &row.labels.join(", ")));
        }
        lines
    }

    fn server(&self) -> Lines {
        let (word, tone) = list::runtime_words(self.row);
        let Some(instance) = self.row.instance.as_ref().filter(|_| !word.is_empty()) else {
            return if word.is_empty() { Vec::new() } else { self.fact("runtime", tone, word) };
        };
        let mut lines = self.fact("runtime", tone, &format!("{word}{}", self.lived(instance)));
        if let Some(failure) = instance.probe_failure.as_ref().filter(|_| self.row.runtime != RuntimeStatus::Ok) {
            lines.extend(self.fact("last check", Tone::Plain, failure));
        }
        for readiness in &self.row.spec.readiness {
            lines.extend(self.fact("ready when", Tone::Plain, readiness));
        }
        lines
    }

    fn lived(&self, instance: &InstanceRow) -> String {
        let dot = self.dashboard.setting.look.signs().dot;
        let mut text = match &instance.exit {
            Some(exit) => format!(" {dot} {}", words::exit(exit)),
            None => format!(" {dot} started {}", self.age(instance.started_at)),
        };
        if let Some(ready) = instance.ready_at.filter(|_| instance.exit.is_none()) {
            write!(text, " {dot} ready after {}", words::duration(ready.since(instance.started_at))).ok();
        }
        if let Some(pid) = instance.pid.filter(|_| instance.exit.is_none()) {
            write!(text, " {dot} pid {pid}").ok();
        }
        if instance.restarts > 0 {
            write!(text, " {dot} restarted {}", words::count_of(instance.restarts.into(), "time")).ok();
        }
        text
    }

    /// The last lines of what failed.
    fn error(&self) -> Lines {
        let Some((_, entries)) = &self.dashboard.failed_lines else { return Vec::new() };
        let mut lines = Vec::new();
        for entry in entries {
            let text = visible(entry.text.as_bytes());
            let text = plain(&String::from_utf8_lossy(text)).replace('\t', "    ");
            lines.extend(broken(&text, self.width.saturating_sub(2).max(10)).into_iter().map(|row| {
                vec![
                    self.piece(Tone::Bad, format!("{} ", self.dashboard.setting.look.signs().wall)),
                    self.piece(Tone::Plain, row),
                ]
            }));
        }
        lines
    }

    fn runs(&self, ended: &[RunRow], current: Option<&RunRow>) -> Lines {
        let runs: Vec<&RunRow> = current.into_iter().chain(ended).collect();
        if self.row.update == UpdateStatus::NotApplicable && self.row.runs.is_empty() {
            return Vec::new();
        }
        runs.into_iter().map(|run| self.run(run)).collect()
    }

    /// `#12  error   0.3s   12s ago  1 file changed: api.c  exit code 1`.
    fn run(&self, run: &RunRow) -> Vec<Piece> {
        let (word, tone) = match &run.exit {
            None => ("runs", Tone::Busy),
            Some(exit) if exit.is_success() => ("ok", Tone::Good),
            Some(crate::model::Exit::Stopped) => ("stopped", Tone::Dim),
            Some(_) => ("error", Tone::Bad),
        };
        let took = words::duration(run.ended_at.unwrap_or(self.now).since(run.started_at));
        let failed =
            run.exit.as_ref().filter(|_| tone == Tone::Bad).map(|exit| format!(": {}", words::exit_of(run, exit)));
        let cause = format!("{}{}", words::cause(&run.cause, &self.root), failed.unwrap_or_default());
        let cut = self.dashboard.setting.look.signs().cut;
        vec![
            self.piece(Tone::Dim, format!("  {:<7}", format!("#{}", run.run))),
            self.piece(tone, format!("{word:<8}")),
            self.piece(Tone::Plain, format!("{took:>8}  ")),
            self.piece(Tone::Dim, format!("{:>8}  ", self.age(run.ended_at.unwrap_or(run.started_at)))),
            self.piece(Tone::Plain, fitted(&cause, self.width.saturating_sub(37), cut)),
        ]
    }

    fn pods(&self) -> Lines {
        let pods = self.row.instance.iter().flat_map(|instance| &instance.pods);
        let line = |pod: &PodState| {
            let tone = match (pod.is_current, pod.is_ready) {
                (false, _) => Tone::Dim,
                (true, true) => Tone::Good,
                (true, false) => Tone::Busy,
            };
            vec![self.piece(Tone::Plain, format!("  {}  ", pod.name)), self.piece(tone, words::pod(pod))]
        };
        pods.map(line).collect()
    }

    fn forwards(&self) -> Lines {
        let pods = self.row.instance.as_ref().map_or(&[][..], |instance| instance.pods.as_slice());
        self.row.forwards.iter().map(|row| self.line(Tone::Plain, words::forward(row, pods))).collect()
    }

    fn containers(&self) -> Lines {
        let Some(instance) = &self.row.instance else { return Vec::new() };
        let mut lines = Vec::new();
        for state in &instance.containers {
            let tone = if state.is_well() { Tone::Good } else { Tone::Bad };
            lines.push(vec![
                self.piece(Tone::Plain, format!("  {}  ", state.name)),
                self.piece(tone, words::container(state)),
                self.piece(Tone::Dim, format!("  {}", state.id.short())),
            ]);
            let ports = state.ports.iter().map(|port| {
                let host = if port.host_ip.is_empty() { String::new() } else { format!("{}:", port.host_ip) };
                format!(
                    "    {host}{} {} {}/{}",
                    port.host_port,
                    self.dashboard.setting.look.signs().arrow,
                    port.container_port,
                    port.protocol
                )
            });
            lines.extend(ports.map(|text| vec![self.piece(Tone::Dim, text)]));
        }
        lines
    }

    fn images(&self) -> Lines {
        let mut lines = Vec::new();
        for image in &self.row.images {
            let (word, tone) = image_words(image);
            lines.push(vec![
                self.piece(Tone::Plain, format!("  {}  ", image.image)),
                self.piece(tone, word),
                self.piece(Tone::Dim, image.reference.as_ref().map(|it| format!("  {it}")).unwrap_or_default()),
            ]);
            if let Some(hold) = image.hold.as_ref().filter(|_| image.dirty) {
                lines.push(vec![self.piece(Tone::Dim, format!("    {}", words::hold(hold, &self.root, self.now)))]);
            }
            lines.extend(self.runs(&image.runs, image.current_run.as_ref()));
        }
        lines
    }

    fn needs(&self) -> Lines {
        let graph = &self.dashboard.snapshot.graph;
        let Some(place) = graph.resource(&self.row.name) else { return Vec::new() };
        graph.needs(place).iter().map(|edge| self.edge(edge, edge.from)).collect()
    }

    fn needed_by(&self) -> Lines {
        let graph = &self.dashboard.snapshot.graph;
        let Some(place) = graph.resource(&self.row.name) else { return Vec::new() };
        graph.needed_by(place).map(|edge| self.edge(edge, edge.to)).collect()
    }

    /// The other end of an edge: how it fares, and what is waited for.
    fn edge(&self, edge: &GraphEdge, other: usize) -> Vec<Piece> {
        let signs = self.dashboard.setting.look.signs();
        let (name, sign, tone) = match self.dashboard.snapshot.graph.nodes.get(other) {
            Some(NodeKey::Resource(name)) => {
                let row = self.dashboard.snapshot.rows.named(name);
                let (sign, tone) = row.map_or((signs.idle, Tone::Dim), |row| super::list::sign(self.dashboard, row));
                (name.to_string(), sign, tone)
            }
            Some(NodeKey::Image(key)) => (image_name(key), signs.dot, Tone::Dim),
            None => (String::new(), signs.dot, Tone::Dim),
        };
        let why = match &edge.kind {
            GraphEdgeKind::Order(Condition::Started) => "to start".to_owned(),
            GraphEdgeKind::Order(Condition::Ready) => "to be ready".to_owned(),
            GraphEdgeKind::Order(Condition::Succeeded) => "to succeed".to_owned(),
            GraphEdgeKind::Files { output, .. } => format!("its output {}", output.display_from(&self.root)),
            GraphEdgeKind::Image => "made of it".to_owned(),
        };
        vec![
            self.piece(tone, format!("  {sign} ")),
            self.piece(Tone::Plain, format!("{name}  ")),
            self.piece(Tone::Dim, why),
        ]
    }

    fn declared(&self) -> Lines {
        let spec = &self.row.spec;
        let place =
            spec.declared_at.as_ref().map(|at| self.fact("at", Tone::Plain, &format!("{}:{}", at.file, at.line)));
        let parts = spec
            .parts
            .iter()
            .flat_map(|part| self.fact_within(self.width.saturating_sub(2), &part.name, Tone::Plain, &part.text));
        let mut lines: Lines = place.into_iter().flatten().chain(parts).collect();
        lines.iter_mut().for_each(|line| line.insert(0, self.piece(Tone::Plain, "  ")));
        lines
    }

    fn reads(&self) -> Lines {
        let mut lines = Vec::new();
        for input in &self.row.spec.inputs {
            lines.extend(self.paths(&input.roots));
            let more = input.root_count.saturating_sub(input.roots.len() as u64);
            if more > 0 {
                lines.push(self.line(Tone::Dim, format!("and {more} more")));
            }
            if !input.ignore.is_empty() {
                let text = format!("without {}", input.ignore.join(", "));
                lines.extend(
                    broken(&text, self.width.saturating_sub(2).max(10))
                        .into_iter()
                        .map(|row| self.line(Tone::Dim, row)),
                );
            }
        }
        lines
    }

    fn paths(&self, paths: &[FilePath]) -> Lines {
        paths.iter().map(|path| self.line(Tone::Plain, path.display_from(&self.root))).collect()
    }
}

fn image_name(key: &ImageKey) -> String {
    format!("image {key}")
}

fn image_words(image: &ImageRow) -> (&'static str, Tone) {
    match image.update {
        UpdateStatus::None | UpdateStatus::NotApplicable => ("not built", Tone::Dim),
        UpdateStatus::Pending => ("pending", Tone::Busy),
        UpdateStatus::InProgress => ("is being built", Tone::Busy),
        UpdateStatus::Ok => ("ok", Tone::Good),
        UpdateStatus::Error => ("error", Tone::Bad),
    }
}

/// Text in rows of at most `width` columns, broken between words where that can be.
fn broken(text: &str, width: usize) -> Vec<String> {
    let mut rows = Vec::new();
    for line in text.lines() {
        let mut row = String::new();
        for word in line.split_inclusive(' ') {
            if !row.is_empty() && columns(&row) + columns(word.trim_end()) > width {
                rows.push(std::mem::take(&mut row).trim_end().to_owned());
            }
            let mut rest = word;
            while columns(rest) > width && row.is_empty() {
                let cut = fitted(rest, width, "");
                if cut.is_empty() {
                    break;
                }
                rest = &rest[cut.len()..];
                rows.push(cut);
            }
            row.push_str(rest);
        }
        rows.push(row.trim_end().to_owned());
    }
    if rows.is_empty() {
        rows.push(String::new());
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_broken_between_words() {
        assert_eq!(broken("one two three", 8), ["one two", "three"]);
        assert_eq!(broken("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(broken("a\n\nb", 8), ["a", "", "b"]);
        assert_eq!(broken("", 8), [""]);
    }
}
