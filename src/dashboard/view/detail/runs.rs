//! What ran, and what was wrong when it failed.

use super::{Detail, Lines};
use crate::{
    dashboard::{
        look::Tone,
        text::{broken, fitted, plain},
        view::cells::Piece,
    },
    logs::line::visible,
    snapshot::{RunRow, UpdateStatus, words},
};

impl Detail<'_> {
    /// The last lines of what failed.
    pub(super) fn error(&self) -> Lines {
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

    pub(super) fn runs(&self, ended: &[RunRow], current: Option<&RunRow>) -> Lines {
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
}
