//! What it is made of: pods, containers, images, and what leads to them.

use super::{Detail, Lines};
use crate::{
    dashboard::{buttons::button_words, look::Tone, state::Dashboard, text::columns, view::cells::piece},
    model::PodState,
    snapshot::{ButtonRow, ImageRow, UpdateStatus, words},
};

impl Detail<'_> {
    pub(super) fn pods(&self) -> Lines {
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

    pub(super) fn forwards(&self) -> Lines {
        let pods = self.row.instance.as_ref().map_or(&[][..], |instance| instance.pods.as_slice());
        self.row.forwards.iter().map(|row| self.line(Tone::Plain, words::forward(row, pods))).collect()
    }

    pub(super) fn containers(&self) -> Lines {
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

    pub(super) fn images(&self) -> Lines {
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
            let runs = self.runs(&image.runs, image.current_run.as_ref());
            lines.extend(runs.into_iter().map(|mut run| {
                run.insert(0, self.piece(Tone::Plain, "  "));
                run
            }));
        }
        lines
    }
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

/// The buttons that can be pressed here; `p` does it.
pub(super) fn buttons(dashboard: &Dashboard) -> Lines {
    let look = dashboard.setting.look;
    let buttons = dashboard.buttons();
    let width = buttons.iter().map(|row| columns(&row.button.text)).max().unwrap_or(0).min(40);
    let line = |row: &&ButtonRow| {
        let (state, tone) = button_words(row, dashboard.session_time());
        let whose = match &row.button.resource {
            Some(_) if row.button.resource == dashboard.selected => String::new(),
            Some(name) => format!("  of {name}"),
            None => "  of the session".to_owned(),
        };
        let fill = width.saturating_sub(columns(&row.button.text));
        vec![
            piece(look, Tone::Plain, format!("  {}{}", row.button.text, " ".repeat(fill))),
            piece(look, Tone::Dim, whose),
            piece(look, tone, format!("  {state}")),
        ]
    };
    let mut lines: Lines = buttons.iter().map(line).collect();
    if !lines.is_empty() {
        lines.push(vec![piece(look, Tone::Dim, "  p presses one")]);
    }
    lines
}
