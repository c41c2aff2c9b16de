//! Containers, as `orch eval` prints them.

use super::{Fields, Shown, restart};
use crate::model::{
    Container, ContainerImage, ContainerSource, ContainerSpec, FilePath, HealthCheck, Image, ImageKey, Port, Volume,
    VolumeSource,
};
use serde_json::{Value, json};
use std::time::Duration;

impl Shown<'_> {
    /// Adds what a container has beside what every resource has.
    pub(super) fn container(&self, container: &Container, out: &mut Fields) {
        match &container.source {
            ContainerSource::Plain(spec) => out.put("container", self.spec(container, spec)),
            ContainerSource::Compose { project, service, .. } => {
                out.put("compose", self.compose(project, service));
            }
        }
        if let ContainerImage::Built(key) = &container.image {
            let targets = self.targets(key);
            out.put("images", json!([key]));
            if targets.len() > 1 {
                out.put("image_targets", json!(targets));
            }
        }
    }

    fn compose(&self, project: &str, service: &str) -> Value {
        let mut out = Fields::default();
        out.put("service", json!(service));
        out.put("project", json!(project));
        let Some(compose) = self.project.compose.iter().find(|compose| compose.name == project) else {
            return out.done();
        };
        let dir = Some(self.path(&compose.dir)).filter(|dir| dir != ".");
        let file =
            |file: &Option<FilePath>| file.as_ref().map_or_else(|| "(inline)".to_owned(), |file| self.path(file));
        out.fill("project_dir", json!(dir));
        out.fill("config_paths", compose.files.iter().map(file).collect());
        out.fill("env_file", json!(compose.env_file.as_ref().map(|file| self.path(file))));
        out.fill("profiles", json!(compose.profiles));
        out.fill("wait", json!(compose.wait));
        out.done()
    }

    /// An image and those that it is made of, in the order of their builds.
    pub(super) fn targets(&self, key: &ImageKey) -> Vec<&ImageKey> {
        let mut needed = vec![key];
        // Bases stand before what is made of them.
        for image in self.project.images.iter().rev() {
            if needed.contains(&&image.key) {
                needed.extend(&image.bases);
            }
        }
        let is_needed = |image: &&Image| needed.contains(&&image.key);
        self.project.images.iter().map(AsRef::as_ref).filter(is_needed).map(|image| &image.key).collect()
    }

    fn spec(&self, container: &Container, spec: &ContainerSpec) -> Value {
        let mut out = Fields::default();
        match &container.image {
            ContainerImage::Built(key) => out.put("image", json!(key)),
            ContainerImage::Pulled(name) => out.put("image", json!(name)),
        }
        out.fill("command", json!(spec.command));
        out.fill("entrypoint", json!(spec.entrypoint));
        out.fill("env", spec.env.iter().map(|(name, value)| format!("{name}={value}")).collect());
        out.fill("ports", spec.ports.iter().map(port).collect());
        out.fill("volumes", spec.volumes.iter().map(|volume| self.volume(volume)).collect());
        out.fill("networks", networks(spec));
        out.fill("health", spec.health.as_ref().map_or(Value::Null, health));
        out.fill("restart", json!(container.restart.map(restart)));
        out.fill("user", json!(spec.user));
        out.fill("workdir", json!(spec.workdir));
        out.fill("hostname", json!(spec.hostname));
        out.fill("labels", json!(spec.labels));
        bounds(spec, &mut out);
        out.fill("init", json!(spec.init));
        out.fill("tty", json!(spec.tty));
        out.fill("tmpfs", json!(spec.tmpfs));
        out.fill("extra_hosts", json!(spec.extra_hosts));
        out.fill("stop_signal", json!(spec.stop_signal));
        out.fill("stop_timeout", seconds(spec.stop_timeout));
        out.fill("platform", json!(spec.platform));
        if !container.infer_links {
            out.put("infer_links", json!(false));
        }
        out.done()
    }

    fn volume(&self, volume: &Volume) -> Value {
        let mut out = Fields::default();
        match &volume.source {
            VolumeSource::Bind(path) => out.put("bind", json!(self.path(path))),
            VolumeSource::Named(name) => out.put("volume", json!(name)),
            VolumeSource::Anonymous => {}
        }
        out.put("target", json!(volume.target));
        out.fill("read_only", json!(volume.read_only));
        out.done()
    }
}

fn port(port: &Port) -> Value {
    let mut out = Fields::default();
    out.fill("host_ip", json!(port.host_ip));
    out.fill("host_port", json!(port.host_port));
    out.put("container_port", json!(port.container_port));
    if port.protocol != "tcp" {
        out.put("protocol", json!(port.protocol));
    }
    out.done()
}

/// By their names, with the further names of the container there.
fn networks(spec: &ContainerSpec) -> Value {
    let mut out = Fields::default();
    spec.networks.iter().for_each(|network| out.put(&network.name, json!(network.aliases)));
    out.done()
}

fn health(check: &HealthCheck) -> Value {
    let mut out = Fields::default();
    out.fill("test", json!(check.test));
    out.fill("interval", seconds(check.interval));
    out.fill("timeout", seconds(check.timeout));
    out.fill("start_period", seconds(check.start_period));
    out.fill("retries", json!(check.retries));
    out.done()
}

fn bounds(spec: &ContainerSpec, out: &mut Fields) {
    out.fill("memory_bytes", json!(spec.memory_bytes));
    out.fill("cpu_millis", json!(spec.cpu_millis));
    out.fill("pids_limit", json!(spec.pids_max));
    out.fill("shm_bytes", json!(spec.shm_bytes));
    out.fill("privileged", json!(spec.privileged));
    out.fill("read_only", json!(spec.read_only));
    out.fill("cap_add", json!(spec.cap_add));
    out.fill("cap_drop", json!(spec.cap_drop));
}

fn seconds(duration: Option<Duration>) -> Value {
    duration.map_or(Value::Null, |duration| json!(duration.as_secs_f64()))
}
