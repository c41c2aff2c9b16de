//! Images, as `orch eval` prints them.

use super::{Fields, Shown};
use crate::model::{
    Build, ComposeBuild, ContainerSelector, CustomBuild, CustomOutput, DockerBuild, FilePath, IgnoreRule, Image,
    LiveUpdate, RestartStep, Trigger,
};
use serde_json::{Value, json};
use std::sync::Arc;

impl Shown<'_> {
    pub(super) fn image(&self, image: &Image) -> Value {
        let mut out = Fields::default();
        out.put("ref", json!(image.key));
        out.fill("match_exact", json!(image.exact));
        out.put("build", self.build(image));
        out.fill("entrypoint", json!(image.entrypoint));
        if let Some(args) = &image.container_args {
            out.put("container_args", json!(args));
        }
        out.fill("live_update", image.live_update.as_ref().map_or(Value::Null, |update| self.steps(update)));
        out.fill("live_update_selector", self.selector(image));
        let is_synced = self.project.kube.synced_images.iter().any(|synced| synced.key == image.key);
        out.fill("live_update_only", json!(is_synced));
        out.fill("image_deps", json!(image.bases));
        out.fill("match_in_env_vars", json!(image.match_in_env_vars));
        out.fill("push", json!(image.push));
        out.done()
    }

    /// The container in which its files are changed, where that is not told by an image.
    fn selector(&self, image: &Image) -> Value {
        let kubes = self.project.resources.iter().filter_map(|resource| resource.kind.kube());
        let mut updates = kubes.flat_map(|kube| &kube.live_updates);
        let name = updates.find_map(|update| match &update.containers {
            ContainerSelector::Name(name) if update.update.image.as_ref() == Some(&image.key) => Some(name),
            _ => None,
        });
        name.map_or(Value::Null, |name| json!({ "container": name }))
    }

    fn build(&self, image: &Image) -> Value {
        match &image.build {
            Build::Docker(build) => match &build.service {
                Some(service) => json!({ "compose": self.service(service, image) }),
                None => json!({ "docker": self.docker(build) }),
            },
            Build::Custom(build) => json!({ "custom": self.custom(build) }),
            Build::Compose(service) => json!({ "compose": self.service(service, image) }),
        }
    }

    /// What Tilt knows of the build of a service: all else is compose's.
    fn service(&self, service: &ComposeBuild, image: &Image) -> Value {
        let ignored = &image.inputs.ignore;
        let own = &ignored[..ignored.len().saturating_sub(self.ignored_everywhere())];
        let shown = own.iter().filter(|rule| !rule.patterns.is_empty() || !self.is_never_sent(&rule.base));
        let mut out = Fields::default();
        out.put("service", json!(service.service));
        out.put("context", json!(self.path(&service.context)));
        out.fill("ignore", shown.map(|rule| self.ignore(rule)).collect());
        out.done()
    }

    fn docker(&self, build: &DockerBuild) -> Value {
        let pair = |(name, value): (&String, &Option<String>)| match value {
            Some(value) => format!("{name}={value}"),
            None => name.clone(),
        };
        let mut out = Fields::default();
        out.put("context", json!(self.path(&build.context)));
        out.put("dockerfile_contents", json!(build.dockerfile));
        out.fill("build_args", build.build_args.iter().map(pair).collect());
        out.fill("target", json!(build.target));
        out.fill("ignore", self.ignores(&build.ignore));
        out.fill("ssh", json!(build.ssh));
        out.fill("secret", json!(build.secrets));
        out.fill("network", json!(build.network));
        out.fill("extra_tags", json!(build.extra_tags));
        out.fill("cache_from", json!(build.cache_from));
        out.fill("pull", json!(build.pull));
        out.fill("platform", json!(build.platform));
        out.fill("extra_hosts", json!(build.extra_hosts));
        out.done()
    }

    fn custom(&self, build: &CustomBuild) -> Value {
        let mut out = Fields::default();
        if let Value::Object(command) = self.command(Some(&build.command)) {
            command.into_iter().for_each(|(name, value)| out.put(&name, value));
        }
        out.fill("deps", self.paths(&build.deps));
        out.fill("ignore", self.ignores(&build.ignore));
        match &build.output {
            CustomOutput::Local { tag } => out.fill("tag", json!(tag)),
            CustomOutput::Elsewhere { tag } => {
                out.fill("tag", json!(tag));
                out.put("skips_local_docker", json!(true));
            }
            CustomOutput::Reference { file, elsewhere } => {
                out.put("outputs_image_ref_to", json!(self.path(file)));
                out.fill("skips_local_docker", json!(elsewhere));
            }
        }
        // Where nothing is looked at, nothing is pushed either.
        let is_elsewhere = matches!(build.output, CustomOutput::Elsewhere { .. });
        out.fill("disable_push", json!(build.disable_push && !is_elsewhere));
        out.done()
    }

    /// Whether it is no part of any image.
    fn is_never_sent(&self, path: &FilePath) -> bool {
        let name = path.as_path().file_name();
        *path == self.project.file || name.is_some_and(|name| name == ".git" || name == ".orch")
    }

    /// What the file ignores: rules without patterns are those that every image has.
    fn ignores(&self, rules: &[Arc<IgnoreRule>]) -> Value {
        rules.iter().filter(|rule| !rule.patterns.is_empty()).map(|rule| self.ignore(rule)).collect()
    }

    pub(super) fn steps(&self, update: &LiveUpdate) -> Value {
        let paths =
            |triggers: &[Trigger]| triggers.iter().map(|trigger| json!(self.path(&trigger.path))).collect::<Value>();
        let mut steps = Vec::new();
        if update.initial_sync {
            steps.push(json!({ "initial_sync": true }));
        }
        if !update.fall_back_on.is_empty() {
            steps.push(json!({ "fall_back_on": paths(&update.fall_back_on) }));
        }
        for sync in &update.syncs {
            steps.push(json!({ "sync": { "local": self.path(&sync.local.path), "remote": sync.remote } }));
        }
        for run in &update.runs {
            let mut out = Fields::default();
            out.put("argv", json!(run.argv));
            out.fill("trigger", paths(&run.triggers));
            out.fill("echo_off", json!(run.echo_off));
            steps.push(json!({ "run": out.done() }));
        }
        if update.restart != RestartStep::Never {
            steps.push(json!({ "restart_container": true }));
        }
        json!(steps)
    }
}
