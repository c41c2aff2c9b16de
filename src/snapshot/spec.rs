//! What the Orchfile says of a resource, for who wants to read it: made when its declaration changes, shared by all snapshots
//! since. Values of secrets are not in it.

use crate::model::{
    Command, Container, ContainerImage, ContainerSource, FilePath, FileSet, IgnoreRule, Kind, KubeSpec, LiveUpdate,
    Local, Location, PodReadiness, Probe, ProbeAction, Project, Resource, RestartStep,
};
use serde::{Deserialize, Serialize};

/// A resource as it is declared.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Spec {
    /// Where the user declared it.
    pub declared_at: Option<Location>,
    /// Whether it is part of this session.
    pub enabled: bool,
    /// Whether it starts with the session.
    pub auto_init: bool,
    /// What it runs and is made of.
    pub parts: Vec<Part>,
    /// Files that decide what comes of its runs; one for each set.
    pub inputs: Vec<Input>,
    /// Files and folders that its runs write.
    pub outputs: Vec<FilePath>,
    /// What must hold before it is ready, in words.
    pub readiness: Vec<String>,
}

/// One thing that a resource runs or is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// What it is, as the Orchfile calls it: `cmd`, `serve_cmd`, `image`, …
    pub name: String,
    /// A command line, a reference, a list.
    pub text: String,
    /// Where it is run, if it is run here.
    pub dir: Option<FilePath>,
}

/// A set of files, as it is watched.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Input {
    /// Files and whole folders; the first few.
    pub roots: Vec<FilePath>,
    /// How many there are.
    pub root_count: u64,
    /// What of them is left out, a pattern each; the first few.
    pub ignore: Vec<String>,
    /// How many there are.
    pub ignore_count: u64,
}

impl Input {
    /// How many roots and patterns are shown.
    pub const SHOWN: usize = 50;

    fn of(files: &FileSet, root: &FilePath) -> Self {
        let patterns: Vec<String> = files.ignore.iter().flat_map(|rule| patterns_of(rule, root)).collect();
        Self {
            roots: files.roots.iter().take(Self::SHOWN).cloned().collect(),
            root_count: files.roots.len() as u64,
            ignore_count: patterns.len() as u64,
            ignore: patterns.into_iter().take(Self::SHOWN).collect(),
        }
    }
}

/// Patterns of a rule as people read them: with the folder they hold in, where that is not the project's.
fn patterns_of(rule: &IgnoreRule, root: &FilePath) -> Vec<String> {
    let base = rule.base.display_from(root);
    if rule.patterns.is_empty() {
        return vec![base];
    }
    let at = if rule.base == *root { String::new() } else { format!(" (in {base})") };
    rule.patterns.iter().map(|pattern| format!("{pattern}{at}")).collect()
}

impl Spec {
    /// What `project` says of the resource.
    #[must_use]
    pub fn of(project: &Project, resource: &Resource) -> Self {
        let (mut parts, readiness) = match &resource.kind {
            Kind::Local(local) => (local_parts(local), local_readiness(local)),
            Kind::Container(container) => (container_parts(container), container_readiness(container)),
            Kind::Kube(kube) => (kube_parts(kube), vec![kube_readiness(kube)]),
        };
        parts.iter_mut().for_each(|part| part.text = project.without_secrets(&part.text));
        let inputs = resource.kind.inputs().iter().filter(|files| !files.roots.is_empty());
        Self {
            declared_at: resource.declared_at.clone(),
            enabled: resource.enabled,
            auto_init: resource.auto_init,
            parts,
            inputs: inputs.map(|files| Input::of(files, &project.root)).collect(),
            outputs: resource.kind.outputs().to_vec(),
            readiness: readiness.iter().map(|text| project.without_secrets(text)).collect(),
        }
    }
}

fn part(name: &str, text: String) -> Part {
    Part { name: name.to_owned(), text, dir: None }
}

fn command(name: &str, command: &Command) -> Part {
    Part { dir: Some(command.dir.clone()), ..part(name, command_line(&command.argv)) }
}

/// A command as a shell would take it; the text of `sh -c` as it was written.
#[must_use]
pub fn command_line(argv: &[String]) -> String {
    match argv {
        [shell, dash, text] if shell == "sh" && dash == "-c" => text.clone(),
        words => words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
    }
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

fn local_parts(local: &Local) -> Vec<Part> {
    let cmd = local.cmd.as_ref().map(|cmd| command("cmd", cmd));
    let serve = local.serve.as_ref().map(|serve| command("serve_cmd", &serve.command));
    let teardown = local.teardown.as_ref().map(|teardown| command("teardown_cmd", teardown));
    cmd.into_iter().chain(serve).chain(teardown).collect()
}

fn local_readiness(local: &Local) -> Vec<String> {
    let Some(serve) = &local.serve else { return Vec::new() };
    let line = serve.ready_log_line.as_ref().map(|line| format!("a line of its log matches `{line}`"));
    serve.probe.as_ref().map(probe).into_iter().chain(line).collect()
}

/// What a probe does, in words.
fn probe(probe: &Probe) -> String {
    let what = match &probe.action {
        ProbeAction::Exec { argv } => format!("`{}` succeeds", command_line(argv)),
        ProbeAction::HttpGet { host, port, scheme, path, .. } => {
            let scheme = scheme.as_deref().unwrap_or("http").to_lowercase();
            let (host, path) = (host.as_deref().unwrap_or("localhost"), path.as_deref().unwrap_or("/"));
            format!("{scheme}://{host}:{port}{path} answers with a status of 200 to 399")
        }
        ProbeAction::TcpSocket { host, port } => {
            format!("{}:{port} takes a connection", host.as_deref().unwrap_or("localhost"))
        }
    };
    let (period, timeout) = (probe.period().as_secs(), probe.timeout().as_secs());
    format!("{what}; asked every {period}s with {timeout}s to answer")
}

fn container_parts(container: &Container) -> Vec<Part> {
    let source = match &container.source {
        ContainerSource::Compose { project, service, .. } => {
            vec![part("service", format!("{service} of the compose project {project}"))]
        }
        ContainerSource::Plain(spec) => spec.command.iter().map(|argv| part("command", command_line(argv))).collect(),
    };
    let image = match &container.image {
        ContainerImage::Built(key) => part("image", format!("{key}, built here")),
        ContainerImage::Pulled(reference) => part("image", reference.clone()),
    };
    let live = container.live_updates.iter().map(live_update);
    std::iter::once(image).chain(source).chain(live).collect()
}

fn container_readiness(container: &Container) -> Vec<String> {
    let what = if container.health_check { "its health check passes" } else { "it runs" };
    vec![what.to_owned()]
}

/// The steps of a live update in a line.
fn live_update(update: &LiveUpdate) -> Part {
    let syncs = update.syncs.iter().map(|sync| format!("sync {} to {}", sync.local.path, sync.remote));
    let runs = update.runs.iter().map(|run| format!("run `{}`", command_line(&run.argv)));
    let restart = match &update.restart {
        RestartStep::Never => None,
        RestartStep::Always => Some("restart".to_owned()),
        RestartStep::On(_) => Some("restart after some changes".to_owned()),
    };
    let steps: Vec<String> = syncs.chain(runs).chain(restart).collect();
    part("live_update", steps.join(", "))
}

fn kube_parts(kube: &KubeSpec) -> Vec<Part> {
    let object = |object: &std::sync::Arc<crate::model::KubeObject>| {
        let namespace = object.namespace.as_ref().map(|namespace| format!(" in {namespace}")).unwrap_or_default();
        part("object", format!("{} {}{namespace}", object.kind, object.name))
    };
    let custom = kube
        .custom
        .iter()
        .flat_map(|custom| [command("apply_cmd", &custom.apply), command("delete_cmd", &custom.delete)]);
    let images = kube.images.iter().map(|key| part("image", format!("{key}, built here")));
    let live = kube.live_updates.iter().map(|live| live_update(&live.update));
    kube.objects.iter().map(object).chain(custom).chain(images).chain(live).collect()
}

fn kube_readiness(kube: &KubeSpec) -> String {
    match kube.pod_readiness {
        PodReadiness::Ignore => "it is applied",
        PodReadiness::Wait => "the newest pod runs and all its containers are ready",
        PodReadiness::Succeeded => "the newest pod has ended well",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_read_as_they_were_written() {
        let line = |words: &[&str]| command_line(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
        assert_eq!(line(&["sh", "-c", "echo $HOME | wc"]), "echo $HOME | wc");
        assert_eq!(line(&["cargo", "run", "a b", "it's", ""]), r"cargo run 'a b' 'it'\''s' ''");
    }
}
