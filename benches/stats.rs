//! Figures: medians, 95th percentiles, and the table that they are printed in.

use std::{fmt, fs, time::Duration};

/// How often things are measured.
pub(crate) struct Rounds {
    /// What takes milliseconds.
    pub(crate) short: usize,
    /// What takes seconds.
    pub(crate) long: usize,
    /// How long an idle program is watched.
    pub(crate) idle: Duration,
}

impl Rounds {
    pub(crate) const FULL: Self = Self { short: 40, long: 5, idle: Duration::from_secs(10) };
    pub(crate) const QUICK: Self = Self { short: 8, long: 2, idle: Duration::from_secs(2) };
}

/// One line of the table.
pub(crate) struct Figure {
    what: String,
    unit: &'static str,
    values: Vec<f64>,
    target: &'static str,
    baseline: Option<(&'static str, Vec<f64>)>,
    note: String,
}

impl Figure {
    /// Times in milliseconds.
    pub(crate) fn times(what: impl Into<String>, values: &[Duration], target: &'static str) -> Self {
        Self::new(what, "ms", values.iter().copied().map(milliseconds).collect(), target)
    }

    pub(crate) fn new(what: impl Into<String>, unit: &'static str, values: Vec<f64>, target: &'static str) -> Self {
        Self { what: what.into(), unit, values, target, baseline: None, note: String::new() }
    }

    /// The same done without orch, in the same run.
    pub(crate) fn against(mut self, name: &'static str, values: &[Duration]) -> Self {
        self.baseline = Some((name, values.iter().copied().map(milliseconds).collect()));
        self
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, unit, values, target, note, .. } = self;
        let measured = both(values);
        let baseline =
            self.baseline.as_ref().map_or(String::new(), |(name, values)| format!("{} ({name})", both(values)));
        write!(out, "| {what} | {unit} | {measured} | {target} | {baseline} | {note} |")
    }
}

/// Median, and the 95th percentile where there is more than one value.
fn both(values: &[f64]) -> String {
    match values {
        [] => "not measured".to_owned(),
        [only] => short(*only),
        _ => format!("{} / {}", short(percentile(values, 0.5)), short(percentile(values, 0.95))),
    }
}

/// The value below which that part of all lies.
pub(crate) fn percentile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small count"
    )]
    let place = ((sorted.len() as f64 * part).ceil() as usize).clamp(1, sorted.len()) - 1;
    sorted[place]
}

fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        small if small < 10.0 => format!("{value:.2}"),
        medium if medium < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// The head of the table.
pub(crate) fn heading() -> &'static str {
    "| what | unit | median / p95 | target | without orch | note |\n|---|---|---|---|---|---|"
}

/// What this was measured on.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?");
    format!("{cores} cores, load {load} at the start.\n")
}
