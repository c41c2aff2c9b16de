//! `cargo bench`: measures the real program as a user would run it, and prints a table beside the targets.
//!
//! `cargo bench -- --help` says how to choose.
//! The same binary also plays the small programs that orch runs here (`stamp`, `lines`, `serve`), so that what is measured
//! is not the start of a shell.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "measures real time of real processes, prints its table, and fails where it stands"
)]

mod ci;
mod dashboard;
mod docker;
mod engine;
mod evaluate;
mod kube;
mod load;
mod memory;
mod program;
mod reload;
mod sandbox;
mod save;
mod stats;
mod verbs;

use stats::{Figure, Rounds};
use std::{env, process::ExitCode};

/// A group of figures that are measured together.
struct Bench {
    name: &'static str,
    run: fn(&Rounds) -> Vec<Figure>,
}

const BENCHES: &[Bench] = &[
    Bench { name: "save", run: save::sizes },
    Bench { name: "save-among-1000", run: save::among_others },
    Bench { name: "save-shared", run: save::shared_file },
    Bench { name: "save-server", run: save::server },
    Bench { name: "burst", run: save::burst },
    Bench { name: "ci", run: ci::trivial },
    Bench { name: "ci-fresh", run: ci::fresh },
    Bench { name: "ci-first", run: ci::first_command },
    Bench { name: "evaluate", run: evaluate::sizes },
    Bench { name: "reload", run: reload::new_resource },
    Bench { name: "memory", run: memory::idle },
    Bench { name: "lines", run: load::lines },
    Bench { name: "engine", run: engine::event },
    Bench { name: "trigger", run: verbs::trigger },
    Bench { name: "dashboard-frame", run: dashboard::frame },
    Bench { name: "dashboard", run: dashboard::open },
    Bench { name: "docker-live", run: docker::live_update },
    Bench { name: "docker-replace", run: docker::replaced },
    Bench { name: "docker-again", run: docker::unchanged },
    Bench { name: "kube-live", run: kube::live_update },
    Bench { name: "kube-replace", run: kube::replaced },
    Bench { name: "kube-again", run: kube::unchanged },
    Bench { name: "kube-memory", run: kube::memory },
    Bench { name: "binary", run: verbs::binary },
];

const FLAGS: [&str; 2] = ["--quick", "--list"];
const USAGE: &str = "cargo bench -- [--quick] [--list] [WORD…]

Takes only the figures with these names, or whose names hold one of the words.
--quick takes few rounds, --list names the figures.";

fn main() -> ExitCode {
    if let Some(code) = program::main_if_asked() {
        return code;
    }
    // Cargo passes `--bench`.
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let Some(unknown) = arguments.iter().find(|word| word.starts_with('-') && !FLAGS.contains(&word.as_str())) {
        println!("{USAGE}");
        return ExitCode::from(if unknown == "--help" { 0 } else { 2 });
    }
    let words: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with("--")).collect();
    let is_named = |name: &str| words.iter().any(|word| *word == name);
    let is_exact = BENCHES.iter().any(|bench| is_named(bench.name));
    let is_chosen = |name: &str| match (words.is_empty(), is_exact) {
        (true, _) => true,
        (false, true) => is_named(name),
        (false, false) => words.iter().any(|word| name.contains(word.as_str())),
    };
    let chosen = BENCHES.iter().filter(|bench| is_chosen(bench.name));
    if arguments.iter().any(|argument| argument == "--list") {
        chosen.for_each(|bench| println!("{}", bench.name));
        return ExitCode::SUCCESS;
    }
    let rounds = if arguments.iter().any(|argument| argument == "--quick") { Rounds::QUICK } else { Rounds::FULL };
    println!("{}", stats::machine());
    println!("{}", stats::heading());
    for bench in chosen {
        for figure in (bench.run)(&rounds) {
            println!("{figure}");
        }
    }
    ExitCode::SUCCESS
}
