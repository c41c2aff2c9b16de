//! `orch ci`: what it costs beside what it runs.

use crate::{
    memory,
    sandbox::{Sandbox, own},
    stats::{Figure, Rounds, milliseconds, percentile},
};
use std::{process::Command, time::Duration, time::Instant};

/// Many commands that do nothing, beside `xargs` doing the same.
pub(crate) fn trivial(rounds: &Rounds) -> Vec<Figure> {
    [(1, "50"), (10, "60"), (100, "150"), (1_000, "1000, or 2.5 x xargs")]
        .into_iter()
        .flat_map(|(count, target)| trivial_of(count, target, rounds.long))
        .collect()
}

fn trivial_of(count: usize, target: &'static str, rounds: usize) -> Vec<Figure> {
    let orchfile = format!("[local_resource('r%d' % i, cmd = 'true') for i in range({count})]\n");
    let cores = std::thread::available_parallelism().map_or(3, usize::from).max(3);
    let (mut times, mut by_hand, mut cpus, mut sizes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let sandbox = Sandbox::new(&orchfile);
        let run = memory::watched(&mut sandbox.orch(&["ci"]));
        assert!(run.success, "orch ci failed on {orchfile}");
        times.push(run.time);
        cpus.push(run.cpu.as_secs_f64());
        sizes.push(run.peak_megabytes);
        let begin = Instant::now();
        drop(Command::new("sh").arg("-c").arg(format!("seq {count} | xargs -P{cores} -I{{}} sh -c true")).status());
        by_hand.push(begin.elapsed());
    }
    let time = Figure::times(format!("`ci` of {count} commands `true`"), &times, target).against("xargs -P", &by_hand);
    let ratio = percentile(&times.iter().copied().map(milliseconds).collect::<Vec<_>>(), 0.5)
        / percentile(&by_hand.iter().copied().map(milliseconds).collect::<Vec<_>>(), 0.5);
    if count < 1_000 {
        return vec![time];
    }
    vec![
        time.note(format!("{ratio:.1} x xargs")),
        Figure::new("CPU of it, commands included", "s", cpus, "2"),
        Figure::new("peak memory of orch itself", "MB", sizes, "60"),
    ]
}

/// Again, when nothing is left to do.
pub(crate) fn fresh(rounds: &Rounds) -> Vec<Figure> {
    let sandbox = Sandbox::new(
        "[local_resource('r%d' % i, cmd = 'cp in/%d out/%d' % (i, i), deps = ['in/%d' % i], outputs = ['out/%d' % i]) for i in range(1000)]\n",
    );
    (0..1000).for_each(|number| sandbox.write(&format!("in/{number}"), "text"));
    sandbox.write("out/.keep", "");
    assert!(sandbox.orch(&["ci"]).status().unwrap().success(), "the first `ci` failed");
    let times: Vec<Duration> = (0..rounds.long * 2).map(|_| timed(&sandbox)).collect();
    vec![Figure::times("`ci` again with 1,000 fresh resources", &times, "100")]
}

fn timed(sandbox: &Sandbox) -> Duration {
    let begin = Instant::now();
    assert!(sandbox.orch(&["ci"]).status().unwrap().success(), "`ci` failed");
    begin.elapsed()
}

/// From the start of orch to the start of the first command.
pub(crate) fn first_command(rounds: &Rounds) -> Vec<Figure> {
    let stamp = format!("local_resource('stamp', cmd = {})\n", own(&["stamp", "stamps"]));
    let others = "[local_resource('other-%d' % i, cmd = 'true', auto_init = False) for i in range(1000)]\n";
    [
        ("start of orch to its first command", stamp.clone(), "50"),
        ("the same with 1,000 others declared", others.to_owned() + &stamp, "150"),
    ]
    .into_iter()
    .map(|(what, orchfile, target)| {
        let times: Vec<Duration> = (0..rounds.short.div_ceil(2)).map(|_| first_stamp(&orchfile)).collect();
        Figure::times(what, &times, target)
    })
    .collect()
}

fn first_stamp(orchfile: &str) -> Duration {
    let sandbox = Sandbox::new(orchfile);
    let begin = crate::program::now();
    drop(sandbox.orch(&["ci"]).status());
    sandbox.wait_for_stamps("stamps", 1).saturating_sub(begin)
}
