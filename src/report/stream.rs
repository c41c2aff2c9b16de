//! Log lines as the stream form shows them: `resource │ text`.

use super::{Look, columns::columns, look::Colour};
use crate::{
    logs::{
        Batch, Line, LogName, Stream,
        escapes::{printable, without_escapes},
    },
    model::Level,
    snapshot::words,
};

/// Names longer than this are not padded to.
const PAD_MAX: usize = 24;
/// What lines of the Orchfile itself are labelled with.
const ORCHFILE: &str = "Orchfile";
const ESCAPE: u8 = 0x1b;

/// Draws lines, with the names in a column.
#[derive(Debug, Clone)]
pub struct StreamForm {
    look: Look,
    pad: usize,
}

impl StreamForm {
    /// A form for that output.
    pub fn new(look: Look) -> Self {
        Self { look, pad: ORCHFILE.len() }
    }

    /// Makes room for these names.
    pub fn fit<'a>(&mut self, names: impl Iterator<Item = &'a str>) {
        let widest = names.map(columns).filter(|width| *width <= PAD_MAX).max();
        self.pad = self.pad.max(widest.unwrap_or(0));
    }

    /// Appends the lines, and what was dropped for want of room before them.
    pub fn draw_batch(&self, batch: &Batch, out: &mut Vec<u8>) {
        self.draw_dropped(batch, out);
        batch.lines.iter().for_each(|line| self.draw(line, out));
    }

    /// Appends a line that parts what earlier sessions said from what comes.
    pub fn draw_beginning(&self, text: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(self.look.paint(Colour::Dim, format!("── {text} ──")).as_bytes());
        out.push(b'\n');
    }

    /// Appends what was dropped for want of room.
    pub fn draw_dropped(&self, batch: &Batch, out: &mut Vec<u8>) {
        for (log, count) in &batch.dropped {
            let dropped = format!("… {} of {log} dropped", words::count_of(*count, "line"));
            out.extend_from_slice(self.look.paint(Colour::Yellow, dropped).as_bytes());
            out.push(b'\n');
        }
    }

    /// Appends a line, with its end.
    pub fn draw(&self, line: &Line, out: &mut Vec<u8>) {
        self.prefix(line, out);
        let text = line.visible();
        match line.stream {
            Stream::Orch => self.draw_own(line, text, out),
            Stream::Out | Stream::Err => {
                let printable = printable(text, self.look.colour);
                let has_colours = printable.contains(&ESCAPE);
                out.extend(printable);
                if has_colours {
                    out.extend_from_slice(b"\x1b[0m");
                }
            }
        }
        out.push(b'\n');
    }

    /// What orch says itself; a drawn error has its own colours.
    fn draw_own(&self, line: &Line, text: &[u8], out: &mut Vec<u8>) {
        if text.contains(&ESCAPE) {
            let plain = if self.look.colour { text.to_vec() } else { without_escapes(text) };
            return out.extend_from_slice(&plain);
        }
        let mark = if matches!(line.log, LogName::Resource(_)) { "▸ " } else { "" };
        let text = format!("{mark}{}", String::from_utf8_lossy(text));
        let painted = match line.level {
            Some(Level::Error) => self.look.paint(Colour::Red, text),
            Some(Level::Warning) => self.look.paint(Colour::Yellow, text),
            Some(Level::Info) | None => self.look.paint(Colour::Dim, text),
        };
        out.extend_from_slice(painted.as_bytes());
    }

    fn prefix(&self, line: &Line, out: &mut Vec<u8>) {
        let name = match (&line.log, line.stream) {
            (LogName::Resource(name), _) => name.as_str(),
            (LogName::Session, Stream::Out | Stream::Err) => ORCHFILE,
            // What orch says of the session as a whole, drawn errors among it, stands on its own.
            (LogName::Session, Stream::Orch) => return,
        };
        let pad = self.pad.saturating_sub(columns(name));
        out.extend(std::iter::repeat_n(b' ', pad));
        out.extend_from_slice(self.look.paint_name(name, name).as_bytes());
        out.extend_from_slice(" │ ".as_bytes());
    }
}
