//! The death of orch, of a shim and of the starter; and that the living keep nothing.
//!
//! A test cannot kill its own process, so each of these runs this test binary again, for one of the ignored tests below.

use super::{LONG, Screen, command, lives, living, processes, sh, soon, until};
use nix::{
    sys::{
        resource::{Resource, getrlimit, setrlimit},
        signal::{Signal, kill},
    },
    unistd::Pid,
};
use orch::{
    host::process::{Capture, Kind, OutputSink, Spawn, Stream},
    model::Exit,
};
use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
    time::Duration,
};

/// Runs one of the ignored tests below as a process of its own.
fn run_again(test: &str, settings: &[(&str, &str)]) -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", &format!("process::death::{test}")])
        .envs(settings.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    (child, out)
}

/// The numbers of the next `count` lines that begin with `member`.
fn members(out: &mut BufReader<ChildStdout>, count: usize) -> Vec<u32> {
    let lines = out.lines().map(Result::unwrap);
    lines.filter_map(|line| line.strip_prefix("member ")?.parse().ok()).take(count).collect()
}

struct Stdout;

impl OutputSink for Stdout {
    fn write(&self, _: Stream, bytes: &[u8]) {
        std::io::stdout().write_all(bytes).unwrap();
        std::io::stdout().flush().unwrap();
    }

    fn close(&self) {}
}

/// Runs `SCRIPT` until it is killed; a line on its input stops the script with a long grace.
#[tokio::test]
#[ignore = "the process that the tests of this file kill"]
async fn victim() {
    let processes = processes();
    let spec = sh(&env::var("SCRIPT").unwrap());
    let grace = Duration::from_millis(env::var("GRACE_MS").unwrap().parse().unwrap());
    let own_sessions = env::var("OWN_SESSIONS").is_err();
    let running = processes.spawn(Spawn { own_sessions, ..Spawn::new(&spec, Kind::Command, grace) }, Arc::new(Stdout));
    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await.unwrap().unwrap();
    running.stop(LONG);
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn nothing_is_left_after_orch_was_killed() {
    let (mut orch, mut out) = run_again("victim", &[("SCRIPT", &super::tree("wait")), ("GRACE_MS", "1000000")]);
    let members = members(&mut out, 4);
    assert_eq!(living(&members), members);
    orch.kill().unwrap();
    until("all have ended", || living(&members).is_empty()).await;
    orch.wait().unwrap();
}

const STUBBORN: &str = "trap 'echo member 0' TERM; sh -c 'trap \"\" TERM; echo member $$; while :; do sleep 1000; done' & \
                        echo member $$; while :; do wait; done";

#[tokio::test]
async fn who_ignores_it_is_killed_after_the_grace_that_was_given_at_the_start() {
    let (mut orch, mut out) = run_again("victim", &[("SCRIPT", STUBBORN), ("GRACE_MS", "200")]);
    let members = members(&mut out, 2);
    orch.kill().unwrap();
    until("all have ended", || living(&members).is_empty()).await;
    orch.wait().unwrap();
}

#[tokio::test]
async fn orch_may_be_killed_while_it_stops_something() {
    let (mut orch, mut out) = run_again("victim", &[("SCRIPT", STUBBORN), ("GRACE_MS", "200")]);
    let pids = members(&mut out, 2);
    orch.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    assert_eq!(members(&mut out, 1), [0], "the script was asked to end");
    orch.kill().unwrap();
    until("all have ended", || living(&pids).is_empty()).await;
    orch.wait().unwrap();
}

#[tokio::test]
async fn leftovers_end_with_orch_but_for_those_that_are_let_go() {
    let script = "sh -c 'echo member $$; exec sleep 1000' & setsid sh -c 'echo member $$; exec sleep 1000' & exit 0";
    for (settings, survivors) in [(&[][..], 0), (&[("OWN_SESSIONS", "no")], 1)] {
        let (mut orch, mut out) =
            run_again("victim", &[&[("SCRIPT", script), ("GRACE_MS", "1000000")], settings].concat());
        let members = members(&mut out, 2);
        orch.kill().unwrap();
        until("the others have ended", || living(&members).len() == survivors).await;
        orch.wait().unwrap();
        for pid in living(&members) {
            assert_eq!(
                fs::read_to_string(format!("/proc/{pid}/stat")).unwrap().split(' ').nth(5),
                Some(&*pid.to_string())
            );
            kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL).unwrap();
        }
    }
}

fn parent(pid: u32) -> u32 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(") ").unwrap().1.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_death_of_a_shim_ends_its_tree() {
    let (processes, screen) = (processes(), Screen::new());
    let running = processes.spawn(
        Spawn::new(&sh("sleep 1000 & echo member $!; echo member $$; wait"), Kind::Server, LONG),
        screen.clone(),
    );
    let members = screen.numbers("member", 2).await;
    // The command may be faster than the shim that tells of it.
    soon("start", running.started()).await.unwrap();
    let shim = parent(members[1]);
    kill(Pid::from_raw(shim.cast_signed()), Signal::SIGKILL).unwrap();
    assert_eq!(soon("end", running.ended()).await.exit, Exit::Signal(9));
    until("all have ended", || living(&members).is_empty()).await;
    let running = processes.spawn(Spawn::new(&command(&["true"]), Kind::Command, LONG), Screen::new());
    assert_eq!(soon("end", running.ended()).await.exit, Exit::Code(0), "others go on");
}

#[tokio::test]
async fn the_death_of_the_starter_harms_nobody() {
    let (processes, screen) = (processes(), Screen::new());
    let running =
        processes.spawn(Spawn::new(&sh("echo member $$; exec sleep 1000"), Kind::Server, LONG), screen.clone());
    let members = screen.numbers("member", 1).await;
    let starter = parent(parent(members[0]));
    kill(Pid::from_raw(starter.cast_signed()), Signal::SIGKILL).unwrap();
    until("the starter has ended", || !lives(starter)).await;
    let other = processes.spawn(Spawn::new(&command(&["true"]), Kind::Command, LONG), Screen::new());
    assert_eq!(soon("end", other.ended()).await.exit, Exit::Code(0));
    assert!(lives(members[0]));
    running.stop(LONG);
    assert_eq!(soon("end", running.ended()).await.exit, Exit::Stopped);
    assert!(living(&members).is_empty());
}

/// Counts what it keeps after 400 processes at once, which need more files than it may have open at first.
#[tokio::test]
#[ignore = "needs a process of its own"]
async fn frugal() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, 900, hard).unwrap();
    let processes = processes();
    let files = || fs::read_dir("/proc/self/fd").unwrap().count();
    let children = || fs::read_to_string("/proc/thread-self/children").unwrap();
    let before = (files(), children());
    let capture = Arc::new(Capture::default());
    processes.spawn(Spawn::new(&sh("ulimit -n"), Kind::Command, LONG), capture.clone()).ended().await;
    assert_eq!(capture.take(Stream::Out), b"900\n", "orch's own limit is not its commands'");
    let spec = sh("echo $$; sleep 0.05 & exit 3");
    let all: Vec<_> =
        (0..400).map(|_| processes.spawn(Spawn::new(&spec, Kind::Command, LONG), capture.clone())).collect();
    for running in &all {
        assert_eq!(soon("end", running.ended()).await.exit, Exit::Code(3));
    }
    drop(all);
    until("all files are closed", || files() == before.0).await;
    assert_eq!(children(), before.1);
    let starter = children().trim().to_owned();
    let of_starter = || fs::read_to_string(format!("/proc/{starter}/task/{starter}/children")).unwrap();
    until("no shim and no zombie is left", || of_starter().is_empty()).await;
    drop(processes);
    until("the starter has ended and was reaped", || !fs::exists(format!("/proc/{starter}")).unwrap()).await;
    println!("frugal");
}

#[tokio::test]
async fn four_hundred_at_once_leave_no_zombie_and_no_open_file() {
    let (mut orch, out) = run_again("frugal", &[]);
    let text: Vec<String> = out.lines().map(Result::unwrap).collect();
    assert!(orch.wait().unwrap().success(), "{text:?}");
    assert!(text.iter().any(|line| line == "frugal"), "{text:?}");
}
