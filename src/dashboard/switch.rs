//! Enabling and disabling: who goes along with a resource, and the question about them.

use super::{
    command::{Ask, Command},
    look::Tone,
    state::{Dashboard, Overlay},
};
use crate::{
    model::{NodeKey, ResourceName},
    snapshot::{GraphEdge, GraphEdgeKind, Row, RowKind, Snapshot},
};
use crossterm::event::{KeyCode, KeyEvent};
use std::collections::BTreeSet;

/// What is asked before a resource is enabled or disabled that takes others along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switch {
    /// Which one.
    pub name: ResourceName,
    /// Whether it is to be part of the session.
    pub enable: bool,
    /// Those that go along, in declaration order.
    pub others: Vec<ResourceName>,
}

impl Dashboard {
    /// Enables or disables the chosen resource, at once where nobody goes along.
    pub(super) fn switch(&mut self) -> Vec<Command> {
        let Some((name, enabled)) = self.selected_row().map(|row| (row.name.clone(), row.spec.enabled)) else {
            return self.say_and(Tone::Doubt, "choose a resource first");
        };
        if let Some(why) = self.no_session() {
            return self.say_and(Tone::Doubt, why);
        }
        let others = others(&self.snapshot, &name, !enabled);
        let switch = Switch { name, enable: !enabled, others };
        if switch.others.is_empty() { self.do_switch(switch, false) } else { self.open(Overlay::Switch(switch)) }
    }

    pub(super) fn on_switch_key(&mut self, key: KeyEvent, switch: Switch) -> Vec<Command> {
        match key.code {
            KeyCode::Enter | KeyCode::Char('y') => self.do_switch(switch, false),
            KeyCode::Char('a') => self.do_switch(switch, true),
            _ => Vec::new(),
        }
    }

    fn do_switch(&mut self, switch: Switch, alone: bool) -> Vec<Command> {
        let what = if switch.enable { "enabled" } else { "disabled" };
        let others = if alone { Vec::new() } else { switch.others };
        let names: Vec<&str> = std::iter::once(&switch.name).chain(&others).map(ResourceName::as_str).collect();
        let text = format!("{what} {}", crate::snapshot::words::first_of(&names));
        self.say(Tone::Good, text);
        let ask = if switch.enable { Ask::Enable { alone } } else { Ask::Disable { alone } };
        vec![Command::Ask(ask, vec![switch.name])]
    }
}

/// Who is enabled with the resource as it needs them, or was disabled along with it; who is disabled with it as they need it.
#[must_use]
pub fn others(snapshot: &Snapshot, name: &ResourceName, enable: bool) -> Vec<ResourceName> {
    let graph = &snapshot.graph;
    let Some(first) = graph.resource(name) else { return Vec::new() };
    let mut reached = BTreeSet::new();
    let mut next = vec![first];
    while let Some(place) = next.pop() {
        if !reached.insert(place) {
            continue;
        }
        let edges = graph.edges.iter().filter(|edge| takes_along(snapshot, edge));
        let way = |edge: &GraphEdge| if enable { (edge.to, edge.from) } else { (edge.from, edge.to) };
        next.extend(edges.map(way).filter(|(here, _)| *here == place).map(|(_, there)| there));
    }
    if enable {
        let along = back_with(snapshot, name, &reached);
        reached.extend(along);
    }
    let row = |place: &usize| snapshot.rows.get(*place).filter(|row| *place != first && row.spec.enabled != enable);
    reached.iter().filter_map(row).map(|row| row.name.clone()).collect()
}

/// Who was disabled along with the resource, and with nothing that stays disabled.
fn back_with(snapshot: &Snapshot, name: &ResourceName, wanted: &BTreeSet<usize>) -> Vec<usize> {
    let rows = || snapshot.rows.iter().enumerate();
    let coming: BTreeSet<&ResourceName> =
        rows().filter(|(place, row)| row.spec.enabled || wanted.contains(place)).map(|(_, row)| &row.name).collect();
    let comes_back =
        |row: &Row| row.disabled_with.contains(name) && row.disabled_with.iter().all(|with| coming.contains(with));
    rows().filter(|(_, row)| comes_back(row)).map(|(place, _)| place).collect()
}

/// Whether who is at one end goes where the other goes: as declared, and as files are read where that selects too.
fn takes_along(snapshot: &Snapshot, edge: &GraphEdge) -> bool {
    let graph = &snapshot.graph;
    let is_resource = |place: usize| matches!(graph.nodes.get(place), Some(NodeKey::Resource(_)));
    if !is_resource(edge.from) || !is_resource(edge.to) {
        return false;
    }
    match edge.kind {
        GraphEdgeKind::Order(_) => !is_of_cluster(snapshot, edge),
        GraphEdgeKind::Files { .. } => snapshot.mode.is_some_and(crate::model::Mode::selects_writers),
        GraphEdgeKind::Image => false,
    }
}

/// Objects come after the namespaces and the configuration of their cluster without saying so.
fn is_of_cluster(snapshot: &Snapshot, edge: &GraphEdge) -> bool {
    let is_kube = |row: &Row| row.kind == RowKind::Kubernetes;
    let started = edge.kind == GraphEdgeKind::Order(crate::model::Condition::Started);
    started && [edge.from, edge.to].iter().all(|place| snapshot.rows.get(*place).is_some_and(|row| is_kube(row)))
}
