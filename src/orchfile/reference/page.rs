//! The reference as Markdown: one entry, or the whole page.

use super::{Entry, EntryKind, Parameter, entries};
use std::fmt::Write;

/// How the page begins.
const HEAD: &str = "\
# Reference

Every name that an Orchfile can use. `orch docs NAME` prints one of these entries, and this page is `orch docs >docs/reference.md`: both come
from what is written beside each function in orch's source.

`name=…` stands for a parameter that need not be given. Where a parameter takes a list, a tuple does, too.
";

/// Parts of the page: the title, and what the names in it begin with or are. A name belongs to the first part that has it.
const PARTS: &[(&str, &[&str])] = &[
    (
        "Commands and servers",
        &["local_resource", "test", "probe", "exec_action", "http_get_action", "tcp_socket_action"],
    ),
    ("Dependencies, triggers, links", &["dep", "trigger_mode", "TRIGGER_MODE_", "link"]),
    ("Images", &["docker_build", "custom_build", "default_registry", "docker_prune_settings"]),
    ("Live update", &["sync", "run", "fall_back_on", "initial_sync", "restart_container"]),
    ("Containers", &["docker_container", "docker_compose", "dc_resource"]),
    (
        "Kubernetes",
        &[
            "k8s_",
            "helm",
            "kustomize",
            "filter_yaml",
            "port_forward",
            "autoscale",
            "workload_to",
            "allow_k8s",
            "PodReadiness",
        ],
    ),
    ("Files and data", &["read_", "write_", "listdir", "watch_file", "decode_", "encode_", "blob", "local_git_repo"]),
    ("The machine", &["local", "os", "sys", "shlex"]),
    ("Arguments and settings", &["config", "update_settings", "ci_settings", "watch_settings", "version_settings"]),
    (
        "Other files, messages, secrets",
        &["include", "load_dynamic", "print", "warn", "fail", "exit", "secret", "module"],
    ),
    ("Tilt's API objects", &["v1alpha1"]),
    (
        "What Tiltfiles call and orch has no need of",
        &[
            "analytics_settings",
            "disable_snapshots",
            "enable_feature",
            "disable_feature",
            "experimental_",
            "secret_settings",
            "set_team",
        ],
    ),
];

/// The part of the language's own names.
const LANGUAGE: &str = "The language's own";

/// Names of the interpreter's, which need no explanation of ours.
const STARLARK: &[&str] = &[
    "False",
    "None",
    "True",
    "abs",
    "all",
    "any",
    "bool",
    "bytes",
    "call_stack",
    "call_stack_frame",
    "chr",
    "debug",
    "dict",
    "dir",
    "enum",
    "enumerate",
    "eval_type",
    "field",
    "filter",
    "float",
    "getattr",
    "hasattr",
    "hash",
    "int",
    "isinstance",
    "json",
    "len",
    "list",
    "map",
    "max",
    "min",
    "namespace",
    "ord",
    "partial",
    "range",
    "record",
    "repr",
    "reversed",
    "set",
    "sorted",
    "str",
    "struct",
    "tuple",
    "type",
    "typing",
    "zip",
];

/// The whole page.
#[must_use]
pub fn page() -> String {
    let all = entries();
    let mut page = HEAD.to_owned();
    let mut titles: Vec<&str> = PARTS.iter().map(|(title, _)| *title).collect();
    titles.push("More");
    for title in titles {
        let members: Vec<_> = all.iter().filter(|entry| entry.load.is_none() && part_of(entry) == title).collect();
        if members.is_empty() {
            continue;
        }
        write!(page, "\n## {title}\n").ok();
        members.iter().for_each(|entry| page.push_str(&of_entry(entry)));
    }
    libraries(&all, &mut page);
    write!(page, "\n## {LANGUAGE}\n\nStarlark's own functions; methods of text, lists and dicts are as in Python.\n\n")
        .ok();
    for entry in all.iter().filter(|entry| entry.load.is_none() && part_of(entry) == LANGUAGE) {
        let summary = entry.summary().lines().next().unwrap_or_default().trim_end_matches(':');
        let dash = if summary.is_empty() { "" } else { ": " };
        writeln!(page, "- `{}`{dash}{summary}", entry.name).ok();
    }
    page
}

fn libraries(all: &[Entry], page: &mut String) {
    let mut last = None;
    for entry in all.iter().filter(|entry| entry.load.is_some()) {
        if last != entry.load.as_ref() {
            last = entry.load.as_ref();
            write!(page, "\n## {}\n", last.map_or("", String::as_str)).ok();
        }
        page.push_str(&of_entry(entry));
    }
}

fn part_of(entry: &Entry) -> &'static str {
    let root = entry.name.split('.').next().unwrap_or_default();
    if STARLARK.contains(&root) {
        return LANGUAGE;
    }
    let is_of = |name: &str| root == name || (name.ends_with('_') || name.len() > 8) && root.starts_with(name);
    PARTS.iter().find(|(_, names)| names.iter().any(|name| is_of(name))).map_or("More", |(title, _)| title)
}

/// One entry: what it is called with, what it does, what its parameters mean.
#[must_use]
pub fn of_entry(entry: &Entry) -> String {
    let mut text = format!("\n### {}\n\n", entry.name);
    match entry.kind {
        EntryKind::Function => {
            let load = entry.load.as_ref().map(|load| format!("load(\"{load}\", \"{}\")\n", entry.name));
            let gives = entry.gives.as_deref().filter(|gives| *gives != "None");
            let gives = gives.map(|gives| format!(" -> {gives}"));
            let signature = wrapped(entry);
            write!(text, "```python\n{}{signature}{}\n```\n", load.unwrap_or_default(), gives.unwrap_or_default()).ok();
        }
        EntryKind::Value | EntryKind::Type => {
            let gives = entry.gives.as_deref().map(|gives| format!("`{gives}`\n")).unwrap_or_default();
            text.push_str(&gives);
        }
        EntryKind::Module => {}
    }
    if !entry.text.is_empty() {
        write!(text, "\n{}\n", entry.text).ok();
    }
    let told: Vec<_> =
        entry.parameters.iter().filter(|parameter| !parameter.text.is_empty()).map(of_parameter).collect();
    if !told.is_empty() {
        write!(text, "\n{}\n", told.join("\n")).ok();
    }
    text.replace("\n\n\n", "\n\n")
}

/// The line of a parameter.
#[must_use]
pub fn of_parameter(parameter: &Parameter) -> String {
    let typ = parameter.typ.as_ref().map(|typ| format!(" (`{typ}`)")).unwrap_or_default();
    format!("- `{}`{typ}: {}", parameter.name, parameter.text.replace('\n', " "))
}

/// A long signature has one parameter a line.
fn wrapped(entry: &Entry) -> String {
    let signature = entry.signature();
    if signature.chars().count() <= 100 {
        return signature;
    }
    let lines: String = entry.shown_parameters().iter().map(|parameter| format!("    {parameter},\n")).collect();
    format!("{}(\n{lines})", entry.name)
}
