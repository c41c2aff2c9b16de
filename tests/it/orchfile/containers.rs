//! What `docker_container` makes of its arguments, and what it says of wrong ones.

use super::folder::Folder;
use orch::{
    diag::Severity,
    model::{
        Container, ContainerImage, ContainerSource, ContainerSpec, HealthCheck, NetworkUse, Port, Restart, Volume,
        VolumeSource,
    },
};
use std::{collections::BTreeMap, time::Duration};

fn container(arguments: &str) -> (Folder, Container, ContainerSpec) {
    let folder = Folder::with(&[("Orchfile", &format!("docker_container('c', 'busybox:local', {arguments})\n"))]);
    let loaded = folder.load();
    assert_eq!(loaded.diagnostics, [], "{arguments}");
    let project = loaded.project.unwrap();
    let container = project.resources[0].kind.container().unwrap().clone();
    let ContainerSource::Plain(spec) = &container.source else { panic!("a plain container") };
    let spec = spec.as_ref().clone();
    (folder, container, spec)
}

#[expect(clippy::unnecessary_wraps, reason = "what the spec holds")]
fn words(text: &str) -> Option<Vec<String>> {
    Some(text.split('|').map(str::to_owned).collect())
}

#[test]
fn nothing_but_name_and_image_leaves_all_to_the_image() {
    let (_, container, spec) = container("");
    assert_eq!(spec, ContainerSpec::default());
    assert_eq!(container.image, ContainerImage::Pulled("busybox:local".to_owned()));
    assert_eq!((container.restart, container.health_check, container.engine_restarts), (None, false, false));
    assert!(container.infer_links && container.inputs.is_empty() && container.live_updates.is_empty());
}

#[test]
fn a_command_is_words_and_no_shell() {
    for (given, expected) in [
        ("'serve --port 80'", words("serve|--port|80")),
        ("'sh -c \"echo a b\"'", words("sh|-c|echo a b")),
        ("['a b', 'c']", words("a b|c")),
        ("[]", Some(Vec::new())),
        ("''", None),
        ("None", None),
    ] {
        let (_, _, spec) = container(&format!("command={given}, entrypoint={given}"));
        assert_eq!((&spec.command, &spec.entrypoint), (&expected, &expected), "{given}");
    }
}

#[test]
fn ports_and_volumes_are_what_docker_run_takes() {
    container("ports=['80:80', '80:80/udp', '192.168.0.1:80:80', '0:1', '0:2']");
    let (folder, _, spec) = container("ports=[80, '8080:81/udp', '0.0.0.0:0:82'], volumes=['./d:/d:ro', 'v:/v', '/a']");
    let port = |host_ip: Option<&str>, host_port, container_port, protocol: &str| Port {
        host_ip: host_ip.map(str::to_owned),
        host_port,
        container_port,
        protocol: protocol.to_owned(),
    };
    let expected =
        [port(None, None, 80, "tcp"), port(None, Some(8080), 81, "udp"), port(Some("0.0.0.0"), None, 82, "tcp")];
    assert_eq!(spec.ports, expected);
    let volume = |source, target: &str, read_only| Volume { source, target: target.to_owned(), read_only };
    let expected = [
        volume(VolumeSource::Bind(folder.path("d")), "/d", true),
        volume(VolumeSource::Named("v".to_owned()), "/v", false),
        volume(VolumeSource::Anonymous, "/a", false),
    ];
    assert_eq!(spec.volumes, expected);
}

#[test]
fn environment_is_a_dict_or_lines() {
    let env = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    assert_eq!(container("env={'A': '1', 'B': ''}").2.env, env(&[("A", "1"), ("B", "")]));
    assert_eq!(container("env=['A=1=2', 'B=', 'NOT_SET']").2.env, env(&[("A", "1=2"), ("B", "")]));
    let text = "os.putenv('C', 'x')\ndocker_container('c', 'busybox:local', env=['C'])\n";
    let loaded = Folder::with(&[("Orchfile", text)]).load();
    let container = loaded.project.unwrap().resources[0].kind.container().unwrap().clone();
    let ContainerSource::Plain(spec) = container.source else { panic!("a plain container") };
    assert_eq!(spec.env, env(&[("C", "x")]));
}

#[test]
fn a_health_check_is_made_of_its_arguments() {
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let nothing = HealthCheck { test: Vec::new(), interval: None, timeout: None, start_period: None, retries: None };
    let test = |test: &str| HealthCheck { test: words(test).unwrap(), ..nothing.clone() };
    for (given, expected, is_made) in [
        ("health_cmd='pg_isready -U x'", Some(test("CMD-SHELL|pg_isready -U x")), true),
        ("health_cmd=['pg_isready', '-U']", Some(test("CMD|pg_isready|-U")), true),
        ("no_healthcheck=True", Some(test("NONE")), false),
        ("health_cmd=None, no_healthcheck=False", None, false),
        (
            "health_cmd='x', health_interval=5, health_timeout='2s', health_start_period='1m', health_retries=4",
            Some(HealthCheck {
                interval: seconds(5),
                timeout: seconds(2),
                start_period: seconds(60),
                retries: Some(4),
                ..test("CMD-SHELL|x")
            }),
            true,
        ),
        ("health_interval='1s'", Some(HealthCheck { interval: seconds(1), ..nothing.clone() }), false),
    ] {
        let (_, container, spec) = container(given);
        assert_eq!((spec.health, container.health_check), (expected, is_made), "{given}");
    }
}

#[test]
fn networks_have_further_names() {
    let network = |name: &str, aliases: &[&str]| NetworkUse {
        name: name.to_owned(),
        aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
    };
    assert_eq!(container("networks='front'").2.networks, [network("front", &[])]);
    let given = "networks={'front': ['web', 'www'], 'back': 'b', 'last': None}";
    let expected = [network("front", &["web", "www"]), network("back", &["b"]), network("last", &[])];
    assert_eq!(container(given).2.networks, expected);
}

#[test]
fn all_else_is_there_too() {
    let (_, container, spec) = container(
        "user='1000:1000', workdir='/app', hostname='h', container_labels={'a': 'b'}, memory='64m', cpus=0.5, \
         pids_limit=10, shm_size='1g', init=True, privileged=True, read_only=True, tty=True, cap_add='NET_ADMIN', \
         cap_drop=['ALL'], tmpfs='/run:size=1m', extra_hosts=['a:1.2.3.4'], stop_signal='SIGINT', stop_timeout=3, \
         platform='linux/arm64', restart='on_failure', infer_links=False",
    );
    let texts = |text: &str| vec![text.to_owned()];
    let expected = ContainerSpec {
        user: Some("1000:1000".to_owned()),
        workdir: Some("/app".to_owned()),
        hostname: Some("h".to_owned()),
        labels: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
        memory_bytes: Some(64 << 20),
        cpu_millis: Some(500),
        pids_max: Some(10),
        shm_bytes: Some(1 << 30),
        init: true,
        privileged: true,
        read_only: true,
        tty: true,
        cap_add: texts("NET_ADMIN"),
        cap_drop: texts("ALL"),
        tmpfs: texts("/run:size=1m"),
        extra_hosts: texts("a:1.2.3.4"),
        stop_signal: Some("SIGINT".to_owned()),
        stop_timeout: Some(Duration::from_secs(3)),
        platform: "linux/arm64".to_owned(),
        ..ContainerSpec::default()
    };
    assert_eq!(spec, expected);
    assert_eq!((container.restart, container.infer_links), (Some(Restart::OnFailure), false));
}

#[test]
fn a_wrong_argument_is_named_with_what_to_write() {
    let ports = Some("write it as \"8080:80\", \"127.0.0.1:8080:80/udp\" or 80");
    let volumes = Some("write it as \"./data:/data\", \"NAME:/data:ro\" or \"/data\"");
    let durations = Some("write it as \"30s\", \"5m\" or \"1h30m\"");
    for (given, message, help) in [
        ("ports='80:'", "`` in the port `80:` is no number from 1 to 65535", ports),
        ("ports=['99999:80']", "`99999` in the port `99999:80` is no number from 1 to 65535", ports),
        ("ports=['80/http']", "the port `80/http` has the protocol `http`, and there are tcp, udp and sctp", ports),
        ("ports=['web:80:80']", "`web` in the port `web:80:80` is no address", ports),
        ("ports=['1-2:1-3']", "the ranges of the port `1-2:1-3` have not the same length", ports),
        ("ports=[0.5]", "item 1 of `ports` must be a port: a number or a string, not a float", None),
        (
            "ports=['80:80', '80:81']",
            "the port 80 of this machine is published twice",
            Some("publish each on a port of its own"),
        ),
        (
            "ports=['80:80', '0.0.0.0:80:81']",
            "the port 80 of this machine is published twice",
            Some("publish each on a port of its own"),
        ),
        ("volumes='data:x'", "the place of the volume `data:x` in the container, `x`, is not absolute", volumes),
        ("volumes='a:/x:z'", "`z` of the volume `a:/x:z` is neither `ro` nor `rw`", volumes),
        (
            "volumes='src/a:/x'",
            "`src/a` of the volume `src/a:/x` is neither a path nor the name of a volume",
            Some("begin a path with `./` or `/`"),
        ),
        (
            "volumes='~/a:/x'",
            "`~/a` of the volume `~/a:/x` is neither a path nor the name of a volume",
            Some("write the path in full: `os.environ[\"HOME\"] + \"/…\"`"),
        ),
        ("volumes=['a:/x', 'b:/x/']", "two volumes are mounted at `/x`", None),
        ("env={'A': 1}", "the value of \"A\" of `env` must be a string, not an int", None),
        ("env=['=x']", "`` cannot be the name of an environment variable", None),
        (
            "command='a \"b'",
            "a quote in the command `a \"b` is not closed",
            Some("close it, or give a list of program and arguments"),
        ),
        (
            "networks=['a b']",
            "`a b` cannot be a network",
            Some("use letters, digits, `_`, `.` and `-`, with a letter or digit first"),
        ),
        ("networks=['a', 'a']", "the network `a` is named twice", None),
        ("memory='much'", "`much` is no amount of memory", Some("write it as \"512m\" or \"2g\"")),
        (
            "memory=512",
            "`memory` is less than the 6 MB that a container must have",
            Some("write it as \"512m\" or \"2g\"; a number is in bytes"),
        ),
        ("cpus='all'", "`all` is no number of cores", Some("write it as `0.5`")),
        ("cpus=0", "`0` is no number of cores", Some("write it as `0.5`")),
        ("pids_limit=0", "`pids_limit` must be at least 1, and 0 was given", Some("leave it out to have no limit")),
        ("health_interval='often'", "`often` is no duration", durations),
        ("stop_timeout=-1", "`-1` is no duration", durations),
        ("health_retries=0", "`health_retries` must be at least 1, and 0 was given", None),
        (
            "health_cmd=['CMD', 'x']",
            "`CMD` is no program",
            Some("give program and arguments alone, or a string for the shell"),
        ),
        (
            "health_cmd='x', no_healthcheck=True",
            "`no_healthcheck` and other arguments about the check exclude each other",
            Some("remove `no_healthcheck`"),
        ),
        ("workdir='app'", "the folder in the container, `app`, is not absolute", Some("begin it with `/`")),
        (
            "restart='unless-stopped'",
            "`unless-stopped` does not say when to restart",
            Some("use \"always\", \"on_failure\" or \"never\""),
        ),
    ] {
        let text = format!("docker_container('c', 'busybox:local', {given})\n");
        let loaded = Folder::with(&[("Orchfile", &text)]).load();
        let error = loaded.diagnostics.iter().find(|diagnostic| diagnostic.severity == Severity::Error);
        let error = error.unwrap_or_else(|| panic!("nothing is wrong with {given}"));
        assert_eq!((error.message.as_str(), error.help.as_deref()), (message, help), "{given}");
        let label = &error.labels[0];
        assert!(label.span.1 < text.len() - 1, "the place of {given} is narrower than the call");
    }
}
