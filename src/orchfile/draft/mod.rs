//! What the builtins gather while a file is evaluated: names are not resolved yet, and every part knows where it stands.

mod api;
mod kube;

pub(crate) use api::{ApiObject, shown};
pub use kube::*;

use super::text::Site;
use crate::model::{
    Button, ComposeProject, Condition, EvaluationInput, FilePath, Image, ImageRef, InvalidName, Kind, Link,
    ResourceName, Settings, TriggerMode,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// All that was declared so far.
#[derive(Debug, Default)]
pub struct Draft {
    /// In the order of their declaration.
    pub resources: Vec<DraftResource>,
    /// In the order of their first call.
    pub compose: Vec<DraftCompose>,
    /// In the order of their declaration.
    pub images: Vec<DraftImage>,
    /// Steps of live updates that were made, by the place where: two made in one place count as one.
    pub steps: BTreeMap<(String, usize), MadeStep>,
    /// What was said of Kubernetes.
    pub kube: DraftKube,
    /// What `v1alpha1.*` registered, in the order of the calls.
    pub(crate) api: Vec<ApiObject>,
    /// The resources that such objects became: they are everybody's.
    pub(crate) of_api: BTreeSet<ResourceName>,
    /// The buttons that they became.
    pub(crate) buttons: Vec<Arc<Button>>,
    /// What holds for the whole project.
    pub settings: Settings,
    /// The call of `default_registry`.
    pub registry_at: Option<Site>,
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

/// An image as it was declared.
#[derive(Debug, Clone)]
pub struct DraftImage {
    /// What selects it.
    pub reference: ImageRef,
    /// The call that declared it.
    pub site: Option<Site>,
    /// All of it but `bases`, `repository` and `push`, which follow from the others.
    pub image: Image,
    /// Images that its build names: those of the project are bases.
    pub named: Vec<ImageRef>,
    /// `image_deps`: each must be an image of the project.
    pub required: Vec<ImageRef>,
    /// The paths that `live_update` names, which must be inputs.
    pub steps: Vec<DraftStep>,
    /// Files that said what is ignored, and the like: part of what the evaluation read once the image is needed.
    pub ignore_files: Vec<IgnoreFile>,
    /// Declared by a compose file: gives way to one that the Orchfile declares, and may be unused.
    pub implicit: bool,
    /// The name of the containers for which it stands, where it is nobody's image.
    pub container: Option<String>,
}

/// A file that counts for an image, and for the evaluation only where the image is needed.
#[derive(Debug, Clone)]
pub struct IgnoreFile {
    /// What was seen of it.
    pub input: EvaluationInput,
    /// Whether `orch eval` lists it: Tilt watches fewer.
    pub listed: bool,
}

/// A path that a step of a live update names.
#[derive(Debug, Clone)]
pub struct DraftStep {
    /// The path.
    pub path: FilePath,
    /// The call of the step.
    pub site: Option<Site>,
}

/// A step of a live update that was made.
#[derive(Debug, Clone)]
pub struct MadeStep {
    /// The function that made it.
    pub function: &'static str,
    /// Where.
    pub site: Site,
    /// Whether some `live_update` has it.
    pub used: bool,
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
