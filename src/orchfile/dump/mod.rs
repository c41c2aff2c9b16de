//! What `orch eval` prints: a projection of a load made for that purpose, so that the model can change without it. A field at its
//! default is left out; the schema is that of `tests/conformance/README.md`, and what orch adds to it is only there when used.

mod containers;
mod images;
mod kube;

use super::{Loaded, builtins, redact};
use crate::{
    diag::{Diagnostic, Severity},
    model::{
        CiSettings, Command, Condition, ContainerSource, Dependency, DockerPrune, FilePath, IgnoreRule, Kind, Local,
        Probe, ProbeAction, Project, Registry, Resource, Restart, Settings, TriggerMode,
    },
};
use serde_json::{Map, Value, json};
use std::{sync::Arc, time::Duration};

/// The version of the schema.
const VERSION: u32 = 1;
/// A path more folders above `base` than this is shown as absolute.
const UP_MAX: usize = 2;

/// What came of a load, with what it wrote to the log. Paths are shown relative to `base`.
#[must_use]
pub fn dump(loaded: &Loaded, base: &FilePath, log: &[String]) -> Value {
    let error = loaded.diagnostics.iter().find(|diagnostic| diagnostic.severity == Severity::Error);
    let warnings = loaded.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Warning);
    let said: Vec<_> = warnings.map(|warning| warning.message.as_str()).collect();
    let mut out = Fields::default();
    out.put("version", json!(VERSION));
    if let Some(project) = loaded.project.as_ref().filter(|_| error.is_none()) {
        let shown = Shown { project, base };
        out.put(
            "resources",
            in_order(project)
                .filter(|resource| !loaded.of_objects.contains(&resource.name))
                .map(|resource| shown.resource(resource))
                .collect(),
        );
        let images = project.images.iter().chain(&project.kube.synced_images);
        out.fill("images", images.map(|image| shown.image(image)).collect());
        out.fill("settings", shown.settings(&project.settings));
        out.fill("objects", loaded.objects.clone());
        let told = loaded.inputs.iter().filter(|input| !loaded.silent.contains(&input.path));
        let mut files: Vec<_> = told.map(|input| shown.path(&input.path)).collect();
        files.sort();
        files.dedup();
        out.fill("config_files", json!(files));
    }
    out.fill("log", json!(log));
    out.fill("tilt_log", json!(said));
    out.put("error", error.map_or(Value::Null, of_error));
    let secrets = loaded.project.as_ref().map(|project| project.secrets.as_slice());
    redact::value(out.done(), secrets.unwrap_or_default())
}

fn of_error(error: &Diagnostic) -> Value {
    let at = |location: &crate::model::Location| format!("{}:{}:{}", location.file, location.line, location.column);
    let frames: Vec<_> =
        error.frames.iter().map(|frame| format!("{} in {}", at(&frame.location), frame.function)).collect();
    let mut out = Fields::default();
    out.put("message", json!(error.message));
    out.put("code", json!(error.code));
    out.fill("help", json!(error.help));
    out.fill("pos", json!(error.labels.first().map(|label| at(&label.location))));
    out.fill("frames", json!(frames));
    out.done()
}

/// The fields of an object.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    /// Puts what is not at its default.
    fn fill(&mut self, name: &str, value: Value) {
        let is_default = match &value {
            Value::Null => true,
            Value::Bool(on) => !on,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            Value::Number(_) => false,
        };
        if !is_default {
            self.put(name, value);
        }
    }

    fn done(self) -> Value {
        Value::Object(self.0)
    }
}

struct Shown<'a> {
    project: &'a Project,
    base: &'a FilePath,
}

impl Shown<'_> {
    fn path(&self, path: &FilePath) -> String {
        for (up, ancestor) in self.base.as_path().ancestors().take(UP_MAX + 1).enumerate() {
            let Ok(rest) = path.as_path().strip_prefix(ancestor) else { continue };
            let steps = vec![".."; up].join("/");
            return match (up, rest.as_os_str().is_empty()) {
                (0, true) => ".".to_owned(),
                (0, false) => rest.display().to_string(),
                (_, true) => steps,
                (_, false) => format!("{steps}/{}", rest.display()),
            };
        }
        path.to_string()
    }

    fn paths(&self, paths: &[FilePath]) -> Value {
        paths.iter().map(|path| Value::from(self.path(path))).collect()
    }

    fn resource(&self, resource: &Resource) -> Value {
        let names: Vec<_> = resource.dependencies.iter().map(|dependency| dependency.on.as_str()).collect();
        let mut out = Fields::default();
        out.put("name", json!(resource.name.as_str()));
        out.put("type", json!(type_of(&resource.kind)));
        out.fill("labels", json!(resource.labels));
        out.fill("links", resource.links.iter().map(|link| link_of(&link.url, &link.name)).collect());
        out.fill("resource_deps", json!(names));
        out.fill("conditions", conditions(&resource.dependencies));
        if resource.trigger_mode == TriggerMode::Manual {
            out.put("trigger_mode", json!("manual"));
        }
        if !resource.auto_init {
            out.put("auto_init", json!(false));
        }
        if !resource.enabled {
            out.put("enabled", json!(false));
        }
        match &resource.kind {
            Kind::Local(local) => out.put("local", self.local(local)),
            Kind::Container(container) => self.container(container, &mut out),
            Kind::Kube(kube) => self.kube(kube, &mut out),
        }
        out.done()
    }

    fn local(&self, local: &Local) -> Value {
        let serve = local.serve.as_ref();
        let own = local.inputs.ignore.len().saturating_sub(self.ignored_everywhere());
        let mut out = Fields::default();
        out.fill("cmd", self.command(local.cmd.as_ref()));
        out.fill("serve_cmd", self.command(serve.map(|serve| &serve.command)));
        out.fill("teardown_cmd", self.command(local.teardown.as_ref()));
        out.fill("deps", self.paths(&local.inputs.roots));
        out.fill("ignore", local.inputs.ignore[..own].iter().map(|rule| self.ignore(rule)).collect());
        out.fill("outputs", self.paths(&local.outputs));
        out.fill("allow_parallel", json!(local.parallel));
        out.fill("cancel_superseded", json!(local.cancel_superseded));
        out.fill("readiness_probe", serve.and_then(|serve| serve.probe.as_ref()).map_or(Value::Null, probe));
        out.fill("ready_log_line", json!(serve.and_then(|serve| serve.ready_log_line.as_ref())));
        out.fill("restart", json!(serve.and_then(|serve| serve.restart).map(restart)));
        out.done()
    }

    /// How many rules every resource has.
    fn ignored_everywhere(&self) -> usize {
        builtins::ignored_everywhere(&self.project.settings, &self.project.file).len()
    }

    fn command(&self, command: Option<&Command>) -> Value {
        let Some(command) = command else { return Value::Null };
        let dir = Some(self.path(&command.dir)).filter(|dir| dir != ".");
        let env: Vec<_> = command.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut out = Fields::default();
        out.put("argv", json!(command.argv));
        out.fill("dir", json!(dir));
        out.fill("env", json!(env));
        out.done()
    }

    fn ignore(&self, rule: &IgnoreRule) -> Value {
        let mut out = Fields::default();
        out.put("base", json!(self.path(&rule.base)));
        out.fill("patterns", json!(rule.patterns));
        out.done()
    }

    fn settings(&self, settings: &Settings) -> Value {
        let of_file = usize::from(!settings.tiltignore.is_empty());
        let of_calls = settings.watch_ignore.len().saturating_sub(of_file);
        let mut secrets: Vec<_> = self.project.secrets.iter().map(|secret| secret.name.as_str()).collect();
        secrets.sort_unstable();
        secrets.dedup();
        let accepted = |name: &str| settings.accepted.get(name).cloned().unwrap_or_default();
        let mut out = Fields::default();
        out.fill("max_parallel_updates", json!(settings.max_parallel_updates));
        out.fill("default_registry", settings.default_registry.as_ref().map_or(Value::Null, registry));
        out.fill("suppress_unused_image_warnings", accepted("suppress_unused_image_warnings"));
        out.fill("watch_ignores", settings.watch_ignore[..of_calls].iter().map(|rule| self.ignore(rule)).collect());
        out.fill("tiltignore", json!(settings.tiltignore));
        for name in ["team", "features", "telemetry"] {
            out.fill(name, accepted(name));
        }
        out.fill("ci", ci(&settings.ci));
        out.fill("docker_prune", docker_prune(&settings.docker_prune));
        out.fill("analytics", accepted("analytics"));
        out.fill("secrets", json!(secrets));
        if let Some(check) = settings.accepted.get("check_updates") {
            out.put("check_updates", check.clone());
        }
        out.done()
    }
}

/// Kubernetes comes first, then the services of compose files, sorted by name, as Tilt's tools show them; the rest as declared.
fn in_order(project: &Project) -> impl Iterator<Item = &Arc<Resource>> {
    let mut sorted: Vec<_> = project.resources.iter().collect();
    sorted.sort_by(|one, other| shelf(one).cmp(&shelf(other)));
    sorted.into_iter()
}

/// Where a resource is shown, and by which name it is sorted there.
fn shelf(resource: &Resource) -> (u8, &str) {
    match &resource.kind {
        Kind::Kube(kube) if kube.before_others => (3, ""),
        Kind::Kube(_) => (0, ""),
        kind if type_of(kind) == "compose" => (1, resource.name.as_str()),
        Kind::Local(_) | Kind::Container(_) => (2, ""),
    }
}

fn type_of(kind: &Kind) -> &'static str {
    match kind {
        Kind::Local(_) => "local",
        Kind::Container(container) => match container.source {
            ContainerSource::Compose { .. } => "compose",
            ContainerSource::Plain(_) => "container",
        },
        Kind::Kube(_) => "kubernetes",
    }
}

fn registry(registry: &Registry) -> Value {
    let mut out = Fields::default();
    out.put("host", json!(registry.host));
    out.fill("host_from_cluster", json!(registry.host_from_cluster));
    out.fill("single_name", json!(registry.single_name));
    out.done()
}

/// Durations in nanoseconds; those that hold anyway are left out.
fn docker_prune(prune: &DockerPrune) -> Value {
    let default = DockerPrune::default();
    let nanoseconds = |duration: Duration| json!(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    let mut out = Fields::default();
    if prune.disable {
        out.put("Enabled", json!(false));
    }
    if prune.max_age != default.max_age {
        out.put("MaxAge", nanoseconds(prune.max_age));
    }
    if prune.builds != default.builds {
        out.put("NumBuilds", json!(prune.builds));
    }
    if prune.interval != default.interval {
        out.put("Interval", nanoseconds(prune.interval));
    }
    if prune.keep_recent != default.keep_recent {
        out.put("KeepRecent", json!(prune.keep_recent));
    }
    out.done()
}

fn link_of(url: &str, name: &str) -> Value {
    let mut out = Fields::default();
    out.put("url", json!(url));
    out.fill("name", json!(name));
    out.done()
}

/// What is waited for, of dependencies that wait for something else than "ready".
fn conditions(dependencies: &[Dependency]) -> Value {
    let mut out = Fields::default();
    for dependency in dependencies {
        match dependency.condition {
            Condition::Ready => {}
            Condition::Started => out.put(dependency.on.as_str(), json!("started")),
            Condition::Succeeded => out.put(dependency.on.as_str(), json!("succeeded")),
        }
    }
    out.done()
}

fn restart(restart: Restart) -> &'static str {
    match restart {
        Restart::Always => "always",
        Restart::OnFailure => "on_failure",
        Restart::Never => "never",
    }
}

fn probe(probe: &Probe) -> Value {
    let mut out = Fields::default();
    match &probe.action {
        ProbeAction::Exec { argv } => out.put("exec", json!(argv)),
        ProbeAction::HttpGet { host, port, scheme, path, headers } => {
            let mut http = Fields::default();
            http.fill("host", json!(host));
            http.put("port", json!(port));
            http.fill("scheme", json!(scheme));
            http.fill("path", json!(path));
            http.fill("headers", json!(headers));
            out.put("http_get", http.done());
        }
        ProbeAction::TcpSocket { host, port } => {
            let mut tcp = Fields::default();
            tcp.fill("host", json!(host));
            tcp.put("port", json!(port));
            out.put("tcp_socket", tcp.done());
        }
    }
    for (name, number) in [
        ("initial_delay_secs", probe.initial_delay_secs),
        ("timeout_secs", probe.timeout_secs),
        ("period_secs", probe.period_secs),
        ("success_threshold", probe.success_threshold),
        ("failure_threshold", probe.failure_threshold),
    ] {
        out.fill(name, json!(number.filter(|number| *number > 0)));
    }
    out.done()
}

/// As Go writes durations; those that hold anyway are left out.
fn ci(ci: &CiSettings) -> Value {
    let minutes = |minutes: u64| Some(Duration::from_secs(60 * minutes));
    let mut out = Fields::default();
    for (name, given, default) in [
        ("k8sGracePeriod", ci.k8s_grace_period, None),
        ("timeout", ci.timeout, minutes(30)),
        ("readinessTimeout", ci.readiness_timeout, minutes(5)),
    ] {
        out.fill(name, json!(given.filter(|given| Some(*given) != default).map(builtins::duration_text)));
    }
    out.done()
}
