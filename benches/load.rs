//! A program that writes a million lines as fast as it can.

use crate::{
    memory,
    sandbox::{Sandbox, own, own_path},
    stats::{Figure, Rounds},
};
use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const LINES: usize = 1_000_000;

/// How long that takes, what it costs, and how many lines are kept.
pub(crate) fn lines(rounds: &Rounds) -> Vec<Figure> {
    let orchfile = format!("local_resource('talker', cmd = {})\n", own(&["lines", &LINES.to_string()]));
    let (mut times, mut by_hand, mut cpus, mut sizes, mut kept) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds.long {
        let sandbox = Sandbox::new(&orchfile);
        let run = memory::watched(sandbox.orch(&["ci"]).stdout(Stdio::null()));
        assert!(run.success, "`orch ci` failed");
        times.push(run.time);
        cpus.push(run.own_cpu.as_secs_f64());
        sizes.push(run.peak_megabytes);
        kept.push(kept_lines(&sandbox));
        by_hand.push(cat(&sandbox));
    }
    vec![
        Figure::times("1,000,000 lines through `ci`", &times, "").against("piped to cat", &by_hand),
        Figure::new("orch's CPU for them", "s", cpus, "1.0 to 2.0 (Tilt)"),
        Figure::new("peak memory of orch for them", "MB", sizes, ""),
        Figure::new("lines of them kept", "", kept, "all within the bound"),
    ]
}

fn kept_lines(sandbox: &Sandbox) -> f64 {
    let logs = sandbox.orch(&["logs", "talker"]).stdout(Stdio::piped()).output().unwrap();
    let text = String::from_utf8_lossy(&logs.stdout);
    #[expect(clippy::cast_precision_loss, reason = "a million")]
    let count = text.lines().filter(|line| line.contains("of a program that has much to say")).count() as f64;
    count
}

fn cat(sandbox: &Sandbox) -> Duration {
    let script = format!("{} play lines {LINES} | cat >by-hand", own_path().display());
    let begin = Instant::now();
    drop(Command::new("sh").arg("-c").arg(script).current_dir(sandbox.path("")).status());
    begin.elapsed()
}
