//! Whether a resource still gets anywhere without anybody's doing, from a snapshot alone. Why it waits is not told here: its row and
//! [`super::words`] do.

use super::{GraphEdgeKind, Hold, ImageRow, Row, Snapshot, UpdateStatus};
use crate::model::{ImageKey, NodeKey, ResourceName};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

impl Snapshot {
    /// The resources that are meant by these names; without names, all that the session is to bring up.
    pub fn meant<'a>(&'a self, names: &'a [ResourceName]) -> impl Iterator<Item = &'a Arc<Row>> {
        self.rows.iter().filter(move |row| match names {
            [] => row.is_wanted(),
            names => names.contains(&row.name),
        })
    }

    /// Those of the resources that stay as they are until somebody mends, starts, triggers or enables something. What may get further
    /// by itself is not among them, nor what nobody can tell that of.
    #[must_use]
    pub fn stuck(&self, names: &[ResourceName]) -> BTreeSet<ResourceName> {
        let mut outlook = Outlook { snapshot: self, known: BTreeMap::new() };
        names.iter().filter(|name| outlook.is_stuck(name)).cloned().collect()
    }
}

/// A way through what waits for each other.
struct Outlook<'a> {
    snapshot: &'a Snapshot,
    /// What was found; false while it is looked at, since what waits for itself cannot be told.
    known: BTreeMap<ResourceName, bool>,
}

impl<'a> Outlook<'a> {
    fn is_stuck(&mut self, name: &ResourceName) -> bool {
        if self.snapshot.orchfile.loading {
            return false;
        }
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        self.known.insert(name.clone(), false);
        let is_stuck = self.snapshot.rows.named(name).is_some_and(|row| self.rests(row));
        self.known.insert(name.clone(), is_stuck);
        is_stuck
    }

    fn rests(&mut self, row: &'a Row) -> bool {
        !row.spec.enabled || !runs(row) && row.hold.as_ref().is_some_and(|hold| self.lasts(row, hold))
    }

    fn lasts(&mut self, row: &'a Row, hold: &Hold) -> bool {
        match hold {
            Hold::Stopped | Hold::Disabled | Hold::Manual => true,
            Hold::Failed | Hold::Ended => !self.is_fed(&NodeKey::Resource(row.name.clone())),
            Hold::Dependency { on, .. } => self.is_stuck(on),
            Hold::Writer(writer) | Hold::WriterFailed(writer) => self.is_stuck(writer),
            Hold::Image(image) | Hold::ImageFailed(image) => self.is_image_stuck(row, image),
            // These pass, or may. What changes its own input gets further chances.
            Hold::OrchfileLoading
            | Hold::Unneeded
            | Hold::Docker(_)
            | Hold::Cluster(_)
            | Hold::Starting
            | Hold::Settling
            | Hold::Slot
            | Hold::Exclusive(_)
            | Hold::Running
            | Hold::Stopping
            | Hold::Backoff { .. }
            | Hold::SelfDirty { .. }
            | Hold::ShuttingDown => false,
        }
    }

    /// An image that the resource is made of.
    fn is_image_stuck(&mut self, row: &'a Row, image: &ImageKey) -> bool {
        let Some(image) = row.images.iter().find(|found| found.image == *image) else { return false };
        if is_built(image) {
            return false;
        }
        match &image.hold {
            Some(Hold::Failed) => !self.is_fed(&NodeKey::Image(image.image.clone())),
            // An image comes after those that it is made of, so this ends.
            Some(Hold::Image(base) | Hold::ImageFailed(base)) if *base != image.image => self.is_image_stuck(row, base),
            Some(hold @ (Hold::Writer(_) | Hold::WriterFailed(_) | Hold::Dependency { .. })) => self.lasts(row, hold),
            Some(_) | None => false,
        }
    }

    /// Whether something goes on above that may give it other inputs.
    fn is_fed(&mut self, node: &NodeKey) -> bool {
        let graph = &self.snapshot.graph;
        let mut next: Vec<usize> = graph.place(node).into_iter().collect();
        let mut seen = BTreeSet::new();
        while let Some(place) = next.pop() {
            for edge in graph.needs(place) {
                let is_data = matches!(edge.kind, GraphEdgeKind::Files { .. } | GraphEdgeKind::Image);
                if is_data && seen.insert(edge.from) {
                    if graph.nodes.get(edge.from).is_some_and(|from| self.is_moving(from)) {
                        return true;
                    }
                    next.push(edge.from);
                }
            }
        }
        false
    }

    fn is_moving(&mut self, node: &NodeKey) -> bool {
        match node {
            NodeKey::Resource(name) => {
                let row = self.snapshot.rows.named(name);
                row.is_some_and(|row| runs(row) || row.update == UpdateStatus::Pending && !self.is_stuck(name))
            }
            NodeKey::Image(key) => {
                let mut rows = self.snapshot.rows.iter();
                let found = rows.find_map(|row| Some((row, row.images.iter().find(|image| image.image == *key)?)));
                found.is_some_and(|(row, image)| {
                    is_built(image) || image.update == UpdateStatus::Pending && !self.is_image_stuck(row, key)
                })
            }
        }
    }
}

fn runs(row: &Row) -> bool {
    row.current_run.is_some() || row.update == UpdateStatus::InProgress
}

fn is_built(image: &ImageRow) -> bool {
    image.current_run.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Condition, FilePath},
        snapshot::{Graph, GraphEdge, RowKind, Spec},
    };

    fn row(name: &str, update: UpdateStatus, hold: Option<Hold>) -> Row {
        let spec = Arc::new(Spec { enabled: true, ..Spec::default() });
        Row { update, hold, spec, ..Row::new(named(name), RowKind::Local) }
    }

    fn named(name: &str) -> ResourceName {
        ResourceName::parse(name).unwrap()
    }

    fn waits_for(on: &str) -> Hold {
        Hold::Dependency { on: named(on), condition: Condition::Ready, because: String::new() }
    }

    /// `c` waits for `b`, which waits for `a`; `reader` failed, and reads what `a` writes.
    fn chain(update: UpdateStatus, hold: Option<Hold>) -> Snapshot {
        let rows = [
            row("a", update, hold),
            row("b", UpdateStatus::Pending, Some(waits_for("a"))),
            row("c", UpdateStatus::Pending, Some(waits_for("b"))),
            row("reader", UpdateStatus::Error, Some(Hold::Failed)),
        ];
        let nodes = rows.iter().map(|row| NodeKey::Resource(row.name.clone())).collect();
        let file = FilePath::new("/out");
        let kind = GraphEdgeKind::Files { output: file.clone(), input: file };
        let graph = Arc::new(Graph { nodes, edges: vec![GraphEdge { to: 3, from: 0, kind }] });
        Snapshot { rows: rows.into_iter().collect(), graph, ..Snapshot::default() }
    }

    fn stuck(snapshot: &Snapshot) -> Vec<String> {
        let names: Vec<ResourceName> = snapshot.rows.iter().map(|row| row.name.clone()).collect();
        snapshot.stuck(&names).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_waits_for_something_that_somebody_must_mend_is_stuck_with_it() {
        for hold in [Hold::Stopped, Hold::Manual, Hold::Ended, Hold::Failed] {
            assert_eq!(stuck(&chain(UpdateStatus::Error, Some(hold))), ["a", "b", "c", "reader"]);
        }
    }

    #[test]
    fn what_waits_for_something_that_goes_on_is_not() {
        assert_eq!(stuck(&chain(UpdateStatus::InProgress, None)), Vec::<String>::new());
        assert_eq!(stuck(&chain(UpdateStatus::Pending, Some(Hold::Slot))), Vec::<String>::new());
        // It is ready: what is held by it goes on in a moment; what failed reads nothing new.
        assert_eq!(stuck(&chain(UpdateStatus::Ok, None)), ["reader"]);
    }

    #[test]
    fn nothing_is_said_for_sure_while_the_orchfile_loads() {
        let mut snapshot = chain(UpdateStatus::Error, Some(Hold::Failed));
        snapshot.orchfile.loading = true;
        assert_eq!(stuck(&snapshot), Vec::<String>::new());
    }
}
