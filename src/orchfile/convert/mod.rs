//! Errors of the interpreter and of builtins to diagnostics: with a place in the user's files, the calls that led there, and
//! what to do. The only place that reads the interpreter's messages.

mod explain;
mod narrow;
mod signature;
mod syntax;

use super::{
    context::{Context, STD},
    fault::{At, Fault, Finding},
    load::plain_error,
    text::Site,
};
use crate::{
    diag::{Diagnostic, Frame},
    model::Location,
};
use starlark::{ErrorKind, codemap::FileSpan};

/// A longer chain of calls is cut in its middle.
const FRAMES_MAX: usize = 8;

/// The part of `site` that a message is about, without knowing what the call takes.
pub(super) fn narrow(site: &Site, at: &At) -> Site {
    narrow::narrow(site, at, Vec::new)
}

/// The fault that an error of the interpreter stands for, with its place.
pub(super) fn of_error(context: &Context<'_>, error: &starlark::Error) -> Fault {
    let calls = Calls::of(context, error);
    match fault_in(error) {
        Some(fault) if fault.is_exit() => fault.clone(),
        Some(fault) => match (fault.diagnostics(), fault.finding()) {
            (Some(inner), _) => Fault::diagnosed(inner.iter().map(|inner| calls.around(inner)).collect()),
            (None, Some(finding)) => Fault::diagnosed(vec![calls.diagnostic(context, finding)]),
            (None, None) => fault.clone(),
        },
        None => {
            let finding = explain::explain(context, error, &calls);
            Fault::diagnosed(vec![calls.diagnostic(context, &finding)])
        }
    }
}

/// The diagnostics of a fault that has no place of its own.
pub(super) fn of_fault(fault: &Fault) -> Vec<Diagnostic> {
    if let Some(diagnostics) = fault.diagnostics() {
        return diagnostics.to_vec();
    }
    fault.finding().map(without_place).into_iter().collect()
}

fn without_place(finding: &Finding) -> Diagnostic {
    let mut diagnostic = plain_error(finding.code, finding.message.clone());
    diagnostic.help.clone_from(&finding.help);
    diagnostic
}

/// What a builtin said, when the error came from one of orch's.
fn fault_in(error: &starlark::Error) -> Option<&Fault> {
    match error.kind() {
        ErrorKind::Native(inner) | ErrorKind::Other(inner) | ErrorKind::Value(inner) | ErrorKind::Function(inner) => {
            inner.downcast_ref()
        }
        _ => None,
    }
}

/// Where an error happened, in the user's files.
struct Calls {
    /// The innermost place of the user's.
    site: Option<Site>,
    /// What was called there, if it was a call.
    callee: Option<String>,
    /// The calls that led there, outermost first.
    frames: Vec<Frame>,
}

impl Calls {
    fn of(context: &Context<'_>, error: &starlark::Error) -> Self {
        let mut steps: Vec<(Option<&str>, &FileSpan)> = Vec::new();
        for frame in &error.call_stack().frames {
            if let Some(location) = &frame.location {
                steps.push((Some(&frame.name), location));
            }
        }
        // The last call is of what failed itself, or else the failure lies in what was called last.
        match error.span() {
            Some(span) if steps.last().is_none_or(|(_, last)| *last != span) => steps.push((None, span)),
            _ => {}
        }
        let is_users = |span: &FileSpan| !span.filename().starts_with(STD);
        let innermost = steps.iter().rposition(|(_, span)| is_users(span)).or_else(|| steps.len().checked_sub(1));
        let Some(innermost) = innermost else { return Self { site: None, callee: None, frames: Vec::new() } };
        let outer = steps[..innermost].iter().filter(|(_, span)| is_users(span));
        let frame = |(name, span): &(Option<&str>, &FileSpan)| {
            let location = context.site_of(span)?.location();
            Some(Frame { function: function_name(name.unwrap_or_default()), location })
        };
        let (callee, span) = steps[innermost];
        Self {
            site: context.site_of(span),
            callee: callee.map(str::to_owned),
            frames: cut(outer.filter_map(frame).collect()),
        }
    }

    fn diagnostic(&self, context: &Context<'_>, finding: &Finding) -> Diagnostic {
        let mut diagnostic = without_place(finding);
        diagnostic.frames.clone_from(&self.frames);
        if let Some(site) = &self.site {
            let parameters = || signature::of_call(context, site, self.callee.as_deref());
            let narrowed = match finding.code {
                syntax::CODE => syntax::place(site),
                _ => narrow::narrow(site, &finding.at, parameters),
            };
            diagnostic.labels = vec![narrowed.label(finding.label.clone())];
            diagnostic.labels.extend(syntax::unclosed(finding.code, site));
            diagnostic.labels.extend(finding.further.iter().cloned());
        }
        diagnostic
    }

    /// The diagnostic of a loaded file, with the calls that led to loading it.
    fn around(&self, inner: &Diagnostic) -> Diagnostic {
        let mut outer = inner.clone();
        let load = self.site.as_ref().map(|site| Frame {
            function: self.callee.as_deref().map_or_else(|| "load".to_owned(), function_name),
            location: site.location(),
        });
        outer.frames = self.frames.iter().cloned().chain(load).chain(outer.frames).collect();
        outer
    }
}

/// The name without the file that the interpreter puts before it.
fn function_name(name: &str) -> String {
    name.rsplit('/').next().map_or(name, |last| last.rsplit_once(".star.").map_or(last, |(_, name)| name)).to_owned()
}

fn cut(mut frames: Vec<Frame>) -> Vec<Frame> {
    let left_out = frames.len().saturating_sub(FRAMES_MAX);
    if left_out > 1 {
        let middle: Location = frames[FRAMES_MAX / 2].location.clone();
        let mark = Frame { function: format!("… and {left_out} calls more"), location: middle };
        frames.splice(FRAMES_MAX / 2..FRAMES_MAX / 2 + left_out, [mark]);
    }
    frames
}
