//! Evaluation of an Orchfile: the whole of `orch eval`.

use crate::{
    sandbox::Sandbox,
    stats::{Figure, Rounds},
};
use std::time::{Duration, Instant};

/// Few and many resources, in a loop.
pub(crate) fn sizes(rounds: &Rounds) -> Vec<Figure> {
    [(1, "10"), (1_000, "20"), (10_000, "150")]
        .into_iter()
        .map(|(count, target)| {
            let sandbox = Sandbox::new(&format!(
                "[local_resource('r%d' % i, cmd = 'true', deps = ['d%d' % i]) for i in range({count})]\n"
            ));
            let times: Vec<Duration> = (0..rounds.short.div_ceil(2)).map(|_| evaluate(&sandbox)).collect();
            Figure::times(format!("`eval -o name` of {count} resources, whole process"), &times, target)
        })
        .collect()
}

fn evaluate(sandbox: &Sandbox) -> Duration {
    let begin = Instant::now();
    assert!(sandbox.orch(&["eval", "-o", "name"]).status().unwrap().success(), "`orch eval` failed");
    begin.elapsed()
}
