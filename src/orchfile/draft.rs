//! What the builtins gather while a file is evaluated: names are not resolved yet, and every part knows where it stands.

use super::text::Site;
use crate::model::{ComposeProject, Condition, FilePath, InvalidName, Kind, Link, ResourceName, Settings, TriggerMode};

/// All that was declared so far.
#[derive(Debug, Default)]
pub struct Draft {
    /// In the order of their declaration.
    pub resources: Vec<DraftResource>,
    /// In the order of their first call.
    pub compose: Vec<DraftCompose>,
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

/// A compose project as it was declared so far. Its services become resources when all has been evaluated.
#[derive(Debug)]
pub struct DraftCompose {
    /// What is known of it.
    pub project: ComposeProject,
    /// Its files and what they say.
    pub texts: Vec<ComposeText>,
    /// Each after those it depends on.
    pub services: Vec<DraftService>,
    /// How many other resources were declared before it.
    pub at: usize,
}

/// A compose file.
#[derive(Debug, Clone)]
pub struct ComposeText {
    /// `None` for a text that the Orchfile gave.
    pub path: Option<FilePath>,
    /// What it says.
    pub text: String,
}

/// A service of a compose project, with what `dc_resource` said of it.
#[derive(Debug, Clone)]
pub struct DraftService {
    /// Its name in the compose file.
    pub service: String,
    /// Its name as a resource.
    pub name: ResourceName,
    /// The call that declared it, or the last one that gave it dependencies.
    pub site: Option<Site>,
    /// The image that it is made of, whatever the compose file says.
    pub image: Option<String>,
    /// As in [`DraftResource`].
    pub trigger_mode: Option<TriggerMode>,
    /// What it waits for besides its `depends_on`.
    pub dependencies: Vec<DraftDependency>,
    /// Whether published ports become links.
    pub infer_links: bool,
    /// As in [`DraftResource`].
    pub auto_init: bool,
    /// In the order of the calls.
    pub labels: Vec<String>,
    /// In the order of the calls.
    pub links: Vec<Link>,
}

impl DraftService {
    /// The service `service` that nothing more was said of.
    ///
    /// # Errors
    /// When its name cannot be that of a resource.
    pub fn new(service: &str, site: Option<Site>) -> Result<Self, InvalidName> {
        Ok(Self {
            service: service.to_owned(),
            name: ResourceName::parse(service)?,
            site,
            image: None,
            trigger_mode: None,
            dependencies: Vec::new(),
            infer_links: true,
            auto_init: true,
            labels: Vec::new(),
            links: Vec::new(),
        })
    }
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
