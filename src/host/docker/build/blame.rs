//! Why a build failed, in the user's words, with the line of the Dockerfile where there is one to blame. What the engine itself
//! cannot do is told apart from what the Dockerfile says.

use super::{
    http, place,
    recipe::Recipe,
    said::{self, shortened},
};
use crate::{host::docker::Connection, model::Failure};

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

/// What the engine says when it is at fault.
pub(super) fn of_engine(said: &str) -> Option<BuildFailure> {
    let failure = |message: String, help: &str| Failure { message, help: Some(help.to_owned()) };
    if said::is_full(said) {
        let message = "the disk of the Docker Engine is full".to_owned();
        let help = "`docker system df` shows what fills it, `docker builder prune` frees what builds left";
        return Some(BuildFailure::Engine(failure(message, help)));
    }
    said::is_interrupted(said).then(|| {
        let message = format!("the Docker Engine ended the build: {}", shortened(said));
        BuildFailure::Lost(failure(message, "look whether it is being stopped or started again"))
    })
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
    /// What it wrote last to its standard error.
    pub(super) complaint: Option<&'a str>,
}

/// A failure, and the lines of the log that show its place.
pub(super) type Verdict = (BuildFailure, Vec<String>);

/// Why a step failed.
pub(super) fn of_step(recipe: &Recipe<'_>, step: &Blamed<'_>) -> Verdict {
    if let Some(failure) = of_engine(step.error) {
        return (failure, Vec::new());
    }
    if let Some(syntax) = said::wanted_syntax(step.instruction) {
        let what = format!("the image `{syntax}`, which is to read the Dockerfile, cannot be had");
        let help = "without network take the line `# syntax=` away: the engine reads Dockerfiles too";
        return at(
            recipe,
            place::of_syntax(&recipe.text),
            &not_had(&what, step.error),
            Some(help),
            said::is_away(step.error),
        );
    }
    let place = place::of_step(&recipe.dockerfile, step.label, step.instruction);
    if let Some((line, image)) = missing_image(recipe, step.instruction, place) {
        let what = not_had(&format!("the image `{image}` cannot be had"), step.error);
        return at(recipe, line, &what, help(step), said::is_away(step.error));
    }
    at(recipe, place, &what_of(step), help(step), said::is_away(step.error) && said::exit_code(step.error).is_none())
}

/// The image that a step was to get, and the line that names it. BuildKit has a step of its own for that.
fn missing_image(recipe: &Recipe<'_>, step: &str, place: Option<usize>) -> Option<(Option<usize>, String)> {
    if let Some(image) = said::wanted_image(step) {
        let found = place::of_image(recipe, image).map(|(line, image)| (Some(line), image));
        return Some(found.unwrap_or_else(|| (None, image.to_owned())));
    }
    let image = step.strip_prefix("FROM ")?;
    let written = place.and_then(|line| place::image_in(recipe, line));
    Some((place, written.unwrap_or_else(|| image.to_owned())))
}

fn what_of(step: &Blamed<'_>) -> String {
    let instruction = shortened(step.instruction);
    if let Some(code) = said::exit_code(step.error) {
        let last = step.tail.iter().rev().map(String::as_str).find(|line| !line.trim().is_empty());
        let last = step.complaint.or(last);
        let last = last.map(|line| format!("; it wrote last: {}", shortened(line))).unwrap_or_default();
        return format!("`{instruction}` ended with exit code {code}{last}");
    }
    match said::missing_file(step.error).filter(|_| !instruction.contains("--from=")) {
        Some(path) => format!("`{instruction}`: there is no `{path}` in the build context"),
        None => format!("`{instruction}`: {}", shortened(step.error)),
    }
}

fn not_had(what: &str, error: &str) -> String {
    format!("{what}: {}", shortened(error))
}

fn help(step: &Blamed<'_>) -> Option<&'static str> {
    if step.tail.iter().any(|line| line.contains("No space left on device")) {
        Some("the disk of the Docker Engine may be full: `docker system df` shows what fills it")
    } else if said::missing_file(step.error).is_some() && !step.instruction.contains("--from=") {
        Some("look whether `.dockerignore`, `ignore` or `only` leaves it out")
    } else if said::is_denied(step.error) {
        Some("look at the name of the image, and `docker login` to its registry")
    } else if said::is_away(step.error) && said::exit_code(step.error).is_none() {
        Some("look at the name, and at the network of the Docker Engine")
    } else {
        None
    }
}

/// Why a build failed before its first step: of a Dockerfile that cannot be read, for instance.
pub(super) fn of_text(recipe: &Recipe<'_>, text: &str) -> Verdict {
    if let Some(failure) = of_engine(text) {
        return (failure, Vec::new());
    }
    let (line, what) = said::parse_error(text);
    if what == "no build stage in current context" {
        let first = recipe.dockerfile.instructions.first().map(|first| *first.lines.start());
        return at(recipe, first, "the first instruction must be `FROM`", None, false);
    }
    let quoted = || what.split('"').nth(1).and_then(|quoted| place::of_image(recipe, quoted)).map(|(line, _)| line);
    let line = line.or_else(|| place::of_kind(&recipe.dockerfile, what)).or_else(quoted);
    at(recipe, line, &shortened(what), None, false)
}

/// A failure at a line of the Dockerfile.
fn at(recipe: &Recipe<'_>, line: Option<usize>, what: &str, help: Option<&str>, is_away: bool) -> Verdict {
    let place = line.map_or_else(|| recipe.shown.clone(), |line| recipe.place(line));
    let failure = Failure { message: format!("{place}: {what}"), help: help.map(str::to_owned) };
    let failure = if is_away { BuildFailure::Engine(failure) } else { BuildFailure::Recipe(failure) };
    (failure, line.map(|line| recipe.excerpt(line)).unwrap_or_default())
}
