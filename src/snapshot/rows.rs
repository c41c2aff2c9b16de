//! The rows of a snapshot, so that one that changes copies little.

use super::Row;
use crate::model::ResourceName;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The rows of a snapshot in chunks that snapshots share, so that a change in a large project copies little.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Row>", into = "Vec<Row>")]
pub struct Rows {
    chunks: Vec<Arc<Vec<Arc<Row>>>>,
}

impl Rows {
    const CHUNK: usize = 256;

    /// Rows that may be those of another snapshot.
    pub fn from_shared(rows: impl IntoIterator<Item = Arc<Row>>) -> Self {
        let rows: Vec<Arc<Row>> = rows.into_iter().collect();
        Self { chunks: rows.chunks(Self::CHUNK).map(|chunk| Arc::new(chunk.to_vec())).collect() }
    }

    /// The rows in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Row>> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * Self::CHUNK + last.len())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// The row at that place.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<&Arc<Row>> {
        self.chunks.get(place / Self::CHUNK)?.get(place % Self::CHUNK)
    }

    /// The row of that resource; looks at all of them.
    #[must_use]
    pub fn named(&self, name: &ResourceName) -> Option<&Arc<Row>> {
        self.iter().find(|row| row.name == *name)
    }

    /// Replaces one row; copies only its chunk, and that only if it is shared.
    ///
    /// # Panics
    /// If there is no such place.
    pub fn set(&mut self, place: usize, row: Row) {
        Arc::make_mut(&mut self.chunks[place / Self::CHUNK])[place % Self::CHUNK] = Arc::new(row);
    }
}

impl FromIterator<Row> for Rows {
    fn from_iter<I: IntoIterator<Item = Row>>(rows: I) -> Self {
        let rows: Vec<Arc<Row>> = rows.into_iter().map(Arc::new).collect();
        Self { chunks: rows.chunks(Self::CHUNK).map(|chunk| Arc::new(chunk.to_vec())).collect() }
    }
}

impl From<Vec<Row>> for Rows {
    fn from(rows: Vec<Row>) -> Self {
        rows.into_iter().collect()
    }
}

impl From<Rows> for Vec<Row> {
    fn from(rows: Rows) -> Self {
        rows.iter().map(|row| Row::clone(row)).collect()
    }
}
