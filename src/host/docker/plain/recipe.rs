//! What the engine is told to make: the translation of a container's spec. Pure.

use super::{network::Joined, ports::Chosen};
use crate::model::{ContainerSpec, HealthCheck, ProjectId, Volume, VolumeSource};
use bollard::models::{ContainerCreateBody, HealthConfig, HostConfig, Mount, MountType, NetworkingConfig};
use std::{collections::HashMap, time::Duration};

/// In billionths of a core.
const NANOS_A_MILLI: u64 = 1_000_000;

/// The engine's name of a project's volume.
pub(super) fn volume_name(project: &ProjectId, volume: &str) -> String {
    format!("{project}_{volume}")
}

/// The whole request.
pub(super) fn body(
    spec: &ContainerSpec,
    image: &str,
    marks: [(&'static str, String); 4],
    joined: &Joined,
    ports: &Chosen,
    project: &ProjectId,
) -> ContainerCreateBody {
    let mut labels: HashMap<String, String> = spec.labels.clone().into_iter().collect();
    labels.extend(marks.map(|(label, value)| (label.to_owned(), value)));
    let bindings = ports.bindings();
    let first = joined.first();
    ContainerCreateBody {
        image: Some(image.to_owned()),
        cmd: spec.command.clone(),
        entrypoint: spec.entrypoint.clone(),
        env: Some(spec.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        exposed_ports: Some(bindings.keys().cloned().collect()),
        healthcheck: spec.health.as_ref().map(health),
        user: spec.user.clone(),
        working_dir: spec.workdir.clone(),
        labels: Some(labels),
        hostname: spec.hostname.clone(),
        tty: Some(spec.tty),
        stop_signal: spec.stop_signal.clone(),
        stop_timeout: spec.stop_timeout.and_then(|timeout| i64::try_from(timeout.as_millis().div_ceil(1000)).ok()),
        host_config: Some(HostConfig {
            network_mode: first.map(|(name, _)| name.to_owned()),
            port_bindings: Some(bindings),
            ..host(spec, project)
        }),
        networking_config: first.map(|(name, endpoint)| NetworkingConfig {
            endpoints_config: Some(HashMap::from([(name.to_owned(), endpoint.clone())])),
        }),
        ..ContainerCreateBody::default()
    }
}

/// What of the machine it gets.
fn host(spec: &ContainerSpec, project: &ProjectId) -> HostConfig {
    let bytes = |bytes: Option<u64>| bytes.and_then(|bytes| i64::try_from(bytes).ok());
    let some = |words: &Vec<String>| (!words.is_empty()).then(|| words.clone());
    let memory_dirs = spec.tmpfs.iter().map(|text| {
        let (path, options) = text.split_once(':').unwrap_or((text, ""));
        (path.to_owned(), options.to_owned())
    });
    HostConfig {
        memory: bytes(spec.memory_bytes),
        nano_cpus: bytes(spec.cpu_millis.map(|millis| millis.saturating_mul(NANOS_A_MILLI))),
        pids_limit: spec.pids_max.map(i64::from),
        shm_size: bytes(spec.shm_bytes),
        init: spec.init.then_some(true),
        privileged: Some(spec.privileged),
        readonly_rootfs: Some(spec.read_only),
        cap_add: some(&spec.cap_add),
        cap_drop: some(&spec.cap_drop),
        extra_hosts: some(&spec.extra_hosts),
        tmpfs: (!spec.tmpfs.is_empty()).then(|| memory_dirs.collect()),
        mounts: Some(spec.volumes.iter().map(|volume| mount(volume, project)).collect()),
        ..HostConfig::default()
    }
}

fn mount(volume: &Volume, project: &ProjectId) -> Mount {
    let (typ, source) = match &volume.source {
        VolumeSource::Bind(path) => (MountType::BIND, Some(path.to_string())),
        VolumeSource::Named(name) => (MountType::VOLUME, Some(volume_name(project, name))),
        VolumeSource::Anonymous => (MountType::VOLUME, None),
    };
    Mount {
        typ: Some(typ),
        source,
        target: Some(volume.target.clone()),
        read_only: Some(volume.read_only),
        ..Mount::default()
    }
}

fn health(check: &HealthCheck) -> HealthConfig {
    let nanos = |duration: Option<Duration>| duration.and_then(|duration| i64::try_from(duration.as_nanos()).ok());
    HealthConfig {
        test: Some(check.test.clone()),
        interval: nanos(check.interval),
        timeout: nanos(check.timeout),
        start_period: nanos(check.start_period),
        retries: check.retries.map(i64::from),
        ..HealthConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FilePath, Port};
    use serde_json::json;

    #[test]
    fn what_the_file_says_is_what_the_engine_is_told() {
        let volume = |source, target: &str, read_only| Volume { source, target: target.to_owned(), read_only };
        let spec = ContainerSpec {
            command: Some(vec!["serve".to_owned()]),
            env: [("A".to_owned(), "1=2".to_owned())].into(),
            ports: vec![Port {
                host_ip: Some("0.0.0.0".to_owned()),
                host_port: Some(8080),
                container_port: 80,
                protocol: "tcp".to_owned(),
            }],
            volumes: vec![
                volume(VolumeSource::Bind(FilePath::new("/src")), "/app", true),
                volume(VolumeSource::Named("pg".to_owned()), "/data", false),
                volume(VolumeSource::Anonymous, "/cache", false),
            ],
            health: Some(HealthCheck {
                test: vec!["CMD-SHELL".to_owned(), "true".to_owned()],
                interval: Some(Duration::from_millis(500)),
                timeout: None,
                start_period: None,
                retries: Some(2),
            }),
            labels: [("orch.project".to_owned(), "mine".to_owned()), ("a".to_owned(), "b".to_owned())].into(),
            memory_bytes: Some(1 << 20),
            cpu_millis: Some(500),
            pids_max: Some(9),
            tmpfs: vec!["/run:size=1m".to_owned(), "/tmp".to_owned()],
            stop_timeout: Some(Duration::from_millis(1500)),
            init: true,
            ..ContainerSpec::default()
        };
        let marks = [("orch.project", "p"), ("orch.root", "/p"), ("orch.resource", "r"), ("orch.fingerprint", "f")];
        let marks = marks.map(|(label, value)| (label, value.to_owned()));
        let ports = Chosen::of(&spec.ports, &[], true);
        let project = ProjectId::parse("shop").unwrap();
        let told = body(&spec, "img", marks, &Joined::default(), &ports, &project);
        let told = serde_json::to_value(told).unwrap();
        assert_eq!(told["Image"], "img");
        assert_eq!(told["Cmd"], json!(["serve"]));
        assert_eq!(told["Env"], json!(["A=1=2"]));
        assert_eq!(told["ExposedPorts"], json!({"80/tcp": {}}));
        assert_eq!(told["Labels"]["orch.project"], "p", "nobody else's mark");
        assert_eq!(told["Labels"]["a"], "b");
        assert_eq!(told["StopTimeout"], 2);
        assert_eq!(told["Healthcheck"], json!({"Test": ["CMD-SHELL", "true"], "Interval": 500_000_000, "Retries": 2}));
        let host = &told["HostConfig"];
        assert_eq!(host["PortBindings"], json!({"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]}));
        assert_eq!(
            (&host["Memory"], &host["NanoCpus"], &host["PidsLimit"]),
            (&json!(1 << 20), &json!(500_000_000), &json!(9))
        );
        assert_eq!(host["Tmpfs"], json!({"/run": "size=1m", "/tmp": ""}));
        assert_eq!(host["Init"], true);
        let mounts = json!([
            {"Target": "/app", "Source": "/src", "Type": "bind", "ReadOnly": true},
            {"Target": "/data", "Source": "shop_pg", "Type": "volume", "ReadOnly": false},
            {"Target": "/cache", "Type": "volume", "ReadOnly": false}
        ]);
        assert_eq!(host["Mounts"], mounts);
    }
}
