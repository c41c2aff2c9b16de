//! `docker_container`: a container without a compose file.

#![expect(clippy::too_many_arguments, reason = "the signatures are those of the language")]

mod amounts;
mod environment;
mod health;
mod networks;
mod ports;
mod volumes;
mod words;

use self::{
    amounts::{Bytes, Cpus, Seconds},
    environment::Environment,
    health::HealthArguments,
    networks::Networks,
    ports::Ports,
    volumes::Volumes,
    words::Words,
};
use super::{
    dependency::Dependencies,
    image::reference::Reference,
    link::Links,
    local::restart_of,
    resource::Options,
    trigger::Mode,
    unpack::{Flag, Given, Integer, Labels, Maybe, Name, Optional, Text, TextDict, TextOrList},
};
use crate::{
    model::{Container, ContainerImage, ContainerSource, ContainerSpec, Kind},
    orchfile::Fault,
};
use starlark::{environment::GlobalsBuilder, eval::Evaluator, starlark_module, values::none::NoneType};

type Arg<'v, K> = Option<Given<'v, K>>;

/// The arguments about what runs in it.
struct Process<'v> {
    command: Arg<'v, Words>,
    entrypoint: Arg<'v, Words>,
    env: Arg<'v, Environment>,
    user: Arg<'v, Maybe<Text>>,
    workdir: Arg<'v, Maybe<Text>>,
    stop_signal: Arg<'v, Maybe<Text>>,
    stop_timeout: Arg<'v, Maybe<Seconds>>,
    init: Arg<'v, Flag>,
    tty: Arg<'v, Flag>,
}

/// The arguments about what it sees of the world.
struct Surroundings<'v> {
    ports: Arg<'v, Ports>,
    volumes: Arg<'v, Volumes>,
    tmpfs: Arg<'v, TextOrList>,
    networks: Arg<'v, Networks>,
    hostname: Arg<'v, Maybe<Text>>,
    extra_hosts: Arg<'v, TextOrList>,
}

/// The arguments about what it may.
struct Bounds<'v> {
    memory: Arg<'v, Maybe<Bytes>>,
    cpus: Arg<'v, Maybe<Cpus>>,
    pids_limit: Arg<'v, Maybe<Integer>>,
    shm_size: Arg<'v, Maybe<Bytes>>,
    privileged: Arg<'v, Flag>,
    read_only: Arg<'v, Flag>,
    cap_add: Arg<'v, TextOrList>,
    cap_drop: Arg<'v, TextOrList>,
}

impl<'v> Process<'v> {
    fn put(self, spec: &mut ContainerSpec, eval: &Evaluator<'v, '_, '_>) -> Result<(), Fault> {
        spec.command = self.command.take_or_default("command", eval)?;
        spec.entrypoint = self.entrypoint.take_or_default("entrypoint", eval)?;
        spec.env = environment::complete(self.env.take_or_default("env", eval)?, eval);
        spec.user = given(self.user.take_or_default("user", eval)?);
        spec.workdir = given(self.workdir.take_or_default("workdir", eval)?);
        spec.stop_signal = given(self.stop_signal.take_or_default("stop_signal", eval)?);
        spec.stop_timeout = self.stop_timeout.take_or_default("stop_timeout", eval)?;
        spec.init = self.init.take_or_default("init", eval)?;
        spec.tty = self.tty.take_or_default("tty", eval)?;
        match spec.workdir.as_deref().filter(|dir| !dir.starts_with('/')) {
            Some(dir) => Err(Fault::value(format!("the folder in the container, `{dir}`, is not absolute"))
                .help("begin it with `/`")
                .at_argument("workdir")),
            None => Ok(()),
        }
    }
}

impl<'v> Surroundings<'v> {
    fn put(self, spec: &mut ContainerSpec, eval: &Evaluator<'v, '_, '_>) -> Result<(), Fault> {
        spec.ports = self.ports.take_or_default("ports", eval)?;
        spec.volumes = volumes::resolve(self.volumes.take_or_default("volumes", eval)?, eval);
        spec.tmpfs = self.tmpfs.take_or_default("tmpfs", eval)?;
        spec.networks = self.networks.take_or_default("networks", eval)?;
        spec.hostname = given(self.hostname.take_or_default("hostname", eval)?);
        spec.extra_hosts = self.extra_hosts.take_or_default("extra_hosts", eval)?;
        ports::check_twice(&spec.ports)?;
        volumes::check_twice(spec)
    }
}

impl<'v> Bounds<'v> {
    fn put(self, spec: &mut ContainerSpec, eval: &Evaluator<'v, '_, '_>) -> Result<(), Fault> {
        spec.memory_bytes = self.memory.take_or_default("memory", eval)?;
        spec.cpu_millis = self.cpus.take_or_default("cpus", eval)?;
        spec.shm_bytes = self.shm_size.take_or_default("shm_size", eval)?;
        spec.privileged = self.privileged.take_or_default("privileged", eval)?;
        spec.read_only = self.read_only.take_or_default("read_only", eval)?;
        spec.cap_add = self.cap_add.take_or_default("cap_add", eval)?;
        spec.cap_drop = self.cap_drop.take_or_default("cap_drop", eval)?;
        if let Some(pids) = self.pids_limit.take_or_default("pids_limit", eval)? {
            let invalid = || {
                let message = format!("`pids_limit` must be at least 1, and {pids} was given");
                Fault::value(message).help("leave it out to have no limit").at_argument("pids_limit")
            };
            spec.pids_max = Some(u32::try_from(pids).ok().filter(|pids| *pids > 0).ok_or_else(invalid)?);
        }
        match spec.memory_bytes.filter(|bytes| *bytes < amounts::MEMORY_MIN) {
            Some(_) => Err(Fault::value("`memory` is less than the 6 MB that a container must have")
                .help("write it as \"512m\" or \"2g\"; a number is in bytes")
                .at_argument("memory")),
            None => Ok(()),
        }
    }
}

/// An empty text says nothing.
fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// Adds the builtin.
#[starlark_module]
pub(super) fn register(builder: &mut GlobalsBuilder) {
    /// A container. What its arguments are called and mean is what `docker run` users know. It is made anew when one of them or
    /// its image changes, and put back when it dies or is removed.
    ///
    /// # Arguments
    /// * `name`: the resource's name, and the container's name in its networks
    /// * `image`: an image of the project, or one that is pulled
    /// * `ports`: what can be reached from this machine: `"8080:80"`, `"127.0.0.1:8080:80/udp"`, `"8000-8002:80-82"`; only the
    ///   container's port, as `80`, takes a free one here. Without an address it is 127.0.0.1
    /// * `env`: a dict, or a list of `"NAME=VALUE"`; a `"NAME"` alone is taken from the environment
    /// * `volumes`: what is mounted: `"./data:/data:ro"` (a file or folder of this machine, relative to the folder of the file
    ///   that calls), `"NAME:/data"` (a volume of the project), `"/data"` (a volume that goes with the container)
    /// * `command`: instead of the image's; a string is split into words as a shell does, and no shell runs
    /// * `entrypoint`: instead of the image's, as `command`
    /// * `networks`: names, or a dict from names to further names of the container there; else one network for the project
    /// * `health_cmd`: tells whether the container is well, and so ready: a string for the container's shell, or a list of
    ///   program and arguments; instead of the image's
    /// * `health_interval`: how long between two checks, such as `"5s"`
    /// * `health_timeout`: how long one check may take
    /// * `health_start_period`: how long failures do not count after the start
    /// * `health_retries`: how many failures in a row make it unhealthy
    /// * `no_healthcheck`: whether the image's own check is not made
    /// * `restart`: when a container that ended by itself is started again: `"always"`, `"on_failure"` or `"never"`
    /// * `user`: as whom it runs, as `"USER:GROUP"`; else as the image says
    /// * `workdir`: the folder in which its command runs
    /// * `hostname`: what it calls itself
    /// * `container_labels`: labels that Docker shows; `labels` is how orch groups the resource
    /// * `memory`: at most so much, such as `"512m"`
    /// * `cpus`: at most so many cores, such as `0.5`
    /// * `pids_limit`: at most so many processes
    /// * `shm_size`: the size of `/dev/shm`, such as `"1g"`
    /// * `init`: whether a small init is its first process, which cleans up after the others
    /// * `privileged`: whether it may all that this machine may
    /// * `read_only`: whether nothing but its volumes can be written
    /// * `tty`: whether its output is a terminal
    /// * `cap_add`: capabilities that it has beside the usual ones
    /// * `cap_drop`: capabilities that it does not have
    /// * `tmpfs`: folders in memory, such as `"/run:size=64m"`
    /// * `extra_hosts`: lines of its `/etc/hosts`, as `"NAME:IP"`
    /// * `stop_signal`: how it is asked to end, such as `"SIGINT"`
    /// * `stop_timeout`: how long it has for that, in seconds or as `"30s"`
    /// * `platform`: such as `"linux/arm64"`
    /// * `infer_links`: whether published ports become links
    /// * `trigger_mode`: `TRIGGER_MODE_MANUAL` lets changes wait for the user
    /// * `resource_deps`: what must have been ready once before the first start: names, or `dep(name, condition=…)`
    /// * `auto_init`: `False` keeps it from starting with the session
    /// * `labels`: how the resource is grouped
    /// * `links`: where the resource can be looked at
    fn docker_container<'v>(
        name: Given<'v, Name>,
        image: Given<'v, Reference>,
        ports: Option<Given<'v, Ports>>,
        env: Option<Given<'v, Environment>>,
        volumes: Option<Given<'v, Volumes>>,
        command: Option<Given<'v, Words>>,
        entrypoint: Option<Given<'v, Words>>,
        networks: Option<Given<'v, Networks>>,
        #[starlark(require = named)] health_cmd: Option<Given<'v, health::Check>>,
        #[starlark(require = named)] health_interval: Option<Given<'v, Maybe<Seconds>>>,
        #[starlark(require = named)] health_timeout: Option<Given<'v, Maybe<Seconds>>>,
        #[starlark(require = named)] health_start_period: Option<Given<'v, Maybe<Seconds>>>,
        #[starlark(require = named)] health_retries: Option<Given<'v, Maybe<Integer>>>,
        #[starlark(require = named)] no_healthcheck: Option<Given<'v, Flag>>,
        #[starlark(require = named)] restart: Option<Given<'v, Maybe<Text>>>,
        #[starlark(require = named)] user: Option<Given<'v, Maybe<Text>>>,
        #[starlark(require = named)] workdir: Option<Given<'v, Maybe<Text>>>,
        #[starlark(require = named)] hostname: Option<Given<'v, Maybe<Text>>>,
        #[starlark(require = named)] container_labels: Option<Given<'v, TextDict>>,
        #[starlark(require = named)] memory: Option<Given<'v, Maybe<Bytes>>>,
        #[starlark(require = named)] cpus: Option<Given<'v, Maybe<Cpus>>>,
        #[starlark(require = named)] pids_limit: Option<Given<'v, Maybe<Integer>>>,
        #[starlark(require = named)] shm_size: Option<Given<'v, Maybe<Bytes>>>,
        #[starlark(require = named)] init: Option<Given<'v, Flag>>,
        #[starlark(require = named)] privileged: Option<Given<'v, Flag>>,
        #[starlark(require = named)] read_only: Option<Given<'v, Flag>>,
        #[starlark(require = named)] tty: Option<Given<'v, Flag>>,
        #[starlark(require = named)] cap_add: Option<Given<'v, TextOrList>>,
        #[starlark(require = named)] cap_drop: Option<Given<'v, TextOrList>>,
        #[starlark(require = named)] tmpfs: Option<Given<'v, TextOrList>>,
        #[starlark(require = named)] extra_hosts: Option<Given<'v, TextOrList>>,
        #[starlark(require = named)] stop_signal: Option<Given<'v, Maybe<Text>>>,
        #[starlark(require = named)] stop_timeout: Option<Given<'v, Maybe<Seconds>>>,
        #[starlark(require = named)] platform: Option<Given<'v, Maybe<Text>>>,
        #[starlark(require = named)] infer_links: Option<Given<'v, Flag>>,
        #[starlark(require = named)] trigger_mode: Option<Given<'v, Mode>>,
        #[starlark(require = named)] resource_deps: Option<Given<'v, Dependencies>>,
        #[starlark(require = named)] auto_init: Option<Given<'v, Flag>>,
        #[starlark(require = named)] labels: Option<Given<'v, Labels>>,
        #[starlark(require = named)] links: Option<Given<'v, Links>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let name = name.take("name", eval)?;
        let image = image.take("image", eval)?;
        let process = Process { command, entrypoint, env, user, workdir, stop_signal, stop_timeout, init, tty };
        let surroundings = Surroundings { ports, volumes, tmpfs, networks, hostname, extra_hosts };
        let bounds = Bounds { memory, cpus, pids_limit, shm_size, privileged, read_only, cap_add, cap_drop };
        let health = HealthArguments {
            command: health_cmd,
            interval: health_interval,
            timeout: health_timeout,
            start_period: health_start_period,
            retries: health_retries,
            none: no_healthcheck,
        };
        let mut spec = ContainerSpec {
            health: health.take(eval)?,
            labels: container_labels.take_or_default("container_labels", eval)?,
            platform: platform.take_or_default("platform", eval)?.unwrap_or_default(),
            ..ContainerSpec::default()
        };
        process.put(&mut spec, eval)?;
        surroundings.put(&mut spec, eval)?;
        bounds.put(&mut spec, eval)?;
        let restart = restart.take_or_default("restart", eval)?;
        let container = Container {
            health_check: health::is_made(spec.health.as_ref()),
            source: ContainerSource::Plain(Box::new(spec)),
            image: ContainerImage::Pulled(image.key().to_string()),
            live_updates: Vec::new(),
            inputs: Vec::new(),
            restart: restart.as_deref().map(restart_of).transpose()?,
            engine_restarts: false,
            infer_links: infer_links.take_given("infer_links", eval)?.unwrap_or(true),
        };
        let options = Options { trigger_mode, resource_deps, auto_init, labels, links };
        options.declare(name, Kind::Container(Box::new(container)), eval)?;
        Ok(NoneType)
    }
}
