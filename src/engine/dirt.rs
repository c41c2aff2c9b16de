//! What makes a node dirty, and which cause a run gets from it.

use super::node::NodeId;
use crate::{
    model::{Digest, FilePath, ImageKey},
    snapshot::Cause,
};
use std::collections::{BTreeMap, BTreeSet};

/// How many paths a cause, a row or a line of the log names.
pub(super) const FEW: usize = 3;

/// What a run saw of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Saw {
    /// Nobody knows; counts as different from everything.
    Unknown,
    /// This content, or (`None`) that there was no such file.
    Content(Option<Digest>),
}

impl Saw {
    /// What a record says; [`Digest::UNKNOWN`] is what nobody knows.
    pub(super) fn of(content: Option<Digest>) -> Self {
        if content == Some(Digest::UNKNOWN) { Self::Unknown } else { Self::Content(content) }
    }

    /// As a record says it.
    pub(super) fn record(self) -> Option<Digest> {
        match self {
            Self::Unknown => Some(Digest::UNKNOWN),
            Self::Content(content) => content,
        }
    }
}

/// A file that differs from what the last run saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// The node whose run wrote it, where that is known.
    pub(super) by: Option<NodeId>,
}

/// All that makes a node dirty, but for a failed run.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Dirt {
    /// It has not run in this session.
    pub(super) first: bool,
    /// The Orchfile gives it another definition.
    pub(super) definition: bool,
    /// The Dockerfile that was edited, where that is all that differs in the definition.
    pub(super) dockerfile: Option<FilePath>,
    /// Inputs that differ from what the last run saw.
    pub(super) files: BTreeMap<FilePath, Mark>,
    /// Outputs that are not as the last run left them.
    pub(super) outputs: BTreeSet<FilePath>,
    /// Images that it is made of which were built anew, or are to be.
    pub(super) images: BTreeSet<ImageKey>,
    /// A whole run is to be made for this cause: one was cut short, or others are no way.
    pub(super) redo: Option<Cause>,
}

impl Dirt {
    /// Something changed since the last run.
    pub(super) fn is_change(&self) -> bool {
        self.definition
            || !self.files.is_empty()
            || !self.outputs.is_empty()
            || !self.images.is_empty()
            || self.redo.is_some()
    }

    /// The node is dirty.
    pub(super) fn is_some(&self) -> bool {
        self.first || self.is_change()
    }

    /// Puts back what a run took that was ended: it may have done half of its work, so nothing takes this away but a run.
    pub(super) fn restore(&mut self, taken: Self, cause: Cause) {
        self.first |= taken.first;
        self.dockerfile = if self.definition { self.dockerfile.take() } else { taken.dockerfile };
        self.definition |= taken.definition;
        self.outputs.extend(taken.outputs);
        self.images.extend(taken.images);
        self.restore_superseded(taken.files, cause);
    }

    /// The same for a run that a newer change made pointless: that change starts the next one.
    pub(super) fn restore_superseded(&mut self, files: BTreeMap<FilePath, Mark>, cause: Cause) {
        for (path, mark) in files {
            self.files.entry(path).or_insert(mark);
        }
        self.redo = Some(cause);
    }

    /// Why a run starts that takes this dirt, without a user's wish.
    pub(super) fn cause(&self, name_of: impl Fn(NodeId) -> crate::model::ResourceName) -> Cause {
        if self.first {
            return Cause::First;
        }
        if self.definition {
            let edited = self.dockerfile.clone().map(|path| Cause::Files { paths: vec![path], count: 1 });
            return edited.unwrap_or(Cause::Definition);
        }
        if let Some(Cause::FallBack(_) | Cause::Triggered) = &self.redo {
            return self.redo.clone().unwrap_or(Cause::First);
        }
        let edited: Vec<&FilePath> = self.files.iter().filter(|(_, mark)| mark.by.is_none()).map(|(p, _)| p).collect();
        if !edited.is_empty() {
            return Cause::Files { paths: few(edited.iter().copied()), count: edited.len() as u64 };
        }
        if let Some(writer) = self.files.values().find_map(|mark| mark.by) {
            return Cause::Writer(name_of(writer));
        }
        if !self.outputs.is_empty() {
            return Cause::Outputs { paths: few(&self.outputs), count: self.outputs.len() as u64 };
        }
        let image = self.images.first().map(|image| Cause::Image(image.clone()));
        image.or_else(|| self.redo.clone()).unwrap_or(Cause::First)
    }
}

/// The first few of some paths.
pub(super) fn few<'a>(paths: impl IntoIterator<Item = &'a FilePath>) -> Vec<FilePath> {
    paths.into_iter().take(FEW).cloned().collect()
}
