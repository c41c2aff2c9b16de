//! What orch takes of the machine: memory (PSS), for itself and for its shims apart, and CPU.

use crate::{
    sandbox::{Sandbox, own, tree_file},
    stats::{Figure, Rounds},
};
use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// Memory and CPU of sessions that have nothing to do.
pub(crate) fn idle(rounds: &Rounds) -> Vec<Figure> {
    let server = "local_resource('server-%d' % i, serve_cmd = ['sleep', '1000000'])";
    let stamp = own(&["stamp", "stamps"]);
    let one = format!("local_resource('stamp', cmd = {stamp}, deps = ['tree'])\n");
    let cases = [
        ("1 resource", one.clone(), 1, "20"),
        ("10 servers", format!("[{server} for i in range(10)]\n{one}"), 1, "25"),
        ("100,000 files", one.clone(), 100_000, "40"),
        ("1,000 resources", format!("[local_resource('r%d' % i, cmd = 'true') for i in range(1000)]\n{one}"), 1, "60"),
    ];
    cases
        .into_iter()
        .flat_map(|(what, orchfile, files, target)| idle_case(what, &orchfile, files, target, rounds))
        .collect()
}

fn idle_case(what: &str, orchfile: &str, files: usize, target: &'static str, rounds: &Rounds) -> Vec<Figure> {
    let mut sandbox = Sandbox::new(orchfile);
    sandbox.plant("tree", files);
    let pid = sandbox.up();
    sandbox.wait_for_stamps("stamps", 1);
    sandbox.wait_at_rest();
    // One change, so that what is made on the first one is there.
    sandbox.save(&tree_file("tree", 0), "changed");
    sandbox.wait_for_stamps("stamps", 2);
    sandbox.wait_at_rest();
    wait_until_quiet(&sandbox, pid);
    let (cpu_before, begin) = (cpu(pid), Instant::now());
    thread::sleep(rounds.idle);
    let share = cpu(pid).saturating_sub(cpu_before).as_secs_f64() / begin.elapsed().as_secs_f64() * 100.0;
    let shims = shims_of(pid);
    let shims_size: f64 = shims.iter().map(|shim| pss(*shim)).sum();
    vec![
        Figure::new(format!("idle memory with {what}: orch"), "MB", vec![pss(pid)], target),
        Figure::new(format!("idle memory with {what}: shims"), "MB", vec![shims_size], "")
            .note(format!("{} of them", shims.len())),
        Figure::new(format!("idle CPU with {what}"), "%", vec![share], "0.1"),
    ]
}

/// Waits until what is done in the background (digests of files that were read) is done too.
pub(crate) fn wait_until_quiet(sandbox: &Sandbox, pid: u32) {
    sandbox.wait("quiet", || {
        let before = cpu(pid);
        thread::sleep(Duration::from_millis(500));
        (cpu(pid) == before).then_some(())
    });
}

/// The share of memory that is this process's own, in megabytes.
pub(crate) fn pss(pid: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    kilobytes(&text, "Pss:") / 1024.0
}

fn kilobytes(text: &str, field: &str) -> f64 {
    let line = text.lines().find(|line| line.starts_with(field));
    line.and_then(|line| line.split_whitespace().nth(1)).and_then(|number| number.parse().ok()).unwrap_or(0.0)
}

/// Processes below `root` that run the same program: its shims.
fn shims_of(root: u32) -> Vec<u32> {
    let program = |pid: u32| fs::read_link(format!("/proc/{pid}/exe")).ok();
    let orch: Option<PathBuf> = program(root);
    below(root).into_iter().filter(|pid| program(*pid) == orch).collect()
}

fn below(root: u32) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    for pid in pids {
        if let Some(parent) = stat(pid).and_then(|fields| fields.get(1)?.parse().ok()) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let (mut found, mut open) = (Vec::new(), vec![root]);
    while let Some(pid) = open.pop() {
        let next = children.remove(&pid).unwrap_or_default();
        found.extend(&next);
        open.extend(next);
    }
    found
}

/// The fields of /proc/PID/stat after the name: state, parent, …
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(text[text.rfind(')')? + 2..].split(' ').map(str::to_owned).collect())
}

/// CPU time that a living process has used, without its children.
pub(crate) fn cpu(pid: u32) -> Duration {
    let ticks: u64 =
        stat(pid).map_or(0, |fields| fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum());
    Duration::from_millis(ticks * 10) // The kernel counts in hundredths of a second.
}

/// What a run of a command took.
pub(crate) struct Watched {
    pub(crate) success: bool,
    pub(crate) time: Duration,
    /// Of the command and all that it waited for.
    pub(crate) cpu: Duration,
    /// Of the command itself, as last seen.
    pub(crate) own_cpu: Duration,
    pub(crate) peak_megabytes: f64,
}

/// Runs a command to its end and looks at it all the while.
pub(crate) fn watched(command: &mut Command) -> Watched {
    let (before, begin) = (children_cpu(), Instant::now());
    let mut child = command.spawn().unwrap();
    let (mut peak, mut own_cpu) = (0.0_f64, Duration::ZERO);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        let text = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        peak = peak.max(kilobytes(&text, "VmHWM:") / 1024.0);
        own_cpu = own_cpu.max(cpu(child.id()));
        thread::sleep(Duration::from_millis(2));
    };
    let time = begin.elapsed();
    Watched {
        success: status.success(),
        time,
        cpu: children_cpu().saturating_sub(before),
        own_cpu,
        peak_megabytes: peak,
    }
}

fn children_cpu() -> Duration {
    use nix::sys::{
        resource::{UsageWho, getrusage},
        time::TimeValLike,
    };
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let microseconds = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(u64::try_from(microseconds).unwrap_or(0))
}
