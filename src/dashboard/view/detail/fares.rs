//! How the resource fares, and why.

use super::{Detail, Lines};
use crate::{
    dashboard::{list, look::Tone},
    snapshot::{InstanceRow, RuntimeStatus, UpdateStatus, words},
};
use std::fmt::Write;

impl Detail<'_> {
    /// How it fares, and why.
    pub(super) fn head(&self) -> Lines {
        let row = self.row;
        let mut lines = Vec::new();
        let (update, tone) = list::update_words(row, self.now);
        if !update.is_empty() {
            let ended = list::last_run(row).and_then(|run| run.ended_at).filter(|_| row.current_run.is_none());
            let ago = ended.map(|at| format!(", {}", self.age(at))).unwrap_or_default();
            lines.extend(self.fact("update", tone, &format!("{update}{ago}")));
        }
        let failed = list::last_run(row).filter(|_| row.update == UpdateStatus::Error);
        if let Some((run, exit)) = failed.and_then(|run| Some((run, run.exit.as_ref()?))) {
            lines.extend(self.fact("failed", Tone::Bad, &words::exit_of(run, exit)));
        }
        if let Some(run) = row.current_run.as_ref().or_else(|| list::last_run(row)) {
            let image = row.images.iter().find(|image| image.runs.contains(run)).map(|image| &image.image);
            let whose = image.map_or_else(|| row.name.to_string(), ToString::to_string);
            let number = format!("{whose}#{}", run.run);
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
        if let Some(cause) = &instance.cause {
            write!(text, " ({})", words::cause(cause, &self.root)).ok();
        }
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
}
