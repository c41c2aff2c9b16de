//! What is new in a snapshot, for readers that follow: as little as a change needs, however many resources there are.

use super::{Row, Rows, Snapshot};
use crate::model::Time;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A snapshot told to somebody who has the one before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// All but the rows, the buttons and the graph; they are empty in it.
    pub head: Snapshot,
    /// All rows, where there are others or they stand in another order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<Rows>,
    /// Else those that changed, with their places.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<(usize, Arc<Row>)>,
    /// The buttons, where they changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buttons: Option<Arc<Vec<super::ButtonRow>>>,
    /// The graph, where it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graph: Option<Arc<super::Graph>>,
}

impl Change {
    /// What leads from `old` to `new`, as told at `now`.
    #[must_use]
    pub fn between(old: &Snapshot, new: &Snapshot, now: Time) -> Self {
        let same_order = old.rows.len() == new.rows.len()
            && old.rows.iter().zip(new.rows.iter()).all(|(old, new)| Arc::ptr_eq(old, new) || old.name == new.name);
        let pairs = old.rows.iter().zip(new.rows.iter()).enumerate();
        let differ =
            pairs.filter(|(_, (old, new))| !Arc::ptr_eq(old, new)).map(|(place, (_, new))| (place, new.clone()));
        Self {
            head: Snapshot {
                at: now,
                rows: Rows::default(),
                graph: Arc::default(),
                buttons: Arc::default(),
                ..new.clone()
            },
            changed: if same_order { differ.collect() } else { Vec::new() },
            rows: (!same_order).then(|| new.rows.clone()),
            buttons: (!Arc::ptr_eq(&old.buttons, &new.buttons)).then(|| new.buttons.clone()),
            graph: (!Arc::ptr_eq(&old.graph, &new.graph)).then(|| new.graph.clone()),
        }
    }

    /// The snapshot that it leads to from `old`.
    #[must_use]
    pub fn apply(self, old: &Snapshot) -> Snapshot {
        let mut rows = self.rows.unwrap_or_else(|| old.rows.clone());
        for (place, row) in self.changed {
            // A session of another version may count otherwise: what has no place is left out.
            if rows.get(place).is_some() {
                rows.set(place, Row::clone(&row));
            }
        }
        let buttons = self.buttons.unwrap_or_else(|| old.buttons.clone());
        let graph = self.graph.unwrap_or_else(|| old.graph.clone());
        Snapshot { rows, buttons, graph, ..self.head }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ResourceName;
    use crate::snapshot::{RowKind, UpdateStatus};

    fn row(name: &str, update: UpdateStatus) -> Row {
        Row { update, ..Row::new(ResourceName::parse(name).unwrap(), RowKind::Local) }
    }

    #[test]
    fn only_what_changed_is_told_and_leads_to_the_new_one() {
        let old = Snapshot {
            rows: [row("a", UpdateStatus::Ok), row("b", UpdateStatus::Ok)].into_iter().collect(),
            ..Snapshot::default()
        };
        let mut new = old.clone();
        new.rows.set(1, row("b", UpdateStatus::Error));
        let change = Change::between(&old, &new, new.at);
        assert_eq!(change.changed.len(), 1);
        assert!(change.rows.is_none() && change.graph.is_none());
        let told: Change = serde_json::from_slice(&serde_json::to_vec(&change).unwrap()).unwrap();
        assert_eq!(told.apply(&old), new);
    }

    #[test]
    fn other_rows_are_told_whole() {
        let old = Snapshot { rows: [row("a", UpdateStatus::Ok)].into_iter().collect(), ..Snapshot::default() };
        let rows = [row("b", UpdateStatus::Ok), row("a", UpdateStatus::Ok)].into_iter().collect();
        let new = Snapshot { rows, ..Snapshot::default() };
        assert_eq!(Change::between(&old, &new, new.at).apply(&old), new);
        assert_eq!(Change::between(&new, &old, new.at).apply(&new), old);
    }
}
