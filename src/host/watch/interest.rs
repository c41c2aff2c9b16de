//! What somebody wants to hear of: the sets of a watch set, arranged so that a question about a path costs its depth and not
//! the number of sets.

use crate::model::{FilePath, IgnoreRule, PathIndex, WatchSet, paths};
use std::{ffi::OsStr, sync::Arc};

/// The roots of all sets and the git folders.
#[derive(Debug, Default)]
pub(super) struct Interest {
    index: PathIndex<Part>,
}

/// Why a root is there. Sets with the same rules at the same root are one.
#[derive(Debug, Clone, PartialEq)]
enum Part {
    /// All at and below it but what these rules leave out.
    Files(Arc<[Arc<IgnoreRule>]>),
    /// It is the folder of a repository.
    Git,
}

impl Interest {
    pub(super) fn of(set: &WatchSet) -> Self {
        let mut interest = Self::default();
        for set in &set.sets {
            set.roots.iter().for_each(|root| interest.add(root, Part::Files(set.ignore.as_slice().into())));
        }
        set.git_dirs.iter().for_each(|dir| interest.add(dir, Part::Git));
        interest
    }

    fn add(&mut self, root: &FilePath, part: Part) {
        if !self.index.at(root).contains(&part) {
            self.index.insert(root.clone(), part);
        }
    }

    /// What this one has and `other` has not.
    pub(super) fn without(&self, other: &Self) -> Self {
        let mut rest = Self::default();
        let new = self.index.iter().filter(|(root, part)| !other.index.at(root).contains(part));
        new.for_each(|(root, part)| rest.index.insert(root.clone(), part.clone()));
        rest
    }

    /// All roots, sorted, each once.
    pub(super) fn roots(&self) -> Vec<FilePath> {
        let mut roots: Vec<FilePath> = self.index.iter().map(|(root, _)| root.clone()).collect();
        roots.dedup();
        roots
    }

    /// The roots below `folder`, sorted.
    pub(super) fn roots_below<'a>(&'a self, folder: &'a FilePath) -> impl Iterator<Item = &'a FilePath> {
        self.index.at_or_below(folder).map(|(root, _)| root).filter(move |root| *root != folder)
    }

    /// Whether the folder is one of a repository.
    pub(super) fn is_git(&self, folder: &FilePath) -> bool {
        self.index.at(folder).contains(&Part::Git)
    }

    /// Whether `path` is a root or lies above one.
    pub(super) fn leads_to(&self, path: &FilePath) -> bool {
        self.index.at_or_below(path).next().is_some()
    }

    /// What is wanted of one folder.
    pub(super) fn of_folder(self: &Arc<Self>, folder: &FilePath) -> FolderInterest {
        let groups = self.index.roots_at_or_above(folder).filter_map(|(root, part)| match part {
            Part::Files(rules) if !paths::is_noisy_below(folder, root) => Some(rules),
            Part::Files(_) | Part::Git => None,
        });
        FolderInterest {
            interest: Arc::clone(self),
            groups: groups.filter(|rules| !rules.iter().any(|rule| rule.prunes(folder))).cloned().collect(),
            leads: self.roots_below(folder).next().is_some(),
            git: self.is_git(folder),
        }
    }
}

/// What is wanted of one folder.
#[derive(Debug)]
pub(super) struct FolderInterest {
    interest: Arc<Interest>,
    /// The rules of the sets that reach into it.
    groups: Vec<Arc<[Arc<IgnoreRule>]>>,
    /// Roots lie below it.
    pub(super) leads: bool,
    /// It is the folder of a repository.
    pub(super) git: bool,
}

impl FolderInterest {
    /// Whether all of its entries matter, as it lies in a set.
    pub(super) fn is_covered(&self) -> bool {
        !self.groups.is_empty()
    }

    /// Whether it must be watched.
    pub(super) fn is_wanted(&self) -> bool {
        self.is_covered() || self.leads || self.git
    }

    /// Whether one of the sets contains the folder's entry `name`, which is at `path`.
    pub(super) fn holds(&self, path: &FilePath, name: &OsStr) -> bool {
        let ignored = |rules: &[Arc<IgnoreRule>]| rules.iter().any(|rule| rule.ignores(path));
        let as_root = |part: &Part| matches!(part, Part::Files(rules) if !ignored(rules));
        (!self.groups.is_empty() && !paths::is_noise_name(name) && self.groups.iter().any(|rules| !ignored(rules)))
            || self.interest.index.at(path).iter().any(as_root)
    }
}
