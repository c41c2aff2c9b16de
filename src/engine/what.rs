//! What a node is, and the few questions that every rule asks alike of all kinds.

use crate::model::{
    Build, Command, Container, Dependency, Digest, DockerBuild, FilePath, FileSet, Image, ImageKey, ImagePlace, Kind,
    KubeObject, KubeSpec, LiveUpdate, Local, NodeKey, PodReadiness, Probe, Resource, Restart, TriggerMode,
};
use std::{borrow::Cow, collections::BTreeMap, slice, sync::Arc};

/// In what two declarations of one node differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(super) struct Differs {
    /// What its runs do.
    pub(super) definition: bool,
    /// Which files it reads or writes.
    pub(super) files: bool,
    /// It was no part of the session and is now.
    pub(super) enabled: bool,
    /// It is of another kind.
    pub(super) kind: bool,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    /// A resource of any kind.
    Resource(Arc<Resource>),
    /// An image.
    Image(Arc<Image>),
}

impl What {
    pub(super) fn key(&self) -> NodeKey {
        match self {
            Self::Resource(resource) => NodeKey::Resource(resource.name.clone()),
            Self::Image(image) => NodeKey::Image(image.key.clone()),
        }
    }

    pub(super) fn resource(&self) -> Option<&Arc<Resource>> {
        match self {
            Self::Resource(resource) => Some(resource),
            Self::Image(_) => None,
        }
    }

    pub(super) fn local(&self) -> Option<&Local> {
        self.resource()?.kind.local()
    }

    pub(super) fn container(&self) -> Option<&Container> {
        self.resource()?.kind.container()
    }

    pub(super) fn kube(&self) -> Option<&KubeSpec> {
        self.resource()?.kind.kube()
    }

    /// Whether it is brought to what it should be somewhere else, and lives there: containers, or what a cluster has.
    pub(super) fn is_workload(&self) -> bool {
        self.resource().is_some_and(|resource| match resource.kind {
            Kind::Local(_) => false,
            Kind::Container(_) | Kind::Kube(_) => true,
        })
    }

    /// What is done in its running containers when files change.
    pub(super) fn live_updates(&self) -> Cow<'_, [LiveUpdate]> {
        match self.resource().map(|resource| &resource.kind) {
            Some(Kind::Container(container)) => Cow::Borrowed(&container.live_updates),
            Some(Kind::Kube(kube)) => kube.live_updates.iter().map(|one| one.update.clone()).collect(),
            Some(Kind::Local(_)) | None => Cow::Borrowed(&[]),
        }
    }

    pub(super) fn image(&self) -> Option<&Arc<Image>> {
        match self {
            Self::Image(image) => Some(image),
            Self::Resource(_) => None,
        }
    }

    /// Files that decide what comes of its runs.
    pub(super) fn inputs(&self) -> &[Arc<FileSet>] {
        match self {
            Self::Resource(resource) => resource.kind.inputs(),
            Self::Image(image) => slice::from_ref(&image.inputs),
        }
    }

    /// Whether the content of that file decides what comes of its runs.
    pub(super) fn reads(&self, path: &FilePath) -> bool {
        self.inputs().iter().any(|inputs| inputs.contains(path))
    }

    /// Files and folders that its runs write.
    pub(super) fn outputs(&self) -> &[FilePath] {
        self.resource().map_or(&[], |resource| resource.kind.outputs())
    }

    /// Order edges.
    pub(super) fn dependencies(&self) -> &[Dependency] {
        self.resource().map_or(&[], |resource| &resource.dependencies)
    }

    pub(super) fn is_enabled(&self) -> bool {
        self.resource().is_none_or(|resource| resource.enabled)
    }

    /// Whether a change starts it.
    pub(super) fn is_automatic(&self) -> bool {
        self.resource().is_none_or(|resource| resource.trigger_mode == TriggerMode::Auto)
    }

    /// Whether it starts with the session.
    pub(super) fn auto_init(&self) -> bool {
        self.resource().is_none_or(|resource| resource.auto_init)
    }

    /// Whether something of it stays alive after a run.
    pub(super) fn serves(&self) -> bool {
        match self {
            Self::Image(_) => false,
            Self::Resource(resource) => match &resource.kind {
                Kind::Local(local) => local.serve.is_some(),
                Kind::Container(_) => true,
                Kind::Kube(kube) => kube.pod_readiness != PodReadiness::Ignore,
            },
        }
    }

    /// Whether its runs take their time; those of a server alone do not.
    pub(super) fn has_runs(&self) -> bool {
        self.local().is_none_or(|local| local.cmd.is_some())
    }

    /// Whether its runs share the slots with others.
    pub(super) fn is_parallel(&self) -> bool {
        self.local().is_none_or(|local| local.parallel)
    }

    /// Whether a newer change ends its run instead of waiting for it.
    pub(super) fn cancels_superseded(&self) -> bool {
        self.image().is_some() || self.local().is_some_and(|local| local.cancel_superseded)
    }

    /// Whether its runs may write any files: they are commands of the user's.
    pub(super) fn may_write(&self) -> bool {
        match self {
            Self::Image(image) => matches!(image.build, Build::Custom(_)),
            Self::Resource(resource) => resource.kind.local().is_some(),
        }
    }

    /// When it is started again after it ended unasked, where the file says so.
    pub(super) fn restart(&self) -> Option<Restart> {
        match &self.resource()?.kind {
            Kind::Local(local) => local.serve.as_ref()?.restart,
            Kind::Container(container) => container.restart,
            Kind::Kube(_) => None,
        }
    }

    /// Digest of all that it declares of its runs.
    pub(super) fn definition(&self, environment: Option<&BTreeMap<String, Option<String>>>) -> Digest {
        let parts = match self {
            Self::Image(image) => {
                let place = (&image.repository, image.push);
                vec![json(&image.build), json(&place), json(&image.bases), json(&environment)]
            }
            Self::Resource(resource) => match &resource.kind {
                Kind::Local(local) => vec![json(&local.cmd), json(&environment), json(&local.outputs)],
                Kind::Container(container) => vec![json(&container.source), json(&container.image)],
                Kind::Kube(kube) => {
                    let custom = kube.custom.as_ref().map(|custom| (custom, environment));
                    vec![json(&kube.objects.iter().map(|object| content(object)).collect::<Vec<_>>()), json(&custom)]
                }
            },
        };
        Digest::of_parts(parts.iter().map(Vec::as_slice))
    }

    /// Images that it is made of.
    pub(super) fn images(&self) -> Vec<ImageKey> {
        match self {
            Self::Image(image) => image.bases.clone(),
            Self::Resource(resource) => resource.kind.images(),
        }
    }

    /// Whether what `os.putenv` set decides its result.
    pub(super) fn sees_environment(&self) -> bool {
        self.container().is_none() && self.kube().is_none_or(|kube| kube.custom.is_some())
    }

    /// Whether nothing at all differs.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Resource(one), Self::Resource(other)) => Arc::ptr_eq(one, other) || one == other,
            (Self::Image(one), Self::Image(other)) => Arc::ptr_eq(one, other) || one == other,
            (Self::Resource(_), Self::Image(_)) | (Self::Image(_), Self::Resource(_)) => false,
        }
    }

    /// In what the new declaration differs from this one.
    pub(super) fn differs(&self, new: &Self) -> Differs {
        let (definition, kind) = match (self, new) {
            (Self::Resource(old), Self::Resource(new)) => match (&old.kind, &new.kind) {
                (Kind::Local(old), Kind::Local(new)) => (local_differs(old, new), false),
                (Kind::Container(old), Kind::Container(new)) => {
                    (old.source != new.source || old.image != new.image, false)
                }
                (Kind::Kube(old), Kind::Kube(new)) => (kube_differs(old, new), false),
                (Kind::Local(_) | Kind::Container(_) | Kind::Kube(_), _) => (true, true),
            },
            // Its files are part of what it is.
            (Self::Image(old), Self::Image(new)) => (image_differs(old, new) || old.inputs != new.inputs, false),
            (Self::Resource(_), Self::Image(_)) | (Self::Image(_), Self::Resource(_)) => (true, true),
        };
        let files = self.inputs() != new.inputs() || self.outputs() != new.outputs() || self.images() != new.images();
        Differs { definition, files: files || kind, enabled: !self.is_enabled() && new.is_enabled(), kind }
    }

    /// The file of an image's Dockerfile, where its text is all that differs.
    pub(super) fn edited_dockerfile(&self, new: &Self) -> Option<FilePath> {
        let (Self::Image(old), Self::Image(new)) = (self, new) else { return None };
        let (Build::Docker(before), Build::Docker(after)) = (&old.build, &new.build) else { return None };
        let same_text = DockerBuild { dockerfile: before.dockerfile.clone(), ..(**after).clone() };
        let is_all = same_text == **before && old.inputs == new.inputs && before.dockerfile != after.dockerfile;
        after.dockerfile_path.clone().filter(|_| is_all)
    }
}

fn json(part: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(part).unwrap_or_default()
}

/// What of an object is part of the definition; where it is declared is not.
fn content(object: &KubeObject) -> (&serde_json::Value, &[ImagePlace]) {
    (&object.value, &object.images)
}

fn kube_differs(old: &KubeSpec, new: &KubeSpec) -> bool {
    !old.objects.iter().map(|object| content(object)).eq(new.objects.iter().map(|object| content(object)))
        || old.custom != new.custom
}

fn local_differs(old: &Local, new: &Local) -> bool {
    old.cmd != new.cmd || old.outputs != new.outputs || serving(old) != serving(new)
}

/// What of a server is part of its definition; when it is restarted is not.
fn serving(local: &Local) -> Option<(&Command, &Option<Probe>, &Option<String>)> {
    local.serve.as_ref().map(|serve| (&serve.command, &serve.probe, &serve.ready_log_line))
}

fn image_differs(old: &Image, new: &Image) -> bool {
    old.build != new.build || old.bases != new.bases || old.repository != new.repository || old.push != new.push
}
