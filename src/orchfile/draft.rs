//! What the builtins gather while a file is evaluated: names are not resolved yet, and every part knows where it stands.

use super::text::Site;
use crate::model::{Condition, Kind, Link, ResourceName, Settings, TriggerMode};

/// All that was declared so far.
#[derive(Debug, Default)]
pub struct Draft {
    /// In the order of their declaration.
    pub resources: Vec<DraftResource>,
    /// What holds for the whole project.
    pub settings: Settings,
    /// What `trigger_mode()` said, and where.
    pub trigger_mode: Option<(TriggerMode, Option<Site>)>,
    /// Which resources the session begins with.
    pub selection: Selection,
    /// Where the selection was made.
    pub selected_at: Option<Site>,
}

/// A resource as it was declared.
#[derive(Debug, Clone)]
pub struct DraftResource {
    /// Its name; may be taken already.
    pub name: ResourceName,
    /// The call that declared it.
    pub site: Option<Site>,
    /// What it runs.
    pub kind: Kind,
    /// `resource_deps` as written.
    pub dependencies: Vec<DraftDependency>,
    /// Whether a change starts it; `None` is what `trigger_mode()` says for all.
    pub trigger_mode: Option<TriggerMode>,
    /// Whether it starts with the session.
    pub auto_init: bool,
    /// Sorted, no doubles.
    pub labels: Vec<String>,
    /// Where it can be looked at.
    pub links: Vec<Link>,
}

/// An entry of `resource_deps` as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftDependency {
    /// The name; there may be no such resource.
    pub on: String,
    /// What it must have reached once.
    pub condition: Condition,
}

/// Which resources the session begins with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Selection {
    /// Those that the command line names, or all when it names none: `config.parse` was not called.
    #[default]
    Arguments,
    /// All: `config.parse` was called.
    All,
    /// These: `config.set_enabled_resources`. None mean all.
    Named(Vec<String>),
    /// None: `config.clear_enabled_resources`.
    Nothing,
}
