//! One event in a large graph, in the engine alone.

use crate::stats::{Figure, Rounds};

/// A saved file that ten resources read.
pub(crate) fn event(_rounds: &Rounds) -> Vec<Figure> {
    Vec::new()
}
