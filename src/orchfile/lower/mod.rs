//! The draft to a project: names resolved, cycles and doubles refused, resources selected. All that is wrong is found at once.

mod containers;
mod images;
mod kube;
mod select;

use super::{
    LoadRequest,
    context::Parts,
    convert::narrow,
    draft::{Draft, DraftResource, IgnoreFile},
    fault::At,
    text::Site,
};
use crate::{
    diag::{Diagnostic, Label, Severity, suggest::did_you_mean},
    model::{
        Dependency, FilePath, KubeSettings, Mode, Project, Resource, TriggerMode,
        graph::{GraphFault, check},
    },
};
use std::{collections::HashMap, sync::Arc};

/// After so many errors of one kind no names are suggested any more: each costs a look at all names.
const SUGGESTIONS_MAX: usize = 20;

/// What came of a draft.
pub(super) struct Lowered {
    /// The project that it describes.
    pub(super) project: Project,
    /// What is wrong with it.
    pub(super) found: Vec<Diagnostic>,
    /// What was read only for images that the project turned out to need.
    pub(super) needed: Vec<IgnoreFile>,
}

/// Lowers a draft.
pub(super) fn lower(request: &LoadRequest, parts: Parts) -> Lowered {
    let Parts { mode, root, draft, overlay, secrets, .. } = parts;
    let mut lowering = Lowering { request, mode, root: &root, draft: &draft, found: Vec::new() };
    let places = lowering.places();
    let mut resources = lowering.resources(&places);
    let resolved = lowering.resolve_images(&resources);
    lowering.check_registry();
    let images = lowering.images(&resolved, &resources);
    lowering.containers(&resolved, &mut resources);
    lowering.deployments(&resolved, &mut resources);
    let synced_images = lowering.synced_images(&resolved);
    lowering.check_graph(&resources);
    let enabled = lowering.selected(&resources, &places);
    let enable = |(resource, enabled): (Arc<Resource>, bool)| {
        if enabled { resource } else { Arc::new(Resource { enabled: false, ..Arc::unwrap_or_clone(resource) }) }
    };
    let resources = resources.into_iter().zip(enabled).map(enable).collect();
    let found = lowering.found;
    let needed = resolved
        .order
        .iter()
        .chain(resolved.synced.iter().flatten())
        .flat_map(|place| draft.images[*place].ignore_files.iter().cloned())
        .collect();
    let settings = draft.settings;
    let kube = KubeSettings { synced_images, ..draft.kube.settings };
    let file = request.file.clone();
    let compose = draft.compose.into_iter().map(|compose| Arc::new(compose.project)).collect();
    let buttons = draft.buttons;
    let environment = overlay;
    let of_api = draft.of_api;
    let project =
        Project { mode, file, root, resources, images, compose, buttons, of_api, kube, settings, environment, secrets };
    Lowered { project, found, needed }
}

/// From a name to its place in the project.
type Places<'a> = HashMap<&'a str, usize>;

struct Lowering<'a> {
    request: &'a LoadRequest,
    mode: Mode,
    root: &'a FilePath,
    draft: &'a Draft,
    found: Vec<Diagnostic>,
}

impl<'a> Lowering<'a> {
    fn error(&mut self, code: &str, message: String, labels: Vec<Label>, help: Option<String>) {
        self.say(Severity::Error, code, message, labels, help);
    }

    fn say(&mut self, severity: Severity, code: &str, message: String, labels: Vec<Label>, help: Option<String>) {
        let frames = Vec::new();
        self.found.push(Diagnostic { severity, code: code.to_owned(), message, labels, help, frames });
    }

    /// Where each name is declared; says which are declared twice.
    fn places(&mut self) -> Places<'a> {
        let mut places = HashMap::with_capacity(self.draft.resources.len());
        for (place, resource) in self.draft.resources.iter().enumerate() {
            let name = resource.name.as_str();
            if let Some(first) = places.get(name) {
                self.declared_twice(&self.draft.resources[*first], resource);
            } else {
                places.insert(name, place);
            }
        }
        places
    }

    fn declared_twice(&mut self, first: &DraftResource, second: &DraftResource) {
        let name = &first.name;
        let mut labels = label_at_literal(second.site.as_ref(), name.as_str(), "");
        labels.extend(label_at_literal(first.site.as_ref(), name.as_str(), "first declared here"));
        let help = "give one of them another name".to_owned();
        self.error("orchfile::duplicate_name", format!("the resource `{name}` is declared twice"), labels, Some(help));
    }

    fn resources(&mut self, places: &Places<'a>) -> Vec<Arc<Resource>> {
        let all = self.draft;
        let trigger_mode = all.trigger_mode.as_ref().map_or(TriggerMode::Auto, |(mode, _)| *mode);
        let lower = |draft: &'a DraftResource| {
            Arc::new(Resource {
                declared_at: draft.site.as_ref().map(Site::location),
                name: draft.name.clone(),
                kind: draft.kind.clone(),
                dependencies: self.dependencies(draft, places),
                trigger_mode: draft.trigger_mode.unwrap_or(trigger_mode),
                auto_init: draft.auto_init,
                enabled: true,
                labels: draft.labels.clone(),
                links: draft.links.clone(),
            })
        };
        all.resources.iter().map(lower).collect()
    }

    fn dependencies(&mut self, draft: &DraftResource, places: &Places<'a>) -> Vec<Dependency> {
        let mut dependencies = Vec::with_capacity(draft.dependencies.len());
        for dependency in &draft.dependencies {
            match places.get(dependency.on.as_str()) {
                Some(place) => {
                    let on = self.draft.resources[*place].name.clone();
                    dependencies.push(Dependency { on, condition: dependency.condition });
                }
                None => self.unknown_dependency(draft, &dependency.on),
            }
        }
        dependencies
    }

    fn unknown_dependency(&mut self, draft: &DraftResource, missing: &str) {
        let refuses = self.mode.refuses_unknown_dependencies();
        let severity = if refuses { Severity::Error } else { Severity::Warning };
        let rest = if refuses { "" } else { "; it does not wait for it" };
        let message = format!("the resource `{}` depends on `{missing}`, which no one declares{rest}", draft.name);
        let labels = label_at_dependency(draft.site.as_ref(), missing, "");
        let help = self.nearest(missing);
        self.say(severity, "orchfile::unknown_dependency", message, labels, help);
    }

    fn nearest(&self, name: &str) -> Option<String> {
        let names = self.draft.resources.iter().map(|resource| resource.name.as_str());
        if self.found.len() < SUGGESTIONS_MAX { did_you_mean(name, names) } else { None }
    }

    fn check_graph(&mut self, resources: &[Arc<Resource>]) {
        for fault in check(resources) {
            match fault {
                GraphFault::SharedOutput { first, second, path } => self.shared_output(first, second, &path),
                GraphFault::Cycle { nodes, through } => self.cycle(&nodes, &through),
            }
        }
    }

    fn shared_output(&mut self, first: usize, second: usize, path: &FilePath) {
        let (first, second) = (&self.draft.resources[first], &self.draft.resources[second]);
        let path = path.display_from(self.root);
        let message = format!("`{}` and `{}` both write `{path}`", first.name, second.name);
        let mut labels = label_at_keyword(second.site.as_ref(), "outputs", &format!("`{}` writes here", second.name));
        let text = format!("`{}` writes here", first.name);
        labels.extend(label_at_keyword(first.site.as_ref(), "outputs", &text));
        let help = "let one resource write it, or name the files that each of them writes".to_owned();
        self.error("orchfile::shared_output", message, labels, Some(help));
    }

    fn cycle(&mut self, nodes: &[usize], through: &[Option<(FilePath, FilePath)>]) {
        let names: Vec<_> = nodes.iter().map(|node| format!("`{}`", self.draft.resources[*node].name)).collect();
        let mut message = format!("resources wait for each other in a circle: {}", names.join(" → "));
        let mut labels = Vec::new();
        for (step, through) in through.iter().enumerate() {
            let (reader, writer) = (&self.draft.resources[nodes[step]], &self.draft.resources[nodes[step + 1]]);
            match through {
                None => {
                    let text = format!("`{}` waits for `{}`", reader.name, writer.name);
                    labels.extend(label_at_dependency(reader.site.as_ref(), writer.name.as_str(), &text));
                }
                Some((output, input)) => {
                    let (output, input) = (output.display_from(self.root), input.display_from(self.root));
                    let (to, from) = (&reader.name, &writer.name);
                    message.extend([format!("; `{to}` reads `{input}`, where `{from}` writes `{output}`")]);
                    labels.extend(label_at_keyword(
                        reader.site.as_ref(),
                        "deps",
                        &format!("`{}` reads here", reader.name),
                    ));
                }
            }
        }
        let help = self.cut(nodes, through);
        self.error("orchfile::cycle", message, labels, Some(help));
    }

    /// What cuts a circle: an `ignore` where an edge was inferred, else a dependency less.
    fn cut(&self, nodes: &[usize], through: &[Option<(FilePath, FilePath)>]) -> String {
        let inferred = through.iter().enumerate().find_map(|(step, through)| Some((step, through.as_ref()?)));
        let Some((step, (output, _))) = inferred else {
            return "remove one of these dependencies".to_owned();
        };
        let reader = &self.draft.resources[nodes[step]];
        let path = output.display_from(self.root);
        format!("if `{}` does not need `{path}`, give it `ignore=[\"{path}\"]`", reader.name)
    }
}

/// An entry of `resource_deps` in the call at `site`, or all of it.
fn label_at_dependency(site: Option<&Site>, on: &str, text: &str) -> Vec<Label> {
    label_at_entry(site, "resource_deps", on, text)
}

/// An entry of the list that an argument of the call at `site` is, or all of the call.
pub(super) fn label_at_entry(site: Option<&Site>, argument: &str, content: &str, text: &str) -> Vec<Label> {
    let list = site.map(|site| narrow(site, &At::Argument(argument.to_owned())));
    let entry =
        |list: &Site| Some(narrow(list, &At::Literal(content.to_owned()))).filter(|entry| entry.range != list.range);
    match list.as_ref().and_then(entry) {
        Some(entry) => vec![entry.label(text)],
        None => label_at_literal(site, content, text),
    }
}

/// The string `content` in the call at `site`, or all of it.
fn label_at_literal(site: Option<&Site>, content: &str, text: &str) -> Vec<Label> {
    site.map(|site| narrow(site, &At::Literal(content.to_owned())).label(text)).into_iter().collect()
}

/// The name of a keyword argument of the call at `site`, or all of it.
fn label_at_keyword(site: Option<&Site>, name: &str, text: &str) -> Vec<Label> {
    site.map(|site| narrow(site, &At::Keyword(name.to_owned())).label(text)).into_iter().collect()
}
