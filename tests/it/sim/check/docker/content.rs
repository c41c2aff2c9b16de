//! What is in a container, and what the files on the disk say that should be in it.

use super::image;
use crate::sim::{
    docker::{
        build,
        facts::{DockerRun, Sort},
        state::{SimContainer, SimImage},
    },
    world::World,
};
use orch::model::{
    Container, ContainerImage, FilePath, Image, ImageId, ImageKey, LiveUpdate, Project, RestartStep, RunStep, Unmatched,
};
use std::collections::BTreeSet;

/// Where a sync puts a file in the container; the first sync that matches it says so.
pub(crate) fn remote_of(live: &LiveUpdate, file: &FilePath) -> Option<String> {
    let sync = live.syncs.iter().find(|sync| sync.local.matches(file))?;
    let below = file.display_from(&sync.local.path);
    let to = &sync.remote;
    Some(match (*file == sync.local.path, to.ends_with('/')) {
        (true, true) => format!("{to}{}", file.as_path().file_name()?.to_str()?),
        (true, false) => to.clone(),
        (false, _) => format!("{}/{below}", to.trim_end_matches('/')),
    })
}

/// The steps that answer for a file of that image: its own, else those of the image that is made of it.
pub(crate) fn steps_for<'a>(container: &'a Container, image: &Image, file: &FilePath) -> Option<&'a LiveUpdate> {
    let own = container.live_updates.iter().find(|live| live.image.as_ref() == Some(&image.key));
    if own.is_some() || image.live_update.is_some() {
        return own;
    }
    container.live_updates.iter().find(|live| live.inputs.iter().any(|set| set.contains(file)))
}

/// Whether a change of that file can be made in place.
pub(crate) fn is_syncable(live: &LiveUpdate, file: &FilePath) -> bool {
    remote_of(live, file).is_some() && !live.fall_back_on.iter().any(|one| one.matches(file))
}

/// Whether a change of that file asks for another start of the container, and for nothing else.
pub(crate) fn only_restarts(live: &LiveUpdate, file: &FilePath) -> bool {
    let named = matches!(live.restart, RestartStep::On(_)) && restarts_for(live, &[file]);
    named && remote_of(live, file).is_none() && !live.fall_back_on.iter().any(|one| one.matches(file))
}

/// The commands that are run after these files were copied.
pub(crate) fn runs_for<'a>(live: &'a LiveUpdate, files: &[&FilePath]) -> Vec<&'a RunStep> {
    let hit = |step: &&RunStep| {
        step.triggers.is_empty() || step.triggers.iter().any(|one| files.iter().any(|file| one.matches(file)))
    };
    live.runs.iter().filter(hit).collect()
}

/// Whether a container is started again after these files were copied.
pub(crate) fn restarts_for(live: &LiveUpdate, files: &[&FilePath]) -> bool {
    match &live.restart {
        RestartStep::Never => false,
        RestartStep::Always => true,
        RestartStep::On(triggers) => triggers.iter().any(|one| files.iter().any(|file| one.matches(file))),
    }
}

/// Something in a container that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stale {
    /// A file of an image.
    File(ImageKey, FilePath),
    /// An image is of another definition.
    Definition(ImageKey),
    /// An image is made of other images, or is not there.
    Made(ImageKey),
}

/// What of a container is not what the disk and the project say.
pub(crate) fn stale(world: &World, project: &Project, declared: &Container, one: &SimContainer) -> BTreeSet<Stale> {
    let mut found = BTreeSet::new();
    if let ContainerImage::Built(key) = &declared.image {
        Look { world, project, declared, one, found: &mut found }.image(key, &one.image);
    }
    found
}

struct Look<'a> {
    world: &'a World,
    project: &'a Project,
    declared: &'a Container,
    one: &'a SimContainer,
    found: &'a mut BTreeSet<Stale>,
}

impl Look<'_> {
    fn image(&mut self, key: &ImageKey, id: &ImageId) {
        let (Some(declared), Some(made)) = (image(self.project, key), self.world.docker.images.get(id)) else {
            self.found.insert(Stale::Made(key.clone()));
            return;
        };
        if declared.key != made.image.key || declared.build != made.image.build || declared.bases != made.image.bases {
            self.found.insert(Stale::Definition(key.clone()));
        }
        for file in self.files(declared, made) {
            if !self.is_true(declared, made, id, &file) {
                self.found.insert(Stale::File(key.clone(), file));
            }
        }
        for base in &declared.bases {
            match made.bases.get(base) {
                Some(id) => self.image(base, id),
                None => drop(self.found.insert(Stale::Made(key.clone()))),
            }
        }
    }

    fn files(&self, declared: &Image, made: &SimImage) -> BTreeSet<FilePath> {
        let now = self.world.disk.of_set(&declared.inputs).map(|(path, _)| path.clone());
        now.chain(made.files.keys().cloned()).collect()
    }

    fn is_true(&self, declared: &Image, made: &SimImage, id: &ImageId, file: &FilePath) -> bool {
        let now = self.world.disk.content(file).filter(|_| declared.inputs.contains(file));
        let steps = steps_for(self.declared, declared, file);
        let layer = steps.and_then(|live| self.one.layer.get(&remote_of(live, file)?));
        if let Some(copied) = layer {
            return copied.as_deref() == now || copied_there_and_back(self.world, self.one, file);
        }
        let waits = |live: &LiveUpdate| live.unmatched == Unmatched::Wait && remote_of(live, file).is_none();
        if steps.is_some_and(|live| waits(live) || only_restarts(live, file)) {
            return true;
        }
        let script = build::script_of(&declared.build);
        let seen = now.map(|content| build::seen_by(&script, content));
        made.files.get(file) == seen.as_ref() || built_there_and_back(self.world, id, file)
    }
}

/// The file changed while that run read it, and changed back before anybody looked: nobody can know what it saw.
pub(crate) fn there_and_back(world: &World, run: &DockerRun, file: &FilePath) -> bool {
    let digest = |content: &String| orch::model::Digest::of(content.as_bytes());
    let saw = run.read.get(file).map(digest);
    let answers = &world.facts.answers;
    let told = answers.iter().any(|(at, told, digest)| *at >= run.asked_at && told == file && *digest == saw);
    !told && run.at_start.get(file).map(String::as_str) == world.disk.content(file)
}

fn built_there_and_back(world: &World, id: &ImageId, file: &FilePath) -> bool {
    let runs = world.facts.docker.runs.values().rev();
    runs.filter(|run| run.made.as_ref() == Some(id)).any(|run| there_and_back(world, run, file))
}

fn copied_there_and_back(world: &World, one: &SimContainer, file: &FilePath) -> bool {
    let copied = |run: &&DockerRun| match &run.sort {
        Sort::Update(order) => run.resource == one.resource && order.copies.iter().any(|(path, _)| path == file),
        _ => false,
    };
    world.facts.docker.runs.values().rev().find(copied).is_some_and(|run| there_and_back(world, run, file))
}

/// What of all containers of a resource is not as it should be, by the facts.
pub(crate) fn stale_of(world: &World, project: &Project, resource: &orch::model::Resource) -> BTreeSet<Stale> {
    let Some(declared) = resource.kind.container() else { return BTreeSet::new() };
    let containers = world.docker.of(&resource.name);
    containers.flat_map(|(_, one)| stale(world, project, declared, one)).collect()
}
