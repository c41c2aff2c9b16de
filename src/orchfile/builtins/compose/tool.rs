//! The compose tool: asks it what compose files mean.

use super::{PROFILES, fault};
use crate::{
    model::{ComposeProject, Digest, compose_plugins},
    orchfile::{EntryKind, Fault, SourceCommand, SourceOutput, context::Context, draft::ComposeText, text::Site},
};
use std::{borrow::Cow, collections::BTreeMap};

/// What docker says where it has no such plugin.
const NO_PLUGIN: [&str; 4] = [
    "unknown flag: --project-name",
    "'compose' is not a docker command",
    "unknown command: docker compose",
    "shorthand",
];

/// What the tool makes of the texts: JSON, with all values resolved. What it warns of becomes a warning at `site`. `inputs` is the
/// digest of all that it reads, where that is known.
pub(super) fn config(
    project: &ComposeProject,
    texts: &[ComposeText],
    inputs: Option<Digest>,
    site: Option<&Site>,
    context: &Context<'_>,
) -> Result<String, Fault> {
    let (arguments, stdin) = arguments(project, texts);
    for tool in tools(context) {
        let command = SourceCommand {
            argv: tool.into_iter().chain(arguments.iter().cloned()).collect(),
            dir: context.dir(),
            env: environment(project),
            stdin: stdin.clone(),
            quiet: true,
            echo: false,
            inputs,
        };
        match context.run(command) {
            Ok(output) if !is_absent(&output) => return answer(&output, texts, site, context),
            Ok(_) | Err(_) => {}
        }
    }
    Err(fault::no_tool())
}

/// How the tool may be called here: docker's plugin itself, through docker, or by a name of its own.
fn tools(context: &Context<'_>) -> Vec<Vec<String>> {
    let plugins = compose_plugins(context.env("DOCKER_CONFIG").as_deref(), context.env("HOME").as_deref());
    let plugin = plugins.into_iter().find(|path| matches!(context.kind(path), Ok(Some(EntryKind::File))));
    let plugin = plugin.map(|path| vec![path.to_string()]);
    let others = [&["docker", "compose"][..], &["docker-compose"]];
    plugin.into_iter().chain(others.map(|words| words.iter().map(|word| (*word).to_owned()).collect())).collect()
}

fn is_absent(output: &SourceOutput) -> bool {
    let stderr = String::from_utf8_lossy(&output.stderr);
    output.code != 0 && NO_PLUGIN.iter().any(|said| stderr.contains(said))
}

fn answer(
    output: &SourceOutput,
    texts: &[ComposeText],
    site: Option<&Site>,
    context: &Context<'_>,
) -> Result<String, Fault> {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let said = fault::Said::of(&stderr, context);
    if output.code != 0 {
        return Err(said.refusal(output.code, texts, context));
    }
    for warning in &said.warnings {
        context.warn(site, "orchfile::compose_warning", format!("docker compose: {warning}"), None);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The tool's arguments, and what it reads. It reads one text at most: where there are several they go as one stream of
/// documents, which mean the same, since all paths in them are relative to the project's folder anyway.
fn arguments(project: &ComposeProject, texts: &[ComposeText]) -> (Vec<String>, Option<String>) {
    let mut arguments = vec!["--project-name".to_owned(), project.name.clone()];
    arguments.extend(["--project-directory".to_owned(), project.dir.to_string()]);
    if let Some(file) = &project.env_file {
        arguments.extend(["--env-file".to_owned(), file.to_string()]);
    }
    for profile in project.profiles.iter().flatten() {
        arguments.extend(["--profile".to_owned(), profile.clone()]);
    }
    let inline: Vec<_> = texts.iter().filter(|text| text.path.is_none()).collect();
    let named = if inline.len() > 1 { &[] } else { texts };
    for text in named {
        let path = text.path.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        arguments.extend(["-f".to_owned(), path]);
    }
    let stdin = match inline.as_slice() {
        [] => None,
        [text] => Some(text.text.clone()),
        _ => {
            arguments.extend(["-f".to_owned(), "-".to_owned()]);
            Some(texts.iter().map(|text| document(&text.text)).collect())
        }
    };
    arguments.extend(["config", "--format", "json"].map(str::to_owned));
    (arguments, stdin)
}

/// A text as a document of a stream.
fn document(text: &str) -> Cow<'_, str> {
    let separator = if text.starts_with("---") { "" } else { "---\n" };
    let end = if text.ends_with('\n') { "" } else { "\n" };
    format!("{separator}{text}{end}").into()
}

/// What the call says holds against what the environment says of the same.
fn environment(project: &ComposeProject) -> BTreeMap<String, Option<String>> {
    let mut changes = BTreeMap::from([("COMPOSE_PROJECT_NAME".to_owned(), None)]);
    if project.profiles.is_some() {
        changes.insert(PROFILES.to_owned(), Some(String::new()));
    }
    if project.env_file.is_some() {
        changes.insert("COMPOSE_ENV_FILES".to_owned(), None);
    }
    changes
}
