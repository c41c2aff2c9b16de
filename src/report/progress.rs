//! The line at the bottom of a terminal while `orch ci` goes on: how far it is, and what it is at.

use super::{Look, look::Colour};
use crate::{
    model::Time,
    snapshot::{Row, RuntimeStatus, Snapshot, UpdateStatus, words},
};

/// The line, no wider than the terminal. `now` may be later than the snapshot.
pub fn line(snapshot: &Snapshot, now: Time, look: Look) -> String {
    if snapshot.mode.is_none() {
        return cut("evaluating the Orchfile", look);
    }
    let rows: Vec<&Row> = snapshot.rows.iter().map(|row| &**row).filter(|row| row.spec.enabled).collect();
    let ready = rows.iter().filter(|row| row.is_ready()).count();
    let failed =
        rows.iter().filter(|row| row.update == UpdateStatus::Error || row.runtime == RuntimeStatus::Error).count();
    let mut text = format!("{ready}/{} ready", rows.len());
    if failed > 0 {
        text = format!("{text}, {failed} failed");
    }
    let doing: Vec<String> = rows.iter().filter_map(|row| doing(row, now)).collect();
    if !doing.is_empty() {
        text = format!("{text} · {}", doing.join(", "));
    }
    cut(&format!("[{}] {text}", words::duration(now.0)), look)
}

/// What goes on with it, and since when.
fn doing(row: &Row, now: Time) -> Option<String> {
    let build = row
        .images
        .iter()
        .find_map(|image| image.current_run.as_ref().map(|run| (format!("image {}", image.image), run)));
    let run = row.current_run.as_ref().map(|run| (row.name.to_string(), run));
    if let Some((what, run)) = build.or(run) {
        return Some(format!("{what} {}", words::duration(now.since(run.started_at))));
    }
    let starting = row.instance.as_ref().filter(|one| one.exit.is_none() && row.runtime == RuntimeStatus::Pending);
    starting.map(|one| format!("{} not ready for {}", row.name, words::duration(now.since(one.started_at))))
}

fn cut(text: &str, look: Look) -> String {
    let room = look.width.saturating_sub(1);
    let shown: String = if text.chars().count() <= room {
        text.to_owned()
    } else {
        text.chars().take(room.saturating_sub(1)).chain(['…']).collect()
    };
    look.paint(Colour::Dim, shown)
}
