//! From a save to what it causes.

use crate::{
    sandbox::{Sandbox, by_hand, own, own_path, pause, tree_file},
    stats::{Figure, Rounds, milliseconds, percentile},
};
use std::{
    fs,
    io::Read,
    net::{TcpListener, TcpStream},
    process::Command,
    time::Duration,
};

fn stamping(name: &str, deps: &str, file: &str) -> String {
    format!("local_resource({name:?}, cmd = {}, deps = [{deps:?}])\n", own(&["stamp", file]))
}

/// Save to the start of a command, with few and with many files watched.
pub(crate) fn sizes(rounds: &Rounds) -> Vec<Figure> {
    [1, 10_000, 100_000]
        .into_iter()
        .map(|count| {
            let mut sandbox = Sandbox::new(&stamping("stamp", "tree", "stamps"));
            sandbox.plant("tree", count);
            let pid = sandbox.up();
            sandbox.wait_for_stamps("stamps", 1);
            crate::memory::wait_until_quiet(&sandbox, pid);
            let times = save_again_and_again(&sandbox, &tree_file("tree", 0), rounds.short);
            Figure::times(format!("save to command start, {count} watched files"), &times, "15 / 30")
                .against("its start alone", &by_hand(rounds.short))
        })
        .collect()
}

fn save_again_and_again(sandbox: &Sandbox, file: &str, rounds: usize) -> Vec<Duration> {
    sandbox.wait_for_stamps("stamps", 1);
    sandbox.wait_at_rest();
    (0..rounds)
        .map(|round| {
            pause();
            let saved = sandbox.save(file, &format!("round {round}"));
            sandbox.wait_for_stamps("stamps", round + 2).saturating_sub(saved)
        })
        .collect()
}

/// The same among a thousand other resources, and what a change costs.
pub(crate) fn among_others(rounds: &Rounds) -> Vec<Figure> {
    let others = "[local_resource('other-%d' % i, cmd = ['true'], deps = ['others/%d' % i]) for i in range(1000)]\n";
    let mut sandbox = Sandbox::new(&(others.to_owned() + &stamping("stamp", "file", "stamps")));
    sandbox.plant("others", 1000);
    sandbox.write("file", "");
    let pid = sandbox.up();
    sandbox.wait_for_stamps("stamps", 1);
    sandbox.wait_at_rest();
    let before = crate::memory::cpu(pid);
    let times = save_again_and_again(&sandbox, "file", rounds.short);
    let each =
        milliseconds(crate::memory::cpu(pid).saturating_sub(before)) / f64::from(u32::try_from(rounds.short).unwrap());
    vec![
        Figure::times("save to command start, among 1,000 other resources", &times, "15 / 30"),
        Figure::new("orch's own CPU for each of these changes", "ms", vec![each], "5"),
    ]
}

/// One file that twenty resources read: when the last of them has started.
pub(crate) fn shared_file(rounds: &Rounds) -> Vec<Figure> {
    let all: String = (0..20).map(|number| stamping(&format!("reader-{number}"), "file", "stamps")).collect();
    let mut sandbox = Sandbox::new(&all);
    sandbox.write("file", "");
    sandbox.up();
    sandbox.wait_for_stamps("stamps", 20);
    sandbox.wait_at_rest();
    let times: Vec<Duration> = (0..rounds.short)
        .map(|round| {
            pause();
            let saved = sandbox.save("file", &format!("round {round}"));
            sandbox.wait_for_stamps("stamps", 20 * (round + 2));
            sandbox.stamps("stamps").iter().max().unwrap().saturating_sub(saved)
        })
        .collect();
    let by_hand: Vec<Duration> = (0..rounds.long).map(|_| twenty_by_hand()).collect();
    vec![
        Figure::times("save to the last start of 20 resources that read it", &times, "40")
            .against("xargs -P3 starts the same", &by_hand),
    ]
}

fn twenty_by_hand() -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stamps");
    let before = crate::program::now();
    let script = format!("seq 20 | xargs -P3 -I{{}} {} play stamp {}", own_path().display(), file.display());
    drop(Command::new("sh").arg("-c").arg(script).status());
    let last = fs::read_to_string(file).unwrap().lines().map(|line| line.parse::<u64>().unwrap()).max();
    Duration::from_nanos(last.unwrap()).saturating_sub(before)
}

/// A server that reads a file when it starts: from the save of that file to the answer with its new text.
pub(crate) fn server(rounds: &Rounds) -> Vec<Figure> {
    [("", "25"), ("cmd = ['true'], ", "30")]
        .into_iter()
        .map(|(command, target)| {
            let port = free_port();
            let serve = own(&["serve", &port.to_string(), "answer"]);
            let line = format!("local_resource('server', {command}serve_cmd = {serve}, deps = ['answer'])\n");
            let mut sandbox = Sandbox::new(&line);
            sandbox.write("answer", "first");
            sandbox.up();
            sandbox.wait("first answer", || (ask(port)? == "first").then_some(()));
            let times: Vec<Duration> = (0..rounds.short)
                .map(|round| {
                    pause();
                    let text = format!("answer {round}");
                    let saved = sandbox.save("answer", &text);
                    sandbox.wait("new answer", || (ask(port)? == text).then_some(()));
                    crate::program::now().saturating_sub(saved)
                })
                .collect();
            let what =
                if command.is_empty() { "save to a server's new answer" } else { "the same with a `cmd` before it" };
            Figure::times(what, &times, target).against("the server's start alone", &server_by_hand(rounds.short))
        })
        .collect()
}

fn server_by_hand(rounds: usize) -> Vec<Duration> {
    let sandbox = Sandbox::new("");
    sandbox.write("answer", "by hand");
    (0..rounds)
        .map(|_| {
            let port = free_port();
            let before = crate::program::now();
            let mut child = Command::new(own_path());
            child
                .args(["play", "serve", &port.to_string()])
                .arg(sandbox.path("answer"))
                .stdout(std::process::Stdio::null());
            let mut child = child.spawn().unwrap();
            sandbox.wait("answer", || ask(port));
            let time = crate::program::now().saturating_sub(before);
            drop(child.kill());
            drop(child.wait());
            time
        })
        .collect()
}

fn ask(port: u16) -> Option<String> {
    let mut answer = String::new();
    TcpStream::connect(("127.0.0.1", port)).ok()?.read_to_string(&mut answer).ok()?;
    (!answer.is_empty()).then_some(answer)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Many files at once: how many runs that causes, and when the last one starts.
pub(crate) fn burst(rounds: &Rounds) -> Vec<Figure> {
    [(1_000, "40"), (20_000, "150"), (50_000, "400")]
        .into_iter()
        .map(|(count, target)| {
            let mut sandbox = Sandbox::new(&stamping("stamp", "tree", "stamps"));
            sandbox.plant("tree", count);
            sandbox.up();
            sandbox.wait_for_stamps("stamps", 1);
            sandbox.wait_at_rest();
            let (times, runs): (Vec<_>, Vec<_>) =
                (0..rounds.long).map(|round| one_burst(&sandbox, count, round)).unzip();
            let most = percentile(&runs, 1.0);
            Figure::times(format!("{count} files written at once: last write to start of the last run"), &times, target)
                .note(format!("runs for each burst: at most {most}"))
        })
        .collect()
}

fn one_burst(sandbox: &Sandbox, count: usize, round: usize) -> (Duration, f64) {
    let before = sandbox.stamps("stamps").len();
    let text = format!("burst {round}");
    let saved = (0..count).fold(Duration::ZERO, |_, number| sandbox.save(&tree_file("tree", number), &text));
    sandbox.wait("run after the burst", || sandbox.stamps("stamps").last().filter(|last| **last > saved).copied());
    sandbox.wait_at_rest();
    // What comes late counts too.
    std::thread::sleep(Duration::from_millis(300));
    let stamps = sandbox.stamps("stamps");
    #[expect(clippy::cast_precision_loss, reason = "a small count")]
    let runs = (stamps.len() - before) as f64;
    (stamps.last().unwrap().saturating_sub(saved), runs)
}
