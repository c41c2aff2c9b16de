//! Building with the classic builder, where the engine has no BuildKit or the user wants none: the context goes as one archive,
//! and the steps come back as text.
#![expect(clippy::disallowed_methods, reason = "reads the list of what the context leaves out")]

use super::{
    archive,
    blame::{self, Blamed, BuildFailure},
    context::Context,
    http::{self, Answer},
    log::Log,
    progress::TAIL_LINES,
    recipe::Recipe,
    said as words,
};
use crate::{
    host::docker::{Connection, credentials::Credentials},
    model::{Failure, ImageId, ImageRef},
};
use base64::{Engine as _, engine::general_purpose};
use hyper::{Method, Request, header};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// One line of the engine's answer.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Message {
    stream: String,
    status: String,
    id: String,
    error: String,
    aux: Aux,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Aux {
    #[serde(rename = "ID")]
    id: String,
}

/// Builds an image. Dropping the future ends the build at the engine.
pub(super) async fn build(
    connection: &Connection,
    recipe: &Recipe<'_>,
    mut query: Vec<(&'static str, String)>,
    credentials: &Credentials,
    log: &Log,
) -> Result<ImageId, BuildFailure> {
    check(recipe).map_err(BuildFailure::Recipe)?;
    let context = Context { root: recipe.build.context.clone(), rules: recipe.build.ignore.clone() };
    let (name, texts) = dockerfile(recipe, &context);
    query.retain(|(parameter, _)| *parameter != "dockerfile");
    query.push(("dockerfile", name.to_string_lossy().into_owned()));
    let request = Request::builder()
        .method(Method::POST)
        .uri(http::path(connection, "/build", &query))
        .header(header::CONTENT_TYPE, "application/x-tar")
        .header("X-Registry-Config", logins(recipe, credentials, log).await);
    let body = http::streamed(archive::stream(context, texts));
    let mut steps = Steps::new(log.clone());
    let failed = |error| match error {
        http::Error::Refused(message) => blame::of_text(recipe, &message),
        lost @ http::Error::Lost(_) => {
            (BuildFailure::of_http(connection, "the image cannot be built", lost), Vec::new())
        }
    };
    let answer = match http::ask(connection, request, body).await {
        Ok(answer) => answer.accepted().await,
        Err(error) => Err(error),
    };
    let said = match answer {
        Ok(mut answer) => read(&mut answer, &mut steps).await,
        Err(error) => Err(error),
    };
    let (failure, excerpt) = match said {
        Ok(Ok(id)) => return Ok(id),
        Ok(Err(said)) => steps.blamed(recipe, &said),
        Err(error) => failed(error),
    };
    excerpt.iter().for_each(|line| log.line(line));
    Err(failure)
}

fn check(recipe: &Recipe<'_>) -> Result<(), Failure> {
    if recipe.build.secrets.is_empty() && recipe.build.ssh.is_empty() {
        return Ok(());
    }
    Err(Failure {
        message: "secrets and ssh of a build need BuildKit, and this is the classic builder".to_owned(),
        help: Some("unset `DOCKER_BUILDKIT`, or use an engine that has BuildKit".to_owned()),
    })
}

/// Where the Dockerfile lies in the archive, and what is put into that besides the files of the context.
fn dockerfile(recipe: &Recipe<'_>, context: &Context) -> (PathBuf, Vec<(PathBuf, Vec<u8>)>) {
    let own = recipe.build.dockerfile_path.as_ref().filter(|path| path.is_within(&context.root));
    let own = own
        .filter(|path| recipe.text == recipe.build.dockerfile && !context.rules.iter().any(|rule| rule.ignores(path)));
    if let Some(relative) = own.and_then(|path| path.as_path().strip_prefix(context.root.as_path()).ok()) {
        return (relative.to_owned(), vec![(relative.to_owned(), recipe.text.clone().into_bytes())]);
    }
    // The engine takes away a Dockerfile that this file names, once it has read it.
    let name = format!(".dockerfile.{}", super::private::unique_name());
    let ignore = Path::new(".dockerignore");
    let left_out = ignore_text(context, ignore);
    let both_gone = if left_out.is_none() { "\n.dockerignore" } else { "" };
    let left_out = format!("{}\n{name}{both_gone}\n", left_out.unwrap_or_default());
    let texts =
        vec![(PathBuf::from(&name), recipe.text.clone().into_bytes()), (ignore.to_owned(), left_out.into_bytes())];
    (name.into(), texts)
}

/// The text of a file of the context that lists what to leave out, unless it is left out itself.
fn ignore_text(context: &Context, name: &Path) -> Option<String> {
    let path = context.root.join(name);
    let is_sent = !context.rules.iter().any(|rule| rule.ignores(&path));
    is_sent.then(|| fs::read_to_string(path.as_path()).ok()).flatten()
}

/// The header with the logins for the registries that the Dockerfile names.
async fn logins(recipe: &Recipe<'_>, credentials: &Credentials, log: &Log) -> String {
    let images = recipe.dockerfile.images(&recipe.environment.resolve(&recipe.build.build_args));
    let references = images.iter().filter_map(|image| ImageRef::parse(&image.reference).ok());
    let mut logins = BTreeMap::new();
    for registry in references.map(|reference| reference.domain().to_owned()) {
        match credentials.for_engine(&registry).await {
            Ok(Some(login)) => drop(logins.insert(Credentials::key_of(&registry).to_owned(), login)),
            Ok(None) => {}
            // Most images can be had by anybody.
            Err(failure) => log.line(&failure.message),
        }
    }
    general_purpose::URL_SAFE.encode(serde_json::to_vec(&logins).unwrap_or_default())
}

/// The id of the image, or why there is none.
async fn read(answer: &mut Answer, steps: &mut Steps) -> Result<Result<ImageId, String>, http::Error> {
    let mut built = None;
    while let Some(line) = answer.line().await? {
        let Ok(message) = serde_json::from_slice::<Message>(&line) else { continue };
        if !message.error.is_empty() {
            steps.finish();
            return Ok(Err(message.error));
        }
        if !message.aux.id.is_empty() {
            built = Some(ImageId(message.aux.id.into()));
        }
        steps.on_text(&message.stream);
        if !message.status.is_empty() && message.id.is_empty() {
            steps.on_text(&format!("{}\n", message.status));
        }
    }
    steps.finish();
    // A connection that breaks may look like an answer that ends.
    built.map(Ok).ok_or_else(|| http::Error::Lost(std::io::ErrorKind::UnexpectedEof.into()))
}

/// What the classic builder itself says.
const OWN_WORDS: [&str; 5] =
    ["Step ", " ---> ", "Removing intermediate container ", "Successfully built ", "Successfully tagged "];
const RED: &str = "\u{1b}[91m";
const NO_COLOUR: &str = "\u{1b}[0m";

/// What the classic builder says, as lines like BuildKit's.
#[derive(Debug)]
struct Steps {
    log: Log,
    partial: String,
    /// As in `[2/5]`.
    label: String,
    instruction: String,
    /// The step was not said yet, since it may be one that is cached.
    unsaid: bool,
    tail: Vec<String>,
    /// What is in `partial` was written to standard error.
    complains: bool,
    complaint: Option<String>,
}

impl Steps {
    fn new(log: Log) -> Self {
        let (partial, label, instruction, complaint) = Default::default();
        Self { log, partial, label, instruction, unsaid: false, tail: Vec::new(), complains: false, complaint }
    }

    /// Takes a message. What the engine itself says begins a line, whatever a command left unfinished; what a command wrote to
    /// its standard error comes in red.
    fn on_text(&mut self, text: &str) {
        if OWN_WORDS.iter().any(|own| text.starts_with(own)) && !self.partial.is_empty() {
            self.partial.push('\n');
        }
        self.complains = text.starts_with(RED);
        let text = text.strip_prefix(RED).unwrap_or(text);
        self.partial.push_str(text.strip_suffix(NO_COLOUR).unwrap_or(text));
        while let Some(end) = self.partial.find('\n') {
            let rest = self.partial.split_off(end + 1);
            let line = std::mem::replace(&mut self.partial, rest);
            self.on_line(line.trim_end_matches(['\n', '\r']));
        }
    }

    fn on_line(&mut self, line: &str) {
        if let Some((numbers, instruction)) = line.strip_prefix("Step ").and_then(|step| step.split_once(" : ")) {
            self.say("");
            self.label = format!("[{numbers}]");
            instruction.clone_into(&mut self.instruction);
            self.unsaid = true;
            self.tail.clear();
            self.complaint = None;
        } else if line == " ---> Using cache" {
            self.say(" (cached)");
        } else if !OWN_WORDS.iter().any(|own| line.starts_with(own)) {
            self.say("");
            self.log.line(&format!("{} {line}", self.label));
            if self.tail.len() == TAIL_LINES {
                self.tail.remove(0);
            }
            self.tail.push(line.to_owned());
            if self.complains && words::is_complaint(line) {
                self.complaint = Some(line.to_owned());
            }
        }
    }

    fn say(&mut self, mark: &str) {
        if std::mem::take(&mut self.unsaid) {
            self.log.line(&format!("{} {}{mark}", self.label, self.instruction));
        }
    }

    fn finish(&mut self) {
        let rest = std::mem::take(&mut self.partial);
        if !rest.is_empty() {
            self.on_line(&rest);
        }
        self.say("");
    }

    fn blamed(&self, recipe: &Recipe<'_>, said: &str) -> (BuildFailure, Vec<String>) {
        if self.label.is_empty() {
            return blame::of_text(recipe, said);
        }
        self.log.line(&format!("{} failed: {said}", self.label));
        let step = Blamed {
            label: &self.label,
            instruction: &self.instruction,
            error: said,
            tail: &self.tail,
            complaint: self.complaint.as_deref(),
        };
        blame::of_step(recipe, &step)
    }
}
