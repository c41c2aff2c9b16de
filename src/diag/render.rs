//! Draws diagnostics for people. What is drawn is in the diagnostic; nothing is read here.

use super::{Diagnostic, Frame, Label, Severity};
use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan,
    SpanContents,
};
use std::fmt;

/// The drawing of diagnostics, at most `width` columns wide where the source allows it; ends in a newline unless there are
/// none. Without `colour` it holds no escape sequences.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], colour: bool, width: usize) -> String {
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(width.max(40)).with_links(false);
    let drawings: Vec<_> = diagnostics.iter().map(|diagnostic| draw(&handler, diagnostic)).collect();
    drawings.join("\n")
}

fn draw(handler: &GraphicalReportHandler, diagnostic: &Diagnostic) -> String {
    let (head, rest) = diagnostic.labels.split_first().map_or((None, &[][..]), |(head, rest)| (Some(head), rest));
    let beside = |label: &&Label| head.is_some_and(|head| span_within(head, label).is_some());
    let (near, far): (Vec<_>, Vec<_>) = rest.iter().partition(beside);
    let drawn = Drawn { diagnostic, head, near: &near, help: diagnostic.help.as_deref().filter(|_| far.is_empty()) };
    let mut text = String::new();
    draw_one(handler, &drawn, &mut text);
    for (place, label) in far.iter().enumerate() {
        let help = diagnostic.help.as_deref().filter(|_| place + 1 == far.len());
        draw_one(handler, &Further { label, help }, &mut text);
    }
    draw_frames(&diagnostic.frames, &mut text);
    let lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
    lines.fold(String::new(), |all, line| all + line + "\n")
}

fn draw_one(handler: &GraphicalReportHandler, drawn: &dyn miette::Diagnostic, text: &mut String) {
    if handler.render_report(text, drawn).is_err() {
        // What cannot be drawn (a span outside its excerpt) is still said.
        *text += "  × ";
        *text += &drawn.to_string();
        *text += "\n";
    }
}

fn draw_frames(frames: &[Frame], text: &mut String) {
    if frames.is_empty() {
        return;
    }
    text.push_str("  calls, outermost first:\n");
    let place = |frame: &Frame| format!("{}:{}:{}", frame.location.file, frame.location.line, frame.location.column);
    let width = frames.iter().map(|frame| place(frame).chars().count()).max().unwrap_or(0);
    let line = |frame: &Frame| format!("    {:width$}  {}\n", place(frame), frame.function);
    text.extend(frames.iter().map(line));
}

/// A diagnostic with its first place and those that stand in the same excerpt.
#[derive(Debug)]
struct Drawn<'a> {
    diagnostic: &'a Diagnostic,
    head: Option<&'a Label>,
    near: &'a [&'a Label],
    help: Option<&'a str>,
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for Drawn<'_> {}

impl miette::Diagnostic for Drawn<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.diagnostic.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Warning => miette::Severity::Warning,
            Severity::Error => miette::Severity::Error,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.map(|help| Box::new(help) as _)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.head.filter(|head| !head.excerpt.is_empty()).map(|head| head as _)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let head = self.head.filter(|head| !head.excerpt.is_empty())?;
        let near = self.near.iter().filter_map(|label| Some(labeled(label, span_within(head, label)?)));
        let primary = LabeledSpan::new_primary_with_span(label_text(head), head.span);
        Some(Box::new(std::iter::once(primary).chain(near)))
    }
}

/// A further place of a diagnostic, in an excerpt of its own.
#[derive(Debug)]
struct Further<'a> {
    label: &'a Label,
    help: Option<&'a str>,
}

impl fmt::Display for Further<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.label.text.is_empty() { "here" } else { &self.label.text })
    }
}

impl std::error::Error for Further<'_> {}

impl miette::Diagnostic for Further<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(miette::Severity::Advice)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.map(|help| Box::new(help) as _)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.label).filter(|label| !label.excerpt.is_empty()).map(|label| label as _)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(LabeledSpan::new(None, self.label.span.0, self.label.span.1))))
    }
}

fn labeled(label: &Label, span: (usize, usize)) -> LabeledSpan {
    LabeledSpan::new(label_text(label), span.0, span.1)
}

fn label_text(label: &Label) -> Option<String> {
    Some(label.text.clone()).filter(|text| !text.is_empty())
}

/// Where `label` stands in the excerpt of `head`, if all of it does.
fn span_within(head: &Label, label: &Label) -> Option<(usize, usize)> {
    if head.location.file != label.location.file || label.location.line < head.excerpt_line {
        return None;
    }
    let down = (label.location.line - head.excerpt_line) as usize;
    let line = head.excerpt.split_inclusive('\n').nth(down)?;
    let own_line = label.excerpt.split_inclusive('\n').nth((label.location.line - label.excerpt_line) as usize)?;
    let before: usize = head.excerpt.split_inclusive('\n').take(down).map(str::len).sum();
    let own_before: usize = label
        .excerpt
        .split_inclusive('\n')
        .take((label.location.line - label.excerpt_line) as usize)
        .map(str::len)
        .sum();
    let column = label.span.0.checked_sub(own_before)?;
    let fits = line == own_line && before + column + label.span.1 <= head.excerpt.len();
    fits.then_some((before + column, label.span.1))
}

/// The excerpt, whose lines keep the numbers that they have in the file.
impl SourceCode for Label {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let contents = self.excerpt.read_span(span, before, after)?;
        let is_head = (span.offset(), span.len()) == self.span && before == 0 && after == 0;
        // An excerpt of a long line begins within it; the place itself is known.
        let column = if is_head { self.location.column.saturating_sub(1) as usize } else { contents.column() };
        Ok(Box::new(MietteSpanContents::new_named(
            self.location.file.clone(),
            contents.data(),
            *contents.span(),
            contents.line() + (self.excerpt_line.max(1) - 1) as usize,
            column,
            contents.line_count(),
        )))
    }
}
