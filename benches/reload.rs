//! From an edit of the Orchfile to the start of the resource that it adds.

use crate::{
    sandbox::{Sandbox, own, pause},
    stats::{Figure, Rounds},
};
use std::time::Duration;

/// Among few and many resources.
pub(crate) fn new_resource(rounds: &Rounds) -> Vec<Figure> {
    [(1, "30"), (100, "40"), (1_000, "80")]
        .into_iter()
        .map(|(count, target)| {
            let orchfile =
                format!("[local_resource('r%d' % i, cmd = ['true'], deps = ['d%d' % i]) for i in range({count})]\n");
            let mut sandbox = Sandbox::new(&orchfile);
            sandbox.up();
            sandbox.wait_at_rest();
            let times: Vec<Duration> =
                (0..rounds.short.div_ceil(2)).map(|round| add(&sandbox, &orchfile, round)).collect();
            Figure::times(format!("Orchfile edit to its new resource's start, among {count}"), &times, target)
        })
        .collect()
}

fn add(sandbox: &Sandbox, orchfile: &str, round: usize) -> Duration {
    pause();
    let line = format!("local_resource('new-{round}', cmd = {})\n", own(&["stamp", "stamps"]));
    let saved = sandbox.save("Orchfile", &(orchfile.to_owned() + &line));
    let time = sandbox.wait_for_stamps("stamps", round + 1).saturating_sub(saved);
    sandbox.wait_at_rest();
    time
}
