//! What BuildKit tells of a build, as lines for a log: each step once when it starts, what it writes, how it ends. What the
//! engine does for itself shows only when it takes long or fails.

use super::{log::Log, said};
use bollard_buildkit_proto::{
    google::protobuf::Timestamp,
    moby::buildkit::v1::{StatusResponse, Vertex, VertexLog, VertexWarning},
};
use std::{collections::HashMap, time::Duration};

/// What the engine does for itself shows when it takes longer.
const QUIET: Duration = Duration::from_secs(1);
/// The end of a step shows when it took longer: else the next one's beginning says enough.
const QUICK: Duration = Duration::from_millis(100);
/// How many of the last lines of a step are kept for the message that it failed.
pub(super) const TAIL_LINES: usize = 20;
/// What BuildKit calls the standard error of a command.
const STDERR: i64 = 2;
/// A longer line is cut, so that a step without line ends does not fill the memory.
const LINE_BYTES_MAX: usize = 64 << 10;

/// The steps of one build.
#[derive(Debug)]
pub(super) struct Progress {
    log: Log,
    steps: Vec<Step>,
    by_digest: HashMap<String, usize>,
}

/// One step: what BuildKit calls a vertex.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// As in `[build 2/5] RUN make`.
    pub(super) name: String,
    /// Why it failed, in the engine's words; empty if it did not.
    pub(super) error: String,
    /// The last lines that it wrote.
    pub(super) tail: Vec<String>,
    /// The last line that it wrote to its standard error.
    pub(super) complaint: Option<String>,
    announced: bool,
    ended: bool,
    /// What it wrote after its last whole line.
    partial: Vec<u8>,
    /// Whether that was written to its standard error.
    complains: bool,
}

impl Step {
    /// What its lines begin with: `[build 2/5]`, or all of its name.
    pub(super) fn label(&self) -> &str {
        match self.name.find(']') {
            Some(end) if self.name.starts_with('[') && !self.is_internal() => &self.name[..=end],
            _ => &self.name,
        }
    }

    /// What it does, without its label.
    pub(super) fn instruction(&self) -> &str {
        self.name.strip_prefix(self.label()).unwrap_or(&self.name).trim()
    }

    /// Whether the engine does it for itself.
    fn is_internal(&self) -> bool {
        !self.name.starts_with('[') || ["[internal]", "[auth]"].iter().any(|own| self.name.starts_with(own))
    }

    /// Whether it ended because another one failed, or the build was ended.
    fn is_cancelled(&self) -> bool {
        self.error.contains("context canceled")
    }
}

impl Progress {
    pub(super) fn new(log: Log) -> Self {
        Self { log, steps: Vec::new(), by_digest: HashMap::new() }
    }

    /// The step that failed; not one that ended because another failed.
    pub(super) fn failed(&self) -> Option<&Step> {
        self.steps.iter().find(|step| !step.error.is_empty() && !step.is_cancelled())
    }

    /// Takes a message.
    pub(super) fn on_status(&mut self, status: StatusResponse) {
        let StatusResponse { vertexes, logs, warnings, .. } = status;
        // A step's end may come in the same message as the last that it wrote.
        let (ended, begun): (Vec<_>, Vec<_>) = vertexes.into_iter().partition(|vertex| vertex.completed.is_some());
        begun.into_iter().for_each(|vertex| self.on_vertex(&vertex));
        for vertex in &ended {
            self.begin(vertex);
        }
        logs.into_iter().for_each(|log| self.on_log(log));
        ended.into_iter().for_each(|vertex| self.on_vertex(&vertex));
        warnings.iter().for_each(|warning| self.on_warning(warning));
    }

    /// The build is over: what is still unfinished of a line counts as one.
    pub(super) fn finish(&mut self) {
        for index in 0..self.steps.len() {
            self.flush(index);
        }
    }

    fn step_of(&mut self, digest: &str) -> usize {
        *self.by_digest.entry(digest.to_owned()).or_insert_with(|| {
            self.steps.push(Step::default());
            self.steps.len() - 1
        })
    }

    /// Says that a step begins, once.
    fn begin(&mut self, vertex: &Vertex) -> usize {
        let index = self.step_of(&vertex.digest);
        let step = &mut self.steps[index];
        step.name.clone_from(&vertex.name);
        let begins = vertex.started.is_some() && !vertex.cached && !step.announced && !step.is_internal();
        if begins && vertex.error.is_empty() {
            step.announced = true;
            self.log.line(&step.name);
        }
        index
    }

    fn on_vertex(&mut self, vertex: &Vertex) {
        let index = self.begin(vertex);
        if vertex.completed.is_none() || self.steps[index].ended {
            return;
        }
        self.flush(index);
        let step = &mut self.steps[index];
        step.ended = true;
        step.error.clone_from(&vertex.error);
        let took = duration(vertex.started.as_ref(), vertex.completed.as_ref());
        let label = step.label();
        if step.is_cancelled() {
            if step.announced {
                self.log.line(&format!("{label} cancelled after {}", seconds(took)));
            }
        } else if !step.error.is_empty() {
            let why = said::exit_code(&step.error).map(|code| format!("exit code {code}"));
            let why = why.unwrap_or_else(|| step.error.clone());
            let what = if step.announced { label } else { &step.name };
            self.log.line(&format!("{what} failed after {}: {why}", seconds(took)));
        } else if vertex.cached {
            if !step.is_internal() {
                self.log.line(&format!("{} (cached)", step.name));
            }
        } else if took >= QUIET || (step.announced && took >= QUICK) {
            self.log.line(&format!("{label} done in {}", seconds(took)));
        }
    }

    fn on_log(&mut self, log: VertexLog) {
        let index = self.step_of(&log.vertex);
        self.steps[index].complains = log.stream == STDERR;
        let mut rest = log.msg.as_slice();
        while let Some(at) = memchr::memchr(b'\n', rest) {
            self.steps[index].partial.extend_from_slice(&rest[..at]);
            rest = &rest[at + 1..];
            self.line(index);
        }
        self.steps[index].partial.extend_from_slice(rest);
        if self.steps[index].partial.len() > LINE_BYTES_MAX {
            self.line(index);
        }
    }

    fn flush(&mut self, index: usize) {
        if !self.steps[index].partial.is_empty() {
            self.line(index);
        }
    }

    /// Logs a line that a step wrote. Of one that was written over, the last.
    fn line(&mut self, index: usize) {
        let step = &mut self.steps[index];
        let text = String::from_utf8_lossy(&std::mem::take(&mut step.partial)).into_owned();
        let text = text.trim_end_matches('\r');
        let text = text.rsplit('\r').next().unwrap_or(text);
        self.log.line(format!("{} {text}", step.label()).trim_end());
        if step.tail.len() == TAIL_LINES {
            step.tail.remove(0);
        }
        step.tail.push(text.to_owned());
        if step.complains && said::is_complaint(text) {
            step.complaint = Some(text.to_owned());
        }
    }

    fn on_warning(&self, warning: &VertexWarning) {
        self.log.line(&format!("warning: {}", String::from_utf8_lossy(&warning.short)));
        for detail in &warning.detail {
            self.log.line(&format!("  {}", String::from_utf8_lossy(detail)));
        }
    }
}

fn duration(started: Option<&Timestamp>, completed: Option<&Timestamp>) -> Duration {
    let since_epoch = |time: &Timestamp| {
        let nanos = u32::try_from(time.nanos).unwrap_or_default();
        Some(Duration::new(u64::try_from(time.seconds).ok()?, nanos))
    };
    let (started, completed) = (started.and_then(since_epoch), completed.and_then(since_epoch));
    started.zip(completed).map_or(Duration::ZERO, |(started, completed)| completed.saturating_sub(started))
}

/// A duration as people read it.
pub(super) fn seconds(duration: Duration) -> String {
    format!("{:.1}s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::process::{Capture, Stream};
    use std::sync::Arc;

    const BEGUN: Option<Timestamp> = Some(Timestamp { seconds: 10, nanos: 500_000_000 });

    fn vertex(digest: &str, name: &str) -> Vertex {
        Vertex { digest: digest.to_owned(), name: name.to_owned(), started: BEGUN, ..Vertex::default() }
    }

    fn ended(vertex: &Vertex, seconds: i64, error: &str) -> Vertex {
        let completed = Some(Timestamp { seconds: 10 + seconds, nanos: 700_000_000 });
        Vertex { completed, error: error.to_owned(), ..vertex.clone() }
    }

    fn wrote(digest: &str, text: &str) -> VertexLog {
        VertexLog { vertex: digest.to_owned(), msg: text.into(), ..VertexLog::default() }
    }

    /// What the log says after these messages.
    #[track_caller]
    fn check(messages: Vec<(Vec<Vertex>, Vec<VertexLog>)>, expected: &[&str]) -> Progress {
        let said = Arc::new(Capture::default());
        let mut progress = Progress::new(Log::new(said.clone()));
        for (vertexes, logs) in messages {
            progress.on_status(StatusResponse { vertexes, logs, ..StatusResponse::default() });
        }
        progress.finish();
        let said = String::from_utf8(said.take(Stream::Out)).unwrap();
        assert_eq!(said.lines().collect::<Vec<_>>(), expected);
        progress
    }

    #[test]
    fn steps_side_by_side_are_told_apart() {
        let (a, b) = (vertex("a", "[one 2/2] RUN x"), vertex("b", "[two 2/3] RUN y"));
        let messages = vec![
            (vec![a.clone(), b.clone()], vec![wrote("a", "fi"), wrote("b", "second\n")]),
            (vec![], vec![wrote("a", "rst\n10%\r20%\r\nun"), wrote("b", "\n")]),
            (vec![ended(&a, 0, ""), ended(&b, 3, "")], vec![wrote("a", "finished")]),
            (vec![ended(&a, 0, "")], vec![]),
        ];
        let expected = [
            "[one 2/2] RUN x",
            "[two 2/3] RUN y",
            "[two 2/3] second",
            "[one 2/2] first",
            "[one 2/2] 20%",
            "[two 2/3]",
            "[one 2/2] unfinished",
            "[one 2/2] done in 0.2s",
            "[two 2/3] done in 3.2s",
        ];
        check(messages, &expected);
    }

    #[test]
    fn cached_steps_are_marked_and_the_engine_s_own_are_quiet() {
        let cached = Vertex { cached: true, ..vertex("c", "[1/2] COPY . .") };
        let (quick, slow) = (vertex("q", "[internal] load x"), vertex("s", "exporting to image"));
        let (auth, waiting) = (vertex("t", "[auth] x pull"), Vertex { started: None, ..vertex("w", "[2/2] RUN z") });
        let messages = vec![
            (vec![quick.clone(), auth.clone(), waiting], vec![]),
            (vec![ended(&quick, 0, ""), ended(&auth, 0, ""), ended(&cached, 0, ""), slow.clone()], vec![]),
            (vec![ended(&slow, 2, "")], vec![]),
        ];
        check(messages, &["[1/2] COPY . . (cached)", "exporting to image done in 2.2s"]);
    }

    #[test]
    fn the_step_that_failed_is_known_and_what_it_wrote_last() {
        let (a, b) = (vertex("a", "[1/2] RUN a"), vertex("b", "[2/2] RUN b"));
        let lines: String = (0..30).map(|number| format!("{number}\n")).collect();
        let messages = vec![
            (vec![a.clone(), b.clone()], vec![]),
            (vec![ended(&b, 0, "context canceled"), ended(&a, 1, "x: exit code: 2")], vec![wrote("a", &lines)]),
        ];
        let mut expected = vec!["[1/2] RUN a".to_owned(), "[2/2] RUN b".to_owned()];
        expected.extend((0..30).map(|number| format!("[1/2] {number}")));
        expected.extend(["[2/2] cancelled after 0.2s", "[1/2] failed after 1.2s: exit code 2"].map(str::to_owned));
        let progress = check(messages, &expected.iter().map(String::as_str).collect::<Vec<_>>());
        let failed = progress.failed().unwrap();
        assert_eq!((failed.label(), failed.instruction(), failed.tail.len()), ("[1/2]", "RUN a", TAIL_LINES));
        assert_eq!(failed.tail.last().map(String::as_str), Some("29"));
        assert_eq!(failed.complaint, None);
    }

    #[test]
    fn the_last_line_on_standard_error_is_kept() {
        let on = |stream, text: &str| VertexLog { stream, ..wrote("a", text) };
        let logs = vec![on(2, "first\nno such "), on(2, "flag\n+ exit 1\n \n"), on(1, "before\n")];
        let messages = vec![(vec![vertex("a", "[1/1] RUN a")], logs)];
        let lines = ["RUN a", "first", "no such flag", "+ exit 1", "", "before"];
        let lines = lines.map(|line| format!("[1/1] {line}").trim_end().to_owned());
        let progress = check(messages, &lines.each_ref().map(String::as_str));
        assert_eq!(progress.steps[0].complaint.as_deref(), Some("no such flag"));
    }
}
