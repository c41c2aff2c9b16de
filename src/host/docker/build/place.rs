//! Which line of the user's Dockerfile something is about that the engine says: engines name steps, images and instructions, and
//! rarely lines.

use super::recipe::Recipe;
use crate::model::{Dockerfile, ImageRef, dockerfile::Instruction};

/// The line of a step, counted from 1: `label` is like `[build 2/5]`, `text` like `RUN make`.
pub(super) fn of_step(dockerfile: &Dockerfile, label: &str, text: &str) -> Option<usize> {
    let found = find(dockerfile, label, text).or_else(|| download(dockerfile, text));
    found.map(first_line)
}

/// The line of the `FROM` or `COPY --from` that names this image, and the reference as the user means it.
pub(super) fn of_image(recipe: &Recipe<'_>, reference: &str) -> Option<(usize, String)> {
    let full = |text: &str| ImageRef::parse(text).map_or_else(|_| text.to_owned(), |image| image.to_string());
    let reference = full(reference);
    let is_meant = |written: &str| {
        let written = full(written);
        written == reference || Some(written.as_str()) == reference.strip_suffix(":latest")
    };
    images(recipe).into_iter().find(|(_, written)| is_meant(written))
}

/// The image that the `FROM` in this line names, variables replaced.
pub(super) fn image_in(recipe: &Recipe<'_>, line: usize) -> Option<String> {
    images(recipe).into_iter().find(|(own, _)| *own == line).map(|(_, reference)| reference)
}

fn images(recipe: &Recipe<'_>) -> Vec<(usize, String)> {
    let named = recipe.dockerfile.images(&recipe.environment.resolve(&recipe.build.build_args));
    let line = |index: usize| recipe.dockerfile.instructions.get(index).map(first_line);
    named.into_iter().filter_map(|image| Some((line(image.instruction)?, image.reference))).collect()
}

/// The line of the only instruction of the kind that a complaint begins with: `ENV must have two arguments`.
pub(super) fn of_kind(dockerfile: &Dockerfile, said: &str) -> Option<usize> {
    let keyword = said.split_whitespace().next()?;
    let mut meant = dockerfile.instructions.iter().filter(|instruction| instruction.keyword == keyword);
    meant.next().filter(|_| meant.next().is_none()).map(first_line)
}

/// The line that names the image which reads the Dockerfile.
pub(super) fn of_syntax(text: &str) -> Option<usize> {
    let is_directive = |line: &str| {
        let line = line.trim_start_matches('#').trim_start();
        line.starts_with("syntax") && line["syntax".len()..].trim_start().starts_with('=')
    };
    let mut comments = (1..).zip(text.lines()).take_while(|(_, line)| line.starts_with('#'));
    comments.find(|(_, line)| is_directive(line)).map(|(number, _)| number)
}

fn first_line(instruction: &Instruction) -> usize {
    *instruction.lines.start()
}

/// The `ADD` of an address: the step has no other name.
fn download<'a>(dockerfile: &'a Dockerfile, address: &str) -> Option<&'a Instruction> {
    let adds = |instruction: &&Instruction| instruction.keyword == "ADD" && instruction.rest.contains(address);
    dockerfile.instructions.iter().find(adds).filter(|_| address.contains("://"))
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
    // A platform may stand before the stage.
    let (stage, steps) = inside.rsplit_once(' ').map_or((None, inside), |(stage, steps)| (Some(stage), steps));
    let stage = stage.and_then(|stage| stage.split_whitespace().next_back()).filter(|stage| !stage.contains('/'));
    let numbers =
        steps.split_once('/').and_then(|(step, of)| Some((step.trim().parse().ok()?, of.trim().parse().ok()?)));
    (stage, numbers.filter(|(step, _)| *step > 0))
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
        of_step(&Dockerfile::parse(text), label, instruction)
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
    fn other_things_have_lines_too() {
        let text = "# syntax = docker/dockerfile:1\nFROM a\nADD --checksum=x http://h/file /\nENV A\n";
        assert_eq!(of_syntax(text), Some(1));
        assert_eq!(of_syntax("# comment\n#syntax=x"), Some(2));
        assert_eq!(of_syntax("FROM a\n# syntax=x"), None);
        let dockerfile = Dockerfile::parse(text);
        assert_eq!(of_step(&dockerfile, "", "http://h/file"), Some(3));
        assert_eq!(of_kind(&dockerfile, "ENV must have two arguments"), Some(4));
        assert_eq!(of_step(&dockerfile, "[linux/arm64 1/2]", "FROM a"), Some(2));
    }
}
