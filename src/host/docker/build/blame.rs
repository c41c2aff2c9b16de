//! Why a build failed, in the user's words, with the line of the Dockerfile where there is one to blame. What the engine itself
//! cannot do is told apart from what the Dockerfile says.

use super::{http, recipe::Recipe};
use crate::{
    host::docker::Connection,
    model::{Dockerfile, Failure, dockerfile::Instruction},
};
use regex::Regex;
use std::sync::LazyLock;

/// Why there is no image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildFailure {
    /// What the user wrote does not make an image; to build it again would fail again.
    Recipe(Failure),
    /// The engine cannot: its disk is full, a registry does not answer.
    Engine(Failure),
    /// The engine went away in the middle: it may be built again when it is back.
    Lost(Failure),
}

impl BuildFailure {
    /// What to tell the user.
    #[must_use]
    pub fn failure(&self) -> &Failure {
        match self {
            Self::Recipe(failure) | Self::Engine(failure) | Self::Lost(failure) => failure,
        }
    }

    /// The same, by value.
    #[must_use]
    pub fn into_failure(self) -> Failure {
        match self {
            Self::Recipe(failure) | Self::Engine(failure) | Self::Lost(failure) => failure,
        }
    }

    /// What went wrong between orch and the engine while `doing`, as in "the image `x` cannot be built".
    pub(super) fn of_http(connection: &Connection, doing: &str, error: http::Error) -> Self {
        match error {
            http::Error::Lost(error) => Self::Lost(connection.lost(error)),
            http::Error::Refused(message) => of_engine(&message).unwrap_or_else(|| {
                Self::Recipe(Failure { message: format!("{doing}: {}", message.trim()), help: None })
            }),
        }
    }
}

/// What the engine says when it is at fault, or its surroundings.
pub(super) fn of_engine(said: &str) -> Option<BuildFailure> {
    let failure = |message: String, help: &str| Failure { message, help: Some(help.to_owned()) };
    if said.contains("no space left on device") {
        let message = "the disk of the Docker Engine is full".to_owned();
        let help = "`docker system df` shows what fills it, `docker builder prune` frees what builds left";
        return Some(BuildFailure::Engine(failure(message, help)));
    }
    let went =
        ["context canceled", "no active session", "session healthcheck failed", "error reading from server: EOF"];
    if went.iter().any(|sign| said.contains(sign)) {
        let message = format!("the Docker Engine ended the build: {}", shortened(said));
        return Some(BuildFailure::Lost(failure(message, "look whether it is being stopped or started again")));
    }
    None
}

/// A step that failed.
pub(super) struct Blamed<'a> {
    /// As in `[build 2/5]`; empty where it is not known.
    pub(super) label: &'a str,
    /// As in `RUN make`.
    pub(super) instruction: &'a str,
    /// What the engine said of it.
    pub(super) error: &'a str,
    /// What it wrote last.
    pub(super) tail: &'a [String],
}

/// The failure of a step, and the lines of the log that show its place.
pub(super) fn of_step(recipe: &Recipe<'_>, step: &Blamed<'_>) -> (BuildFailure, Vec<String>) {
    if let Some(failure) = of_engine(step.error) {
        return (failure, Vec::new());
    }
    let line = find(&recipe.dockerfile, step.label, step.instruction).map(|found| *found.lines.start());
    let line = line.or_else(|| missing_image(recipe, step.instruction));
    let what = match exit_code(step.error) {
        Some(code) => {
            let said = step.tail.iter().rev().find(|line| !line.trim().is_empty());
            let said = said.map(|line| format!("; it wrote last: {}", shortened(line))).unwrap_or_default();
            format!("`{}` ended with exit code {code}{said}", shortened(step.instruction))
        }
        None => format!("`{}`: {}", shortened(step.instruction), shortened(step.error)),
    };
    let help = help(step);
    match line {
        Some(line) => {
            let message = format!("{}: {what}", recipe.place(line));
            (BuildFailure::Recipe(Failure { message, help }), recipe.excerpt(line))
        }
        None => (BuildFailure::Recipe(Failure { message: format!("{}: {what}", recipe.shown), help }), Vec::new()),
    }
}

/// The failure of a build without a step: of a Dockerfile that cannot be read, for instance.
pub(super) fn of_text(recipe: &Recipe<'_>, said: &str) -> (BuildFailure, Vec<String>) {
    if let Some(failure) = of_engine(said) {
        return (failure, Vec::new());
    }
    let (line, what) = parse_error(said);
    let line = line.or_else(|| only_one(&recipe.dockerfile, what));
    let what = shortened(what);
    let failure = |message| BuildFailure::Recipe(Failure { message, help: None });
    match line {
        Some(line) => (failure(format!("{}: {what}", recipe.place(line))), recipe.excerpt(line)),
        None => (failure(format!("{}: {what}", recipe.shown)), Vec::new()),
    }
}

fn help(step: &Blamed<'_>) -> Option<String> {
    let help = if step.tail.iter().any(|line| line.contains("No space left on device")) {
        "the disk of the Docker Engine may be full: `docker system df` shows what fills it"
    } else if step.error.contains("not found") && step.instruction.starts_with(['C', 'A']) {
        "look whether the file is in the build context, and not left out by `.dockerignore`, `ignore` or `only`"
    } else if ["pull access denied", "authorization failed", "401 Unauthorized"]
        .iter()
        .any(|sign| step.error.contains(sign))
    {
        "look at the name of the image, and `docker login` to its registry"
    } else {
        return None;
    };
    Some(help.to_owned())
}

/// The code of a command that failed.
pub(super) fn exit_code(error: &str) -> Option<i32> {
    static CODE: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?:exit code: |returned a non-zero code: )(-?\d+)").ok());
    CODE.as_ref()?.captures(error)?.get(1)?.as_str().parse().ok()
}

/// The line that a parser complains of, counted from 1, and its complaint.
fn parse_error(said: &str) -> (Option<usize>, &str) {
    static LINE: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?i)(?:dockerfile )?parse error (?:on )?line (\d+): ").ok());
    let found = LINE.as_ref().and_then(|regex| regex.captures(said));
    if let Some((all, line)) = found.and_then(|found| Some((found.get(0)?, found.get(1)?.as_str().parse().ok()))) {
        return (line, &said[all.end()..]);
    }
    // Both builders name parts of their own that the complaint went through.
    let own = said.rsplit("failed to create LLB definition: ").next().unwrap_or(said);
    (None, own.strip_prefix("failed to parse Dockerfile: ").unwrap_or(own))
}

/// The line of the only instruction of the kind that a complaint is about: `ENV must have two arguments`.
fn only_one(dockerfile: &Dockerfile, said: &str) -> Option<usize> {
    let keyword = said.split_whitespace().next()?;
    let mut meant = dockerfile.instructions.iter().filter(|instruction| instruction.keyword == keyword);
    meant.next().filter(|_| meant.next().is_none()).map(|instruction| *instruction.lines.start())
}

/// One line, not too long.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 200;
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.trim_end_matches('.');
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The line of the `FROM` whose image could not be had: `[internal] load metadata for docker.io/library/x:latest`.
fn missing_image(recipe: &Recipe<'_>, step: &str) -> Option<usize> {
    let reference = step.split("load metadata for ").nth(1)?.trim();
    let named = recipe.dockerfile.images(&recipe.environment.resolve(&recipe.build.build_args));
    let is_meant = |image: &&crate::model::dockerfile::NamedImage| {
        let full = crate::model::ImageRef::parse(&image.reference).map(|image| image.to_string());
        full.is_ok_and(|full| reference == full || reference.strip_suffix(":latest") == Some(&full))
    };
    let image = named.iter().find(is_meant)?;
    Some(*recipe.dockerfile.instructions.get(image.instruction)?.lines.start())
}

/// The instruction that a step is: `label` is like `[build 2/5]`, `text` like `RUN make`. A base image may have put steps of its own
/// before it (`ONBUILD`), and variables may be replaced in the text, so that neither alone is certain.
fn find<'a>(dockerfile: &'a Dockerfile, label: &str, text: &str) -> Option<&'a Instruction> {
    let (stage, position) = parse_label(label);
    let steps = stage_steps(dockerfile, stage);
    let keyword = text.split_whitespace().next()?.to_uppercase();
    let alike = |step: &&&Instruction| step.keyword == keyword;
    let same_text =
        |step: &&&Instruction| alike(step) && words(&step.rest) == words(text.get(keyword.len()..).unwrap_or(""));
    let same: Vec<_> = steps.iter().filter(same_text).collect();
    let of_kind: Vec<_> = steps.iter().filter(alike).collect();
    let at_position = position.filter(|(_, total)| *total == steps.len()).and_then(|(index, _)| steps.get(index - 1));
    match (same.as_slice(), at_position.filter(alike), of_kind.as_slice()) {
        ([only], _, _) => Some(only),
        (_, Some(step), _) => Some(step),
        ([first, ..], None, _) => Some(first),
        ([], None, [only]) => Some(only),
        _ => None,
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// The stage's name, and which of how many steps.
fn parse_label(label: &str) -> (Option<&str>, Option<(usize, usize)>) {
    let inside = label.trim_matches(['[', ']']);
    let (stage, steps) = inside.rsplit_once(' ').map_or((None, inside), |(stage, steps)| (Some(stage), steps));
    let numbers =
        steps.split_once('/').and_then(|(step, of)| Some((step.trim().parse().ok()?, of.trim().parse().ok()?)));
    (stage.map(str::trim), numbers.filter(|(step, _)| *step > 0))
}

/// The instructions of a stage that BuildKit counts; all of the file if the stage is not known.
fn stage_steps<'a>(dockerfile: &'a Dockerfile, stage: Option<&str>) -> Vec<&'a Instruction> {
    let starts = |(_, instruction): &(usize, &Instruction)| instruction.keyword == "FROM";
    let starts: Vec<_> = dockerfile.instructions.iter().enumerate().filter(starts).collect();
    let is_meant = |(number, (_, from)): &(usize, &(usize, &Instruction))| match stage {
        None => starts.len() == 1,
        Some(stage) => from.stage().map_or(stage == format!("stage-{number}"), |name| name.eq_ignore_ascii_case(stage)),
    };
    let found = starts.iter().enumerate().find(is_meant);
    let (start, end) = match found {
        Some((number, (start, _))) => {
            (*start, starts.get(number + 1).map_or(dockerfile.instructions.len(), |(next, _)| *next))
        }
        None => (0, dockerfile.instructions.len()),
    };
    let stages: Vec<_> = starts.iter().filter_map(|(_, from)| from.stage()).collect();
    let is_counted = |instruction: &&Instruction| match instruction.keyword.as_str() {
        "FROM" => instruction.base().is_some_and(|base| base != "scratch" && !stages.contains(&base)),
        keyword => matches!(keyword, "RUN" | "COPY" | "ADD" | "WORKDIR"),
    };
    dockerfile.instructions[start..end].iter().filter(is_counted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line_of(text: &str, label: &str, instruction: &str) -> Option<usize> {
        find(&Dockerfile::parse(text), label, instruction).map(|found| *found.lines.start())
    }

    #[test]
    fn a_step_is_found_by_its_text_or_its_place() {
        let text =
            "FROM a AS build\nRUN x\nRUN make &&\\\n  y\nENV A=1\nWORKDIR /a\nFROM build\nCOPY $A /\nRUN x\nCOPY b /";
        assert_eq!(line_of(text, "[build 3/4]", "RUN make && y"), Some(3));
        assert_eq!(line_of(text, "[stage-1 2/3]", "RUN x"), Some(9), "not that of the other stage");
        assert_eq!(line_of(text, "[stage-1 1/3]", "COPY 1 /"), Some(8), "by its place, since a variable was replaced");
        assert_eq!(line_of(text, "[stage-1 2/4]", "COPY 1 /"), None, "a base image put a step before it");
        assert_eq!(line_of(text, "[build 1/4]", "FROM docker.io/library/a"), Some(1));
        assert_eq!(line_of("FROM scratch\nCOPY a /\nCOPY b /", "[2/2]", "COPY B /"), Some(3));
        assert_eq!(line_of("FROM a\nRUN x\nRUN x", "[3/3]", "RUN x"), Some(3));
        assert_eq!(line_of("FROM a\nRUN x", "", "RUN x"), Some(2));
    }

    #[test]
    fn the_line_of_a_parse_error_is_read() {
        let said = "failed to solve: dockerfile parse error on line 3: unknown instruction: RUM";
        assert_eq!(parse_error(said), (Some(3), "unknown instruction: RUM"));
        let said = "failed to create LLB definition: dockerfile parse error line 12: FROM requires";
        assert_eq!(parse_error(said), (Some(12), "FROM requires"));
        assert_eq!(parse_error("x: failed to create LLB definition: no stage"), (None, "no stage"));
    }

    #[test]
    fn the_exit_code_is_read_from_both_builders() {
        assert_eq!(exit_code("executor failed running [/bin/sh -c x]: exit code: 3"), Some(3));
        assert_eq!(exit_code("The command '/bin/sh -c x' returned a non-zero code: 127"), Some(127));
        assert_eq!(exit_code("not found"), None);
    }
}
