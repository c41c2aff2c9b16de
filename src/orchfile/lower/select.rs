//! Which resources the session begins with.

use super::{Lowering, Places};
use crate::{
    diag::UNKNOWN_RESOURCE,
    model::{Resource, graph::data_edges},
    orchfile::{convert, draft::Selection, fault::At},
};
use std::sync::Arc;

impl Lowering<'_> {
    /// For each resource whether it is enabled: those that are named with all that they wait for, or all when none is named.
    pub(super) fn selected(&mut self, resources: &[Arc<Resource>], places: &Places<'_>) -> Vec<bool> {
        let draft = self.draft;
        let names = match &draft.selection {
            Selection::Arguments => &self.request.args,
            Selection::Named(names) => names,
            Selection::All => return vec![true; resources.len()],
            Selection::Nothing => return vec![false; resources.len()],
        };
        if names.is_empty() {
            return vec![true; resources.len()];
        }
        let mut enabled = vec![false; resources.len()];
        let mut next = Vec::new();
        for name in names {
            match places.get(name.as_str()) {
                Some(place) => next.push(*place),
                None => self.unknown_selection(name),
            }
        }
        // Namespaces and configuration are everybody's.
        let is_everybodys = |resource: &Arc<Resource>| resource.kind.kube().is_some_and(|kube| kube.before_others);
        next.extend(resources.iter().position(is_everybodys));
        let of_api = draft.of_api.iter().filter_map(|name| places.get(name.as_str()));
        next.extend(of_api);
        let writers = self.writers(resources);
        while let Some(place) = next.pop() {
            if !std::mem::replace(&mut enabled[place], true) {
                let declared = resources[place].dependencies.iter();
                next.extend(declared.filter_map(|dependency| places.get(dependency.on.as_str())));
                next.extend(&writers[place]);
            }
        }
        enabled
    }

    /// For each resource those whose outputs it reads; in Tiltfile mode these are not added.
    fn writers(&self, resources: &[Arc<Resource>]) -> Vec<Vec<usize>> {
        let mut writers = vec![Vec::new(); resources.len()];
        if self.mode.selects_writers() {
            for edge in data_edges(resources) {
                writers[edge.to].push(edge.from);
            }
        }
        writers
    }

    fn unknown_selection(&mut self, name: &str) {
        let draft = self.draft;
        let at = At::Literal(name.to_owned());
        let site = draft.selected_at.as_ref().filter(|_| draft.selection != Selection::Arguments);
        let labels: Vec<_> = site.map(|site| convert::narrow(site, &at).label("")).into_iter().collect();
        let message = format!("there is no resource `{name}`");
        let help = if labels.is_empty() && name.starts_with('-') {
            Some("the file takes no arguments: it does not call `config.parse()`".to_owned())
        } else {
            self.nearest(name)
        };
        self.error(UNKNOWN_RESOURCE, message, labels, help);
    }
}
