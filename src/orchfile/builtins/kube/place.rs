//! Places in YAML texts, for messages.

use super::super::yaml_place::{self, Step};
use crate::orchfile::text::{Site, SourceText};
use std::sync::Arc;

/// Where an object stands.
#[derive(Debug, Clone)]
pub(crate) struct ObjectPlace {
    /// The text.
    pub(crate) source: Arc<SourceText>,
    /// Which document of it, from 0.
    pub(crate) document: usize,
    /// The line where the document begins.
    pub(crate) line: usize,
    /// Where in the document: within a list of objects.
    pub(crate) within: Vec<Step>,
}

impl ObjectPlace {
    /// Where it begins.
    pub(crate) fn site(&self) -> Site {
        if self.within.is_empty() { line_site(&self.source, self.line) } else { self.site_of(&[]) }
    }

    /// Where a part of it stands.
    pub(crate) fn site_of(&self, path: &[Step]) -> Site {
        let path: Vec<_> = self.within.iter().chain(path).cloned().collect();
        let line = yaml_place::line_of(self.source.text(), self.document, &path).unwrap_or(1);
        line_site(&self.source, line)
    }

    /// Where the part stands that a JSON pointer leads to.
    pub(crate) fn site_at(&self, pointer: &str) -> Site {
        let steps = pointer.split('/').skip(1).map(|step| match step.parse() {
            Ok(place) => Step::Item(place),
            Err(_) => Step::Key(step.replace("~1", "/").replace("~0", "~")),
        });
        self.site_of(&steps.collect::<Vec<_>>())
    }
}

/// A line of a text.
pub(crate) fn line_site(source: &Arc<SourceText>, line: usize) -> Site {
    Site { source: source.clone(), range: source.line_range(line) }
}
