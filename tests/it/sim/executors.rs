//! The executors of the simulated world: commands that read and write its files, what they leave running, servers and
//! checks of probes. Each start ends exactly once.

use super::{
    facts::{InstanceFacts, RunFacts},
    pace::Wait,
    script::Script,
    world::{Due, Step, World},
};
use orch::{
    engine::{CommandSpec, Event, PortCheck, ProbeResult, RunEnd},
    model::{
        Digest, Exit, Failure, FilePath, FileSet, InstanceId, Probe, ProbeAction, RequestId, ResourceName, RunId, Time,
    },
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// The process tree of a run.
#[derive(Debug)]
pub(crate) struct LiveRun {
    script: Script,
    outputs: Arc<FileSet>,
    /// It was asked to end; when it will at the latest.
    ends_by: Option<Time>,
}

/// What a run left running.
#[derive(Debug)]
pub(crate) struct LiveLeftovers {
    script: Script,
}

/// The process tree of a server.
#[derive(Debug)]
pub(crate) struct LiveInstance {
    script: Script,
    started_at: Option<Time>,
    waits_for_line: bool,
    ends_by: Option<Time>,
}

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn not_started(message: &str) -> Exit {
    Exit::NotStarted(Failure { message: message.to_owned(), help: None })
}

/// What a command writes to `path`, having read these.
pub(crate) fn product(script: &Script, read: &BTreeMap<FilePath, String>, path: &FilePath) -> String {
    let mut parts = vec![script.text.clone(), path.to_string()];
    for (path, content) in read {
        let seen = if script.coarse { content.chars().next().into_iter().collect() } else { content.clone() };
        parts.extend([path.to_string(), seen]);
    }
    let digest = Digest::of_parts(parts.iter().map(String::as_bytes));
    format!("{}{digest}", char::from(b'a' + digest.0[0] % 3))
}

impl World {
    fn files_below(&self, roots: &[FilePath]) -> BTreeMap<FilePath, String> {
        self.disk.below(roots).map(|(path, file)| (path.clone(), file.content.clone())).collect()
    }

    pub(super) fn start_run(
        &mut self,
        run: RunId,
        resource: ResourceName,
        command: CommandSpec,
        outputs: Arc<FileSet>,
    ) {
        if self.facts.runs.contains_key(&run) || self.facts.docker.runs.contains_key(&run) {
            return self.object(format!("run {run} is started twice"));
        }
        let script = Script::of_spec(&command);
        let facts = RunFacts {
            resource: resource.clone(),
            session: self.facts.session,
            command,
            script: script.clone(),
            definition: self.facts.resource(&resource).cloned(),
            loads: self.facts.loads,
            asked_at: self.now,
            over_at: None,
            exit: None,
            told_at: None,
            read: BTreeMap::new(),
            wrote: BTreeMap::new(),
            at_start: self.files_below(&script.reads),
        };
        if !facts.is_teardown() {
            self.facts.runs_of.entry(resource.clone()).or_default().push(run);
            self.facts.reached.entry(resource).or_default().started = true;
        }
        self.facts.runs.insert(run, facts);
        self.runs.insert(run, LiveRun { script, outputs, ends_by: None });
        let wait = self.pace.wait(Wait::Spawn);
        self.later(wait, Due::Go(Step::RunStarts(run)));
    }

    pub(super) fn run_starts(&mut self, run: RunId) {
        let Some(live) = self.runs.get(&run) else { return };
        let script = live.script.clone();
        if script.missing {
            return self.run_over(run, not_started("there is no such program"), false);
        }
        let pid = self.new_pid();
        self.later(Duration::ZERO, Due::Tell(Event::RunStarted { run, pid }));
        let third = script.duration / 3;
        let share = |count: usize, place: usize| third * place as u64 / count.max(1) as u64;
        for place in 0..script.reads.len() {
            self.later(millis(share(script.reads.len(), place) * 2), Due::Go(Step::RunReads(run, place)));
        }
        for place in 0..script.writes.len() {
            let wait = 2 * third + share(script.writes.len(), place);
            self.later(millis(wait), Due::Go(Step::RunWrites(run, place)));
        }
        self.later(millis(script.duration), Due::Go(Step::RunEnds(run)));
    }

    pub(super) fn run_reads(&mut self, run: RunId, place: usize) {
        let Some(live) = self.runs.get(&run) else { return };
        let files = self.files_below(&live.script.reads[place..=place]);
        if let Some(facts) = self.facts.runs.get_mut(&run) {
            facts.read.extend(files);
        }
    }

    /// Whether the command of the run will fail.
    fn fails(&self, run: RunId, script: &Script) -> bool {
        let read_bad =
            |word: &String| self.facts.runs[&run].read.values().any(|content| content.contains(word.as_str()));
        script.exit != 0 || script.fails_on.as_ref().is_some_and(read_bad)
    }

    pub(super) fn run_writes(&mut self, run: RunId, place: usize) {
        let Some(live) = self.runs.get(&run) else { return };
        let script = live.script.clone();
        let path = &script.writes[place];
        let mut content = product(&script, &self.facts.runs[&run].read, path);
        if self.fails(run, &script) {
            content.push_str(" in part");
        }
        self.write(path, &content);
        self.facts.tampered.remove(path);
        if let Some(facts) = self.facts.runs.get_mut(&run) {
            facts.wrote.insert(path.clone(), content);
        }
    }

    pub(super) fn run_ends(&mut self, run: RunId) {
        let Some(live) = self.runs.get(&run) else { return };
        let script = live.script.clone();
        let fails = self.fails(run, &script);
        let code = if fails && script.exit == 0 { 1 } else { script.exit };
        let leaves = !fails && script.leaves.is_some();
        self.run_over(run, Exit::Code(code), leaves);
    }

    pub(super) fn run_killed(&mut self, run: RunId) {
        if self.runs.get(&run).and_then(|live| live.ends_by).is_some_and(|by| by <= self.now) {
            self.run_over(run, Exit::Stopped, false);
        }
    }

    fn run_over(&mut self, run: RunId, exit: Exit, leftovers: bool) {
        let Some(live) = self.runs.remove(&run) else { return };
        if let Some(facts) = self.facts.runs.get_mut(&run) {
            facts.over_at = Some(self.now);
        }
        let outputs = if exit.is_success() {
            self.disk.of_set(&live.outputs).map(|(path, file)| (path.clone(), file.digest)).collect()
        } else {
            Vec::new()
        };
        let wait = self.pace.wait(Wait::Reap);
        self.later(wait, Due::Tell(Event::RunEnded { run, end: RunEnd { outputs, leftovers, ..RunEnd::of(exit) } }));
        if leftovers {
            let lives = millis(live.script.leaves.unwrap_or_default());
            self.leftovers.insert(run, LiveLeftovers { script: live.script });
            self.later(wait + lives, Due::Go(Step::LeftoversGone(run)));
        }
    }

    pub(super) fn cancel_run(&mut self, run: RunId, grace: Duration) {
        if self.facts.docker.runs.contains_key(&run) {
            return self.cancel_docker_run(run);
        }
        if self.cluster.known_runs.contains(&run) {
            return self.cancel_kube_run(run);
        }
        if !self.facts.runs.contains_key(&run) {
            self.object(format!("run {run} is cancelled that never was"));
        }
        let Some(live) = self.runs.get_mut(&run) else { return };
        let wait = live.script.time_to_stop(grace);
        let by = self.now + wait;
        live.ends_by = Some(live.ends_by.map_or(by, |before| before.min(by)));
        self.later(wait, Due::Go(Step::RunKilled(run)));
    }

    pub(super) fn stop_leftovers(&mut self, run: RunId, grace: Duration) {
        let Some(live) = self.leftovers.get(&run) else { return };
        let wait = live.script.time_to_stop(grace);
        self.later(wait, Due::Go(Step::LeftoversGone(run)));
    }

    pub(super) fn leftovers_gone(&mut self, run: RunId) {
        if self.leftovers.remove(&run).is_some() {
            self.later(Duration::ZERO, Due::Tell(Event::LeftoversEnded { run }));
        }
    }

    /// The inputs of a resource as the project that is in force has them.
    fn inputs_of(&self, name: &ResourceName) -> Vec<FilePath> {
        let inputs = self.facts.resource(name).map(|resource| resource.kind.inputs()).unwrap_or_default();
        inputs.iter().flat_map(|set| set.roots.clone()).collect()
    }

    pub(super) fn start_instance(
        &mut self,
        instance: InstanceId,
        resource: ResourceName,
        command: CommandSpec,
        waits_for_line: bool,
        port: Option<PortCheck>,
    ) {
        if self.facts.instances.contains_key(&instance) || self.facts.docker.instances.contains_key(&instance) {
            return self.object(format!("instance {instance} is started twice"));
        }
        let script = Script::of_spec(&command);
        let facts = InstanceFacts {
            resource: resource.clone(),
            session: self.facts.session,
            command,
            asked_at: self.now,
            started_at: None,
            ready: false,
            passes: 0,
            stop_asked: false,
            told_at: None,
            exit: None,
            at_start: self.files_below(&self.inputs_of(&resource)),
        };
        self.facts.instances.insert(instance, facts);
        self.facts.instances_of.entry(resource.clone()).or_default().push(instance);
        self.facts.reached.entry(resource).or_default().started = true;
        let refused = port.is_some_and(|port| port.refuse && self.taken_ports.contains(&port.port));
        self.instances.insert(instance, LiveInstance { script, started_at: None, waits_for_line, ends_by: None });
        if refused {
            return self.instance_over(instance, not_started("the port is taken"));
        }
        let wait = self.pace.wait(Wait::Spawn);
        self.later(wait, Due::Go(Step::InstanceStarts(instance)));
    }

    pub(super) fn instance_starts(&mut self, instance: InstanceId) {
        let (pid, now) = (self.new_pid(), self.now);
        let Some(live) = self.instances.get_mut(&instance) else { return };
        if live.script.missing {
            return self.instance_over(instance, not_started("there is no such program"));
        }
        live.started_at = Some(now);
        let (script, waits_for_line) = (live.script.clone(), live.waits_for_line);
        if let Some(facts) = self.facts.instances.get_mut(&instance) {
            facts.started_at = Some(now);
        }
        let wait = self.pace.wait(Wait::Reap);
        self.later(wait, Due::Tell(Event::InstanceStarted { instance, pid }));
        if let Some(dies) = script.dies {
            self.later(millis(dies), Due::Go(Step::InstanceDies(instance, script.exit)));
        }
        if let Some(says) = script.says.filter(|_| waits_for_line) {
            self.later(millis(says), Due::Go(Step::InstanceSpeaks(instance)));
        }
    }

    pub(super) fn instance_speaks(&mut self, instance: InstanceId) {
        if self.instances.contains_key(&instance) {
            self.later(Duration::ZERO, Due::Tell(Event::ReadyLineSeen { instance }));
        }
    }

    /// By its script, or since something killed it.
    pub(crate) fn instance_dies(&mut self, instance: InstanceId, code: i32) {
        if self.mortal {
            let exit = if code >= 128 { Exit::Signal(code - 128) } else { Exit::Code(code) };
            self.instance_over(instance, exit);
        }
    }

    /// Kills the server of a resource from outside.
    pub(crate) fn kill_server(&mut self, name: &ResourceName, code: i32) {
        let of_name = |(id, _): &(&InstanceId, &LiveInstance)| self.facts.instances[id].resource == *name;
        if let Some((&instance, _)) = self.instances.iter().find(of_name) {
            self.instance_dies(instance, code);
        }
        self.kill_containers(name, code);
    }

    pub(super) fn instance_killed(&mut self, instance: InstanceId) {
        if self.instances.get(&instance).and_then(|live| live.ends_by).is_some_and(|by| by <= self.now) {
            self.instance_over(instance, Exit::Stopped);
        }
    }

    fn instance_over(&mut self, instance: InstanceId, exit: Exit) {
        if self.instances.remove(&instance).is_some() {
            // Longer than the report of its start may take.
            let wait = self.pace.wait(Wait::Reap) + self.pace.longest(Wait::Reap);
            self.later(wait, Due::Tell(Event::InstanceEnded { instance, exit }));
        }
    }

    pub(super) fn stop_instance(&mut self, instance: InstanceId, grace: Duration) {
        self.facts.first_stop_at.get_or_insert(self.now);
        match self.facts.instances.get_mut(&instance) {
            Some(facts) => facts.stop_asked = true,
            None => self.object(format!("instance {instance} is stopped that never was")),
        }
        let Some(live) = self.instances.get_mut(&instance) else { return };
        let wait = live.script.time_to_stop(grace);
        let by = self.now + wait;
        live.ends_by = Some(live.ends_by.map_or(by, |before| before.min(by)));
        self.later(wait, Due::Go(Step::InstanceKilled(instance)));
    }

    pub(super) fn check(
        &mut self,
        request: RequestId,
        instance: InstanceId,
        action: &ProbeAction,
        command: Option<&CommandSpec>,
        timeout: Duration,
    ) {
        if !self.facts.instances.contains_key(&instance) {
            self.object(format!("a check of instance {instance} that never was"));
        }
        if self.checks.values().any(|other| *other == instance) && self.instances.contains_key(&instance) {
            self.object(format!("a second check of instance {instance} while the first goes on"));
        }
        let Some(live) = self.instances.get(&instance) else { return };
        let script = match action {
            ProbeAction::Exec { argv } => {
                let dir = command.map_or_else(|| FilePath::new("/"), |command| command.dir.clone());
                Script::parse(argv, &dir)
            }
            ProbeAction::HttpGet { .. } | ProbeAction::TcpSocket { .. } => live.script.clone(),
        };
        self.checks.insert(request, instance);
        let usual = self.pace.wait(Wait::Check).min(timeout);
        let wait = if script.hangs { timeout } else { usual };
        self.later(wait, Due::Go(Step::Checked(request, instance, Box::new(script))));
    }

    pub(super) fn checked(&mut self, request: RequestId, instance: InstanceId, script: &Script) {
        let Some(live) = self.instances.get(&instance) else { return };
        let age = live.started_at.map_or(Duration::ZERO, |at| self.now.since(at));
        let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        let result = match (script.hangs, script.passes_at(age)) {
            (true, _) => ProbeResult::Failed("it took too long".to_owned()),
            (false, true) => ProbeResult::Passed,
            (false, false) => ProbeResult::Failed("not yet".to_owned()),
        };
        self.later(Duration::ZERO, Due::Tell(Event::Probed { request, result }));
    }

    /// Counts the checks that passed, to know when the server is ready.
    pub(super) fn on_probed(&mut self, instance: InstanceId, result: &ProbeResult) {
        let needed = self.facts.instances.get(&instance).and_then(|facts| {
            let local = self.facts.resource(&facts.resource)?.kind.local()?;
            local.serve.as_ref()?.probe.as_ref().map(Probe::successes_needed)
        });
        let Some(facts) = self.facts.instances.get_mut(&instance) else { return };
        facts.passes = if *result == ProbeResult::Passed { facts.passes + 1 } else { 0 };
        if facts.passes >= needed.unwrap_or(1) {
            self.facts.on_ready(instance);
        }
    }
}
