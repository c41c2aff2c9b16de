//! Builds: they read the files of their context over some time, and what they read decides what they make.

use super::{
    DockerStep,
    facts::Sort,
    link::{Job, Work},
    not_started,
    state::{SimImage, image_id},
};
use crate::sim::{pace::Wait, script::Script, world::World};
use orch::{
    engine::{BuildOrder, Made, RunEnd},
    model::{Build, Built, Digest, Exit, FilePath, ImageId, ImageKey, ResourceName, RunId},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// In so many portions a build reads its files.
const PARTS: u8 = 3;

/// What a build does, as its Dockerfile or command says it.
pub(crate) fn script_of(build: &Build) -> Script {
    match build {
        Build::Docker(docker) => Script::parse(std::slice::from_ref(&docker.dockerfile), &docker.context),
        Build::Custom(custom) => Script::of_command(&custom.command),
        Build::Compose(compose) => Script::parse(&[], &compose.context),
    }
}

/// What of a file's content a build sees.
pub(crate) fn seen_by(script: &Script, content: &str) -> String {
    if script.coarse { content.chars().take(1).collect() } else { content.to_owned() }
}

/// Which portion a file is in, so that files that come and go stay in theirs.
fn part_of(path: &FilePath) -> u8 {
    Digest::of(path.as_bytes()).0[0] % PARTS
}

impl World {
    pub(super) fn build(&mut self, run: RunId, resource: ResourceName, order: Arc<BuildOrder>) {
        let script = script_of(&order.image.build);
        let at_start = self.disk.of_set(&order.image.inputs).map(|(path, file)| (path.clone(), file.content.clone()));
        let at_start = at_start.collect();
        let sort = Sort::Build(Arc::clone(&order));
        if !self.docker_begins(run, &resource, sort, at_start) {
            return;
        }
        let work = Work::Build { order, script: Box::new(script.clone()), read: BTreeMap::new() };
        self.docker.link.runs.insert(run, Job { resource, work });
        let wait = self.pace.wait(Wait::Spawn);
        let share = |part: u8| Duration::from_millis(script.duration * 2 / 3 * u64::from(part) / u64::from(PARTS));
        for part in 0..PARTS {
            self.docker_later(wait + share(part), DockerStep::BuildReads(run, part));
        }
        self.docker_later(wait + Duration::from_millis(script.duration), DockerStep::BuildEnds(run));
    }

    pub(super) fn build_reads(&mut self, run: RunId, part: u8) {
        let Some(Work::Build { order, .. }) = self.work(run) else { return };
        let inputs = Arc::clone(&order.image.inputs);
        let files = self.disk.of_set(&inputs).filter(|(path, _)| part_of(path) == part);
        let files: BTreeMap<FilePath, String> =
            files.map(|(path, file)| (path.clone(), file.content.clone())).collect();
        if let Some(facts) = self.facts.docker.runs.get_mut(&run) {
            facts.read.extend(files.clone());
        }
        if let Some(Work::Build { read, .. }) = self.work(run) {
            read.extend(files);
        }
    }

    pub(super) fn build_ends(&mut self, run: RunId) {
        let Some(Work::Build { order, script, read }) = self.work(run) else { return };
        let (order, script, read) = (Arc::clone(order), script.clone(), read.clone());
        if script.missing {
            return self.docker_over(run, not_started("there is no such program"));
        }
        let Some(bases) = self.bases_of(&order) else {
            return self.docker_over(run, not_started("a base image is not there"));
        };
        let read_bad = |word: &String| read.values().any(|content| content.contains(word.as_str()));
        let code = if script.fails_on.as_ref().is_some_and(read_bad) { 1 } else { script.exit };
        if code != 0 {
            return self.docker_over(run, Exit::Code(code));
        }
        let files = read.iter().map(|(path, content)| (path.clone(), seen_by(&script, content))).collect();
        let built = self.make_image(&order, files, bases);
        if let Some(facts) = self.facts.docker.runs.get_mut(&run) {
            facts.made.clone_from(&built.id);
        }
        self.docker_over_with(run, RunEnd { made: Made::Image(built), ..RunEnd::of(Exit::Code(0)) });
    }

    /// The ids of the images it is made of; `None` where one is not there.
    fn bases_of(&mut self, order: &BuildOrder) -> Option<BTreeMap<ImageKey, ImageId>> {
        let mut bases = BTreeMap::new();
        for key in &order.image.bases {
            let Some(built) = order.bases.get(key) else {
                self.object(format!("`{}` is built without its base `{key}`", order.image.key));
                return None;
            };
            bases.insert(key.clone(), self.docker.image_of(&built.reference)?);
        }
        Some(bases)
    }

    fn make_image(
        &mut self,
        order: &BuildOrder,
        files: BTreeMap<FilePath, String>,
        bases: BTreeMap<ImageKey, ImageId>,
    ) -> Built {
        let mut parts = vec![format!("{:?}", order.image.build)];
        for (path, content) in &files {
            parts.extend([path.to_string(), content.clone()]);
        }
        parts.extend(bases.values().map(ToString::to_string));
        parts.extend(script_of(&order.image.build).stamps.then(|| self.now.to_string()));
        let id = image_id(&Digest::of_parts(parts.iter().map(String::as_bytes)));
        let reference = format!("{}:{}", order.image.repository, id.tag());
        let image = Arc::clone(&order.image);
        self.docker.images.insert(id.clone(), SimImage { image, reference: reference.clone(), files, bases });
        Built { id: Some(id), reference }
    }
}
