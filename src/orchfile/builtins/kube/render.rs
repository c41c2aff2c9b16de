//! `helm` and `kustomize`: manifests that other programs make.

#![expect(clippy::too_many_arguments, reason = "the signatures are those of the language")]

use super::{
    super::{
        blob::Blob,
        image::ignore::{is_file, is_folder},
        shlex,
        tree::Tree,
        unpack::{Flag, Given, Maybe, Optional, PathOrList, PathText, Text, TextOrList},
        yaml, yaml_print,
    },
    kustomization,
};
use crate::{
    model::FilePath,
    orchfile::{
        Fault, SourceCommand,
        context::{Context, context, resolve_path},
    },
};
use starlark::{environment::GlobalsBuilder, eval::Evaluator, starlark_module};
use std::collections::BTreeMap;

/// How many lines of a failed program's standard error a message shows.
const TAIL_LINES: usize = 8;
/// Kinds that live in no namespace, of those that charts hold.
const WITHOUT_NAMESPACE: [&str; 14] = [
    "APIService",
    "ClusterRole",
    "ClusterRoleBinding",
    "CSIDriver",
    "CustomResourceDefinition",
    "IngressClass",
    "MutatingWebhookConfiguration",
    "Namespace",
    "PersistentVolume",
    "PriorityClass",
    "RuntimeClass",
    "StorageClass",
    "ValidatingAdmissionPolicy",
    "ValidatingWebhookConfiguration",
];

/// Runs the first of these programs that is there; `None` where none is.
fn run(commands: Vec<Vec<String>>, context: &Context<'_>) -> Result<Option<String>, Fault> {
    for argv in commands {
        let shown = argv.iter().map(|word| shlex::quote(word)).collect::<Vec<_>>().join(" ");
        let (dir, env) = (context.dir(), BTreeMap::new());
        let command = SourceCommand { argv, dir, env, stdin: None, quiet: true, echo: false, inputs: None };
        let Ok(output) = context.run(command) else { continue };
        if output.code == 0 {
            return Ok(Some(String::from_utf8_lossy(&output.stdout).into_owned()));
        }
        let stderr = String::from_utf8_lossy(&output.stderr).replace(&format!("{}/", context.root), "");
        let lines: Vec<_> = stderr.trim_end().lines().collect();
        let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n");
        let reason = if tail.is_empty() { String::new() } else { format!(":\n{tail}") };
        let message = format!("`{shown}` failed with exit code {}{reason}", output.code);
        return Err(Fault::new("orchfile::command_failed", message));
    }
    Ok(None)
}

fn missing_tool(message: &str, help: &str) -> Fault {
    Fault::new("orchfile::missing_tool", message).help(help)
}

/// A path as seen from a folder.
fn relative(path: &FilePath, folder: &FilePath) -> String {
    let up = folder.as_path().ancestors().position(|ancestor| path.as_path().starts_with(ancestor));
    let up = up.unwrap_or_else(|| folder.as_path().components().count());
    let shared = folder.as_path().ancestors().nth(up);
    let rest = shared.and_then(|shared| path.as_path().strip_prefix(shared).ok());
    let rest = rest.map(|rest| rest.display().to_string()).unwrap_or_default();
    let steps = std::iter::repeat_n("..".to_owned(), up).chain(Some(rest).filter(|rest| !rest.is_empty()));
    let steps: Vec<_> = steps.collect();
    if steps.is_empty() { ".".to_owned() } else { steps.join("/") }
}

/// The chart's own output without its tests, in the namespace that was asked for.
fn of_chart(text: &str, namespace: &str) -> Result<String, Fault> {
    let documents: Vec<_> = divided(text).into_iter().filter(|document| !is_test(document)).collect();
    let text = documents.join("---\n");
    if namespace.is_empty() {
        return Ok(text);
    }
    let invalid = |reason| Fault::new("orchfile::invalid_yaml", format!("what helm printed is no YAML: {reason}"));
    let mut trees = yaml::parse_stream(&text).map_err(invalid)?;
    trees.iter_mut().for_each(|tree| put_into(tree, namespace));
    Ok(yaml_print::print_stream(&trees))
}

fn divided(text: &str) -> Vec<String> {
    let mut documents = vec![String::new()];
    for line in text.lines() {
        if line.trim_end() == "---" {
            documents.push(String::new());
        } else if let Some(document) = documents.last_mut() {
            document.push_str(line);
            document.push('\n');
        }
    }
    documents
}

/// Helm says of each document which file it came from.
fn is_test(document: &str) -> bool {
    document.lines().any(|line| line.starts_with("# Source: ") && line.contains("/tests/"))
}

fn put_into(object: &mut Tree, namespace: &str) {
    let Tree::Map(fields) = object else { return };
    let is_outside = |(key, value): &(String, Tree)| {
        key == "kind" && matches!(value, Tree::Text(kind) if WITHOUT_NAMESPACE.contains(&kind.as_str()))
    };
    if fields.iter().any(is_outside) {
        return;
    }
    let metadata = fields.iter_mut().find(|(key, _)| key == "metadata");
    if let Some((_, Tree::Map(metadata))) = metadata
        && !metadata.iter().any(|(key, _)| key == "namespace")
    {
        metadata.push(("namespace".to_owned(), Tree::Text(namespace.to_owned())));
    }
}

/// Watches what a chart is made of.
fn watch_chart(chart: &FilePath, values: &[FilePath], context: &Context<'_>) {
    context.watch(chart.clone());
    values.iter().for_each(|file| context.watch(file.clone()));
    // The older place of dependencies; Tilt looks there too.
    let requirements = context.peek(&chart.join("requirements.yaml"), 1 << 20).unwrap_or_default();
    for line in String::from_utf8_lossy(&requirements).lines() {
        if let Some((_, path)) = line.split_once("file://") {
            context.watch(chart.join(path.trim().trim_matches(['"', '\''])));
        }
    }
}

/// Adds the builtins.
#[starlark_module]
pub(super) fn register(builder: &mut GlobalsBuilder) {
    /// What `helm template` makes of a chart. The chart and the files with values are watched.
    ///
    /// # Arguments
    /// * `paths`: the folder of the chart
    /// * `name`: the name of the release
    /// * `namespace`: where the objects are that name no namespace
    /// * `values`: files with values, later ones overriding
    /// * `set`: values as `KEY=VALUE`
    /// * `kube_version`: the version of Kubernetes that the chart is to believe in
    /// * `skip_crds`: whether to leave out its definitions of kinds
    fn helm<'v>(
        paths: Given<'v, PathText>,
        name: Option<Given<'v, Text>>,
        namespace: Option<Given<'v, Text>>,
        values: Option<Given<'v, PathOrList>>,
        set: Option<Given<'v, TextOrList>>,
        kube_version: Option<Given<'v, Text>>,
        skip_crds: Option<Given<'v, Flag>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Blob> {
        let context = context(eval);
        let given = paths.take("paths", eval)?;
        let chart = resolve_path(eval, &given);
        let name = name.take_given("name", eval)?.filter(|name| !name.is_empty());
        let namespace = namespace.take_or_default("namespace", eval)?;
        let values: Vec<_> =
            values.take_or_default("values", eval)?.iter().map(|path| resolve_path(eval, path)).collect();
        let set = set.take_or_default("set", eval)?;
        let version = kube_version.take_or_default("kube_version", eval)?;
        let skip_crds = skip_crds.take_or_default("skip_crds", eval)?;
        if !is_file(&chart.join("Chart.yaml"), context) {
            let message = format!("`{}` is no chart: a folder with a `Chart.yaml` is one", context.display(&chart));
            let help = "charts of a repository are fetched with `helm pull --untar` first";
            return Err(Fault::value(message).help(help).at_literal(given).into());
        }
        watch_chart(&chart, &values, context);
        let mut argv = vec!["helm".to_owned(), "template".to_owned()];
        argv.extend([name.unwrap_or_else(|| "chart".to_owned()), chart.to_string()]);
        for (flag, value) in [("--namespace", &namespace), ("--kube-version", &version)] {
            if !value.is_empty() {
                argv.extend([flag.to_owned(), value.clone()]);
            }
        }
        argv.extend(Some("--include-crds".to_owned()).filter(|_| !skip_crds));
        argv.extend(values.iter().flat_map(|file| ["--values".to_owned(), file.to_string()]));
        argv.extend(set.into_iter().flat_map(|value| ["--set".to_owned(), value]));
        let missing = || missing_tool("`helm` is needed to read charts, and is not in the PATH", "install Helm 3");
        let text = run(vec![argv], context)?.ok_or_else(missing)?;
        Ok(Blob::new(of_chart(&text, &namespace)?, format!("helm: {}", context.display(&chart))))
    }

    /// What `kustomize build` makes of a folder. All that its files name is watched.
    ///
    /// # Arguments
    /// * `paths`: the folder with a `kustomization.yaml`
    /// * `kustomize_bin`: the program, instead of `kustomize`, or `kubectl` where that is not there
    /// * `flags`: what else it is told
    fn kustomize<'v>(
        paths: Given<'v, PathText>,
        kustomize_bin: Option<Given<'v, Maybe<PathText>>>,
        flags: Option<Given<'v, TextOrList>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Blob> {
        let context = context(eval);
        let folder = resolve_path(eval, &paths.take("paths", eval)?);
        let program = kustomize_bin.take_or_default("kustomize_bin", eval)?.filter(|program| !program.is_empty());
        let flags = flags.take_or_default("flags", eval)?;
        let command = |words: &[&str]| {
            let words = words.iter().map(|word| (*word).to_owned());
            words.chain(flags.iter().cloned()).chain([relative(&folder, &context.dir())]).collect::<Vec<_>>()
        };
        let programs = match &program {
            // A bare name is looked for in the PATH, as always.
            Some(path) if path.contains('/') => vec![command(&[&resolve_path(eval, path).to_string(), "build"])],
            Some(name) => vec![command(&[name, "build"])],
            None => vec![command(&["kustomize", "build"]), command(&["kubectl", "kustomize"])],
        };
        if !is_folder(&folder, context) {
            let message = format!("there is no folder `{}` to build", context.display(&folder));
            let help = "name the folder that holds the `kustomization.yaml`; a path begins in the folder of the file that calls";
            return Err(Fault::new("orchfile::missing_file", message).at_argument("paths").help(help).into());
        }
        kustomization::watch(&folder, context);
        let missing = || {
            let (what, help) = match &program {
                Some(name) => (format!("there is no program `{name}`"), "mend `kustomize_bin`"),
                None => (
                    "`kustomize` or `kubectl` is needed to read kustomizations, and neither is in the PATH".to_owned(),
                    "install one of them",
                ),
            };
            missing_tool(&what, help)
        };
        let text = run(programs, context)?.ok_or_else(missing)?;
        Ok(Blob::new(text, format!("kustomize: {}", context.display(&folder))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_is_put_into_its_namespace_without_its_tests() {
        let text = "---\n# Source: c/templates/a.yaml\nkind: A\nmetadata: {name: a}\n---\n# Source: c/templates/tests/t.yaml\n\
            kind: B\n---\nkind: ClusterRole\nmetadata: {name: r}\n---\nkind: C\nmetadata: {namespace: own}\n";
        let expected = "kind: A\nmetadata:\n  name: a\n  namespace: ns\n---\nkind: ClusterRole\nmetadata:\n  name: r\n---\n\
            kind: C\nmetadata:\n  namespace: own\n";
        assert_eq!(of_chart(text, "ns").unwrap(), expected);
        assert!(!of_chart(text, "").unwrap().contains("kind: B"));
    }

    #[test]
    fn paths_are_seen_from_the_folder_of_the_file() {
        let path = |from: &str, to: &str| relative(&FilePath::new(to), &FilePath::new(from));
        assert_eq!(path("/a/b", "/a/b/c/d"), "c/d");
        assert_eq!(path("/a/b", "/a/x"), "../x");
        assert_eq!(path("/a/b", "/a/b"), ".");
        assert_eq!(path("/a/b", "/x"), "../../x");
    }
}
