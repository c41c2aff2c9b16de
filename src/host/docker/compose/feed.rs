//! The configuration that the compose tool is fed: the resolved one of the project, with what orch decides put in.

#![expect(clippy::disallowed_methods, reason = "reads the Dockerfile that the tool would read")]

use crate::{
    host::docker::{build::made_here, taken::Wanted},
    model::{Built, ComposeProject, Dockerfile, Failure, FilePath, ImageKey, dockerfile::NamedImage},
};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, fs, net::Ipv4Addr};

/// A project's configuration, taken apart.
#[derive(Debug, Clone)]
pub(super) struct Feed {
    config: Value,
    service: String,
}

impl Feed {
    /// For something about one service.
    pub(super) fn new(project: &ComposeProject, service: &str) -> Result<Self, Failure> {
        let failure = |reason: String| Failure {
            message: format!("the configuration of the compose project `{}` cannot be used: {reason}", project.name),
            help: None,
        };
        let mut config: Value = serde_json::from_str(&project.config).map_err(|error| failure(error.to_string()))?;
        for service in config.get_mut("services").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut) {
            // All of them are there because they are wanted; compose must not leave out what a name refers to.
            if let Some(service) = service.as_object_mut() {
                service.remove("profiles");
                service.remove("develop");
            }
        }
        let feed = Self { config, service: service.to_owned() };
        feed.spec().map(|_| ()).ok_or_else(|| failure(format!("it has no service `{service}`")))?;
        Ok(feed)
    }

    /// What is said of the service.
    pub(super) fn spec(&self) -> Option<&Map<String, Value>> {
        self.config.get("services")?.get(&self.service)?.as_object()
    }

    fn spec_mut(&mut self) -> Option<&mut Map<String, Value>> {
        self.config.get_mut("services")?.get_mut(&self.service)?.as_object_mut()
    }

    /// How many containers the service has.
    pub(super) fn scale(&self) -> usize {
        let spec = self.spec();
        let replicas = spec.and_then(|spec| spec.get("deploy")?.get("replicas"));
        let scale = spec.and_then(|spec| spec.get("scale")).or(replicas).and_then(Value::as_u64);
        usize::try_from(scale.unwrap_or(1)).unwrap_or(usize::MAX)
    }

    /// Whether the service says itself how long it may take to end.
    pub(super) fn has_grace(&self) -> bool {
        self.spec().is_some_and(|spec| spec.get("stop_grace_period").is_some_and(|grace| !grace.is_null()))
    }

    /// The names of the networks and volumes of the project that the service uses.
    pub(super) fn shared(&self) -> Shared {
        let spec = self.spec();
        let networks = spec.and_then(|spec| spec.get("networks")?.as_object()).into_iter().flat_map(Map::keys);
        let volumes = spec.and_then(|spec| spec.get("volumes")?.as_array()).into_iter().flatten();
        let volumes = volumes.filter(|volume| volume.get("type").and_then(Value::as_str) == Some("volume"));
        let volumes = volumes.filter_map(|volume| volume.get("source")?.as_str());
        Shared {
            networks: networks.filter_map(|name| self.own("networks", name)).collect(),
            volumes: volumes.filter_map(|name| self.own("volumes", name)).collect(),
        }
    }

    /// What the engine calls something that belongs to the project.
    fn own(&self, section: &str, name: &str) -> Option<String> {
        let entry = self.config.get(section)?.get(name)?;
        let external = entry.get("external").is_some_and(|external| external != &Value::Bool(false));
        entry.get("name")?.as_str().filter(|_| !external).map(str::to_owned)
    }

    /// The ports of this machine that a container of the service gets, where the file says which.
    pub(super) fn ports(&self) -> Vec<Wanted> {
        let ports = self.spec().and_then(|spec| spec.get("ports")?.as_array()).into_iter().flatten();
        let wanted = ports.filter_map(|port| {
            let text = |key: &str| port.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
            Some(Wanted {
                address: text("host_ip").map_or(Ok(Ipv4Addr::UNSPECIFIED.into()), str::parse).ok()?,
                // A range leaves the choice to the tool.
                port: text("published")?.parse().ok().filter(|port| *port != 0)?,
                protocol: text("protocol").unwrap_or("tcp").to_owned(),
            })
        });
        wanted.collect()
    }

    /// Puts in labels of the service's containers.
    pub(super) fn label(&mut self, labels: impl IntoIterator<Item = (&'static str, String)>) {
        let Some(spec) = self.spec_mut() else { return };
        let mut all = match spec.remove("labels") {
            Some(Value::Object(all)) => all,
            Some(Value::Array(pairs)) => pairs.iter().filter_map(pair).collect(),
            _ => Map::new(),
        };
        all.extend(labels.into_iter().map(|(name, value)| (name.to_owned(), Value::String(escaped(&value)))));
        spec.insert("labels".to_owned(), Value::Object(all));
    }

    /// Puts in the image that orch made: the tool must neither make nor pull one.
    pub(super) fn image(&mut self, image: Option<&Built>) {
        let Some(spec) = self.spec_mut() else { return };
        spec.remove("build");
        if let Some(image) = image {
            spec.insert("image".to_owned(), Value::String(escaped(&image.reference)));
            // What orch does not know by its id was left in a registry.
            let policy = if image.id.is_some() { "never" } else { "missing" };
            spec.insert("pull_policy".to_owned(), Value::String(policy.to_owned()));
        }
    }

    /// Puts in what the images are called that the service's build starts from. Returns what the tool will call the image.
    pub(super) fn bases(&mut self, bases: &BTreeMap<ImageKey, Built>, default_name: String) -> String {
        let Some(spec) = self.spec_mut() else { return default_name };
        if let Some(build) = spec.get_mut("build").and_then(Value::as_object_mut).filter(|_| !bases.is_empty())
            && let Some(text) = dockerfile(build)
        {
            build.insert("dockerfile_inline".to_owned(), Value::String(escaped(&with_bases(&text, build, bases))));
            build.remove("dockerfile");
        }
        let named = spec.get("image").and_then(Value::as_str).filter(|name| !name.is_empty()).map(unescaped);
        named.unwrap_or_else(|| {
            spec.insert("image".to_owned(), Value::String(escaped(&default_name)));
            default_name
        })
    }

    /// As the tool reads it.
    pub(super) fn text(&self) -> String {
        self.config.to_string()
    }
}

/// What services of a project share.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Shared {
    /// Names of networks.
    pub(super) networks: Vec<String>,
    /// Names of volumes.
    pub(super) volumes: Vec<String>,
}

/// The tool replaces variables in what it is fed, so a `$` is written twice.
fn escaped(text: &str) -> String {
    text.replace('$', "$$")
}

fn unescaped(text: &str) -> String {
    text.replace("$$", "$")
}

/// The text of a build's Dockerfile; `None` where it is not on this machine.
fn dockerfile(build: &Map<String, Value>) -> Option<String> {
    let text = |key: &str| build.get(key).and_then(Value::as_str).map(unescaped);
    if let Some(inline) = text("dockerfile_inline") {
        return Some(inline);
    }
    let path = FilePath::new(text("context")?).join(text("dockerfile").unwrap_or_else(|| "Dockerfile".to_owned()));
    fs::read_to_string(path).ok()
}

/// The Dockerfile with the images that this session made in the place of their names.
fn with_bases(text: &str, build: &Map<String, Value>, bases: &BTreeMap<ImageKey, Built>) -> String {
    let dockerfile = Dockerfile::parse(text);
    let arguments = build.get("args").and_then(Value::as_object).into_iter().flatten();
    let arguments = arguments.map(|(name, value)| (name.clone(), value.as_str().map(unescaped))).collect();
    let made = |image: NamedImage| made_here(bases, &image.reference).map(|reference| (image, reference));
    let replaced: Vec<_> = dockerfile.images(&arguments).into_iter().filter_map(made).collect();
    dockerfile.with_images(text, &replaced)
}

fn pair(text: &Value) -> Option<(String, Value)> {
    let (name, value) = text.as_str()?.split_once('=')?;
    Some((name.to_owned(), Value::String(value.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FilePath;

    fn project(config: &str) -> ComposeProject {
        ComposeProject {
            name: "shop".to_owned(),
            dir: FilePath::new("/shop"),
            files: Vec::new(),
            env_file: None,
            profiles: None,
            wait: false,
            config: config.to_owned(),
        }
    }

    fn built() -> Built {
        Built { id: None, reference: "acme/web:orch-0123".to_owned() }
    }

    #[test]
    fn the_image_and_the_marks_go_to_one_service_alone() {
        let config =
            r#"{"services":{"web":{"build":{"context":"."},"profiles":["x"],"labels":["a=b"]},"db":{"image":"db"}}}"#;
        let mut feed = Feed::new(&project(config), "web").unwrap();
        feed.image(Some(&built()));
        feed.label([("orch.root", "/a$b".to_owned())]);
        let told: Value = serde_json::from_str(&feed.text()).unwrap();
        let web = r#"{"image":"acme/web:orch-0123","pull_policy":"missing","labels":{"a":"b","orch.root":"/a$$b"}}"#;
        assert_eq!(told["services"]["web"], serde_json::from_str::<Value>(web).unwrap());
        assert_eq!(told["services"]["db"].to_string(), r#"{"image":"db"}"#);
    }

    #[test]
    fn what_is_shared_has_the_engines_names() {
        let config = r#"{"services":{"web":{"networks":{"default":null,"out":null},"volumes":[
            {"type":"volume","source":"data","target":"/d"},{"type":"bind","source":"/x","target":"/y"}]}},
            "networks":{"default":{"name":"shop_default"},"out":{"name":"out","external":true}},
            "volumes":{"data":{"name":"shop_data"}}}"#;
        let shared = Feed::new(&project(config), "web").unwrap().shared();
        assert_eq!((shared.networks, shared.volumes), (vec!["shop_default".to_owned()], vec!["shop_data".to_owned()]));
    }

    #[test]
    fn ports_are_those_that_the_file_chooses() {
        let config = r#"{"services":{"web":{"ports":[{"target":80,"published":"8080","protocol":"udp","host_ip":"::1"},
            {"target":81,"published":"9000-9010"},{"target":82},{"target":83,"published":"83"}]}}}"#;
        let ports = Feed::new(&project(config), "web").unwrap().ports();
        let ports: Vec<_> = ports.iter().map(|it| (it.address.to_string(), it.port, it.protocol.as_str())).collect();
        assert_eq!(ports, [("::1".to_owned(), 8080, "udp"), ("0.0.0.0".to_owned(), 83, "tcp")]);
    }

    #[test]
    fn bases_are_put_into_the_dockerfile() {
        let inline = "FROM acme/base:1 AS $$X\nCOPY --from=other /a /b\n";
        let config = serde_json::json!({"services": {"web": {"build": {"context": ".", "dockerfile_inline": inline}}}});
        let mut feed = Feed::new(&project(&config.to_string()), "web").unwrap();
        let bases = BTreeMap::from([(ImageKey("acme/base".into()), built())]);
        assert_eq!(feed.bases(&bases, "shop-web".to_owned()), "shop-web");
        let told: Value = serde_json::from_str(&feed.text()).unwrap();
        let expected = "FROM acme/web:orch-0123 AS $$X\nCOPY --from=other /a /b\n";
        assert_eq!(told["services"]["web"]["build"]["dockerfile_inline"], expected);
    }

    #[test]
    fn scale_is_that_of_the_service_or_of_its_deployment() {
        for (spec, scale) in [("{}", 1), (r#"{"scale":3}"#, 3), (r#"{"deploy":{"replicas":0}}"#, 0)] {
            let config = format!(r#"{{"services":{{"web":{spec}}}}}"#);
            assert_eq!(Feed::new(&project(&config), "web").unwrap().scale(), scale, "{spec}");
        }
        assert!(Feed::new(&project("{}"), "web").unwrap_err().message.contains("no service `web`"));
    }
}
