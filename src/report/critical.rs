//! The critical path of a session: the chain of what waited for each other that ended last. Whatever is to come sooner, it is
//! one of these that must take less.

use crate::{
    model::{NodeKey, Time},
    snapshot::{RunRow, Snapshot, words},
};
use serde_json::{Value, json};
use std::time::Duration;

/// One link of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// The resource, or the image.
    pub node: NodeKey,
    /// When its run started.
    pub started: Time,
    /// When its run ended, or what it started was ready.
    pub ended: Time,
}

impl Leg {
    fn took(&self) -> Duration {
        self.ended.since(self.started)
    }

    fn name(&self) -> String {
        match &self.node {
            NodeKey::Resource(name) => name.to_string(),
            NodeKey::Image(key) => format!("image {key}"),
        }
    }
}

/// The chain, the first link first; empty where nothing ran.
pub fn path(snapshot: &Snapshot) -> Vec<Leg> {
    let graph = &snapshot.graph;
    let legs: Vec<Option<Leg>> = (0..graph.nodes.len()).map(|place| leg(snapshot, place)).collect();
    let last = (0..legs.len())
        .filter(|place| legs[*place].is_some())
        .max_by_key(|place| legs[*place].as_ref().map(|leg| leg.ended));
    let mut chain = Vec::new();
    let mut next = last;
    while let Some(place) = next {
        let Some(leg) = &legs[place] else { break };
        let before = graph.needs(place).iter().map(|edge| edge.from);
        let before = before.filter(|from| legs[*from].as_ref().is_some_and(|other| other.ended <= leg.ended));
        next = before.max_by_key(|from| legs[*from].as_ref().map(|leg| leg.ended));
        chain.push(leg.clone());
        // No graph leads in a circle; a chain is never longer than there are nodes.
        if chain.len() > legs.len() {
            break;
        }
    }
    chain.reverse();
    chain
}

fn leg(snapshot: &Snapshot, place: usize) -> Option<Leg> {
    let node = snapshot.graph.nodes.get(place)?;
    match node {
        NodeKey::Resource(_) => {
            let row = snapshot.rows.get(place)?;
            let run = row.runs.first();
            let instance = row.instance.as_ref();
            let started = run.map(|run| run.started_at).or(instance.map(|instance| instance.started_at))?;
            let ready = instance.and_then(|instance| instance.ready_at.or(Some(instance.started_at)));
            let ended = run.and_then(|run| run.ended_at).into_iter().chain(ready).max()?;
            Some(Leg { node: node.clone(), started, ended })
        }
        NodeKey::Image(key) => {
            let images = snapshot.rows.iter().flat_map(|row| &row.images);
            let run: &RunRow = images.filter(|image| image.image == *key).find_map(|image| image.last_run.as_ref())?;
            Some(Leg { node: node.clone(), started: run.started_at, ended: run.ended_at? })
        }
    }
}

/// `critical path: gen 1.2s → api 3.4s (4.7s of 5.0s)`; empty where nothing waited for anything, or nothing took any time.
pub fn text(snapshot: &Snapshot) -> String {
    let legs = path(snapshot);
    let sum: Duration = legs.iter().map(Leg::took).sum();
    if legs.len() < 2 || sum.as_millis() == 0 {
        return String::new();
    }
    let shown: Vec<String> = legs.iter().map(|leg| format!("{} {}", leg.name(), words::duration(leg.took()))).collect();
    let whole = words::duration(snapshot.at.0);
    format!("critical path: {} ({} of {whole})", shown.join(" → "), words::duration(sum))
}

/// For programs.
pub fn document(snapshot: &Snapshot) -> Value {
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let one = |leg: &Leg| {
        let (kind, name) = match &leg.node {
            NodeKey::Resource(name) => ("resource", name.as_str()),
            NodeKey::Image(key) => ("image", key.as_str()),
        };
        json!({
            "kind": kind,
            "name": name,
            "started_ms": millis(leg.started.0),
            "duration_ms": millis(leg.took()),
        })
    };
    path(snapshot).iter().map(one).collect()
}
