//! Verbs that talk to a running session, and the program itself.

use crate::{
    sandbox::{Sandbox, own, pause},
    stats::{Figure, Rounds},
};
use std::{
    fs,
    time::{Duration, Instant},
};

/// `orch trigger` to the start of the command, and `orch status`.
pub(crate) fn trigger(rounds: &Rounds) -> Vec<Figure> {
    let stamp = own(&["stamp", "stamps"]);
    let mut sandbox = Sandbox::new(&format!("local_resource('stamp', cmd = {stamp})\n"));
    sandbox.up();
    sandbox.wait_for_stamps("stamps", 1);
    sandbox.wait_at_rest();
    let starts: Vec<Duration> = (0..rounds.short)
        .map(|round| {
            pause();
            let asked = crate::program::now();
            assert!(sandbox.orch(&["trigger", "stamp"]).status().unwrap().success(), "`orch trigger` failed");
            sandbox.wait_for_stamps("stamps", round + 2).saturating_sub(asked)
        })
        .collect();
    let statuses: Vec<Duration> = (0..rounds.short).map(|_| timed(&sandbox, &["status"])).collect();
    vec![
        Figure::times("`trigger` to command start", &starts, "10"),
        Figure::times("`status` of a running session", &statuses, "8"),
    ]
}

fn timed(sandbox: &Sandbox, arguments: &[&str]) -> Duration {
    let begin = Instant::now();
    assert!(sandbox.orch(arguments).status().unwrap().success(), "`orch {arguments:?}` failed");
    begin.elapsed()
}

/// How large the program is, and how long it takes to say its version.
pub(crate) fn binary(rounds: &Rounds) -> Vec<Figure> {
    let sandbox = Sandbox::new("");
    #[expect(clippy::cast_precision_loss, reason = "a file size")]
    let size = fs::metadata(env!("CARGO_BIN_EXE_orch")).unwrap().len() as f64 / 1e6;
    let times: Vec<Duration> = (0..rounds.short).map(|_| timed(&sandbox, &["version"])).collect();
    vec![Figure::new("size of the binary", "MB", vec![size], "30"), Figure::times("`version`", &times, "5")]
}
