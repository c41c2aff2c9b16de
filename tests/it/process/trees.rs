//! Stops, sweeps and leftovers.

use super::{LONG, Screen, command, lives, living, processes, sh, soon, tree};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use orch::{
    host::process::{Ended, Kind, Spawn},
    model::Exit,
};
use std::{
    fs,
    time::{Duration, Instant},
};

fn end_by_force(pid: u32) {
    kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL).unwrap();
}

#[tokio::test]
async fn a_stop_ends_the_whole_tree() {
    let (processes, screen) = (processes(), Screen::new());
    let running = processes.spawn(Spawn::new(&sh(&tree("wait")), Kind::Command, LONG), screen.clone());
    let members = screen.numbers("member", 4).await;
    assert_eq!(living(&members), members);
    running.stop(LONG);
    assert_eq!(soon("end", running.ended()).await, Ended { exit: Exit::Stopped, leftovers: false });
    assert!(living(&members).is_empty());
}

#[tokio::test]
async fn a_servers_tree_ends_with_the_server() {
    let (processes, screen) = (processes(), Screen::new());
    let rest = "read line; exit 7";
    let spec = sh(&tree(rest));
    let mut spawn = Spawn::new(&spec, Kind::Server, LONG);
    spawn.input = Some(Vec::new());
    let running = processes.spawn(spawn, screen.clone());
    assert_eq!(soon("end", running.ended()).await, Ended { exit: Exit::Code(7), leftovers: false });
    assert!(living(&screen.numbers("member", 1).await).is_empty());
}

#[tokio::test]
async fn a_server_that_ends_well_takes_its_tree_along() {
    let (processes, screen) = (processes(), Screen::new());
    let running =
        processes.spawn(Spawn::new(&sh("sleep 1000 & echo member $!; exit 0"), Kind::Server, LONG), screen.clone());
    assert_eq!(soon("end", running.ended()).await, Ended { exit: Exit::Code(0), leftovers: false });
    assert!(living(&screen.numbers("member", 1).await).is_empty());
}

#[tokio::test]
async fn a_failed_commands_tree_is_swept() {
    let (processes, screen) = (processes(), Screen::new());
    let running = processes
        .spawn(Spawn::new(&sh("setsid sleep 1000 & echo member $!; exit 1"), Kind::Command, LONG), screen.clone());
    assert_eq!(soon("end", running.ended()).await, Ended { exit: Exit::Code(1), leftovers: false });
    assert!(living(&screen.numbers("member", 1).await).is_empty());
}

/// Ignores SIGTERM, and so do its children.
const STUBBORN: &str = "trap '' TERM; sh -c 'echo member $$; while :; do sleep 1000; done' & \
                        setsid sh -c 'echo member $$; while :; do sleep 1000; done' & echo member $$; wait";

#[tokio::test]
async fn who_does_not_end_when_asked_is_killed_after_the_grace() {
    let (processes, screen) = (processes(), Screen::new());
    let running = processes.spawn(Spawn::new(&sh(STUBBORN), Kind::Server, LONG), screen.clone());
    let members = screen.numbers("member", 3).await;
    let (asked_at, grace) = (Instant::now(), Duration::from_millis(300));
    running.stop(grace);
    assert_eq!(soon("end", running.ended()).await.exit, Exit::Stopped);
    assert!(asked_at.elapsed() >= grace, "killed after {:?}", asked_at.elapsed());
    assert!(living(&members).is_empty());
}

#[tokio::test]
async fn a_second_stop_shortens_the_grace() {
    let (processes, screen) = (processes(), Screen::new());
    let running = processes.spawn(Spawn::new(&sh(STUBBORN), Kind::Command, LONG), screen.clone());
    let members = screen.numbers("member", 3).await;
    running.stop(LONG);
    running.stop(Duration::ZERO);
    running.stop(LONG);
    assert_eq!(soon("end", running.ended()).await.exit, Exit::Stopped);
    assert!(living(&members).is_empty());
}

#[tokio::test]
async fn a_shell_does_not_go_on_to_its_next_line_when_it_is_stopped() {
    let (processes, screen) = (processes(), Screen::new());
    let running =
        processes.spawn(Spawn::new(&sh("echo up; sleep 1000; echo next"), Kind::Command, LONG), screen.clone());
    screen.shows("up").await;
    running.stop(LONG);
    soon("end", running.ended()).await;
    assert_eq!(screen.text(), "up\n");
}

#[tokio::test]
async fn a_process_that_cleans_up_may_run_others_meanwhile() {
    let (processes, screen) = (processes(), Screen::new());
    // The shell itself may say on standard error that its sleep was ended.
    let script = "exec 2>/dev/null; trap 'sh -c \"sleep 0.2; echo cleaned\"; exit 5' TERM; echo up; \
        while :; do sleep 1000 & wait $!; done";
    let running = processes.spawn(Spawn::new(&sh(script), Kind::Server, LONG), screen.clone());
    screen.shows("up").await;
    running.stop(LONG);
    assert_eq!(soon("end", running.ended()).await.exit, Exit::Stopped);
    assert_eq!(screen.text(), "up\ncleaned\n");
}

#[tokio::test]
async fn a_stopped_process_is_woken_to_end() {
    let (processes, screen) = (processes(), Screen::new());
    let running = processes.spawn(
        Spawn::new(&sh("trap 'echo bye; exit' TERM; echo up; kill -STOP $$"), Kind::Command, LONG),
        screen.clone(),
    );
    screen.shows("up").await;
    running.stop(LONG);
    soon("end", running.ended()).await;
    assert_eq!(screen.text(), "up\nbye\n");
}

#[tokio::test]
async fn a_process_that_forks_while_it_is_killed_ends_too() {
    let (processes, screen) = (processes(), Screen::new());
    let script = "trap '' TERM; echo member $$; while :; do sleep 0.001 & setsid sleep 0.001 & wait; done";
    let running = processes.spawn(Spawn::new(&sh(script), Kind::Command, LONG), screen.clone());
    let members = screen.numbers("member", 1).await;
    running.stop(Duration::from_millis(50));
    soon("end", running.ended()).await;
    assert!(living(&members).is_empty());
}

#[tokio::test]
async fn leftovers_stay_are_heard_and_end_when_they_are_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let (processes, screen) = (processes(), Screen::new());
    let script = "echo working; setsid sh -c 'echo member $$; cat \"$0\"; exec sleep 1000' \"$1\" & exit 0";
    let spec = command(&["sh", "-c", script, "sh", fifo.to_str().unwrap()]);
    let running = processes.spawn(Spawn::new(&spec, Kind::Command, LONG), screen.clone());
    assert_eq!(soon("end", running.ended()).await, Ended { exit: Exit::Code(0), leftovers: true });
    let members = screen.numbers("member", 1).await;
    tokio::task::spawn_blocking(move || fs::write(fifo, "late\n")).await.unwrap().unwrap();
    screen.shows("late").await;
    assert_eq!(living(&members), members);
    running.stop(LONG);
    soon("leftovers", running.leftovers_ended()).await;
    assert!(living(&members).is_empty());
    assert_eq!(running.ended().await.exit, Exit::Code(0), "stopping leftovers does not change how the command ended");
}

#[tokio::test]
async fn leftovers_that_end_by_themselves_are_told() {
    let (processes, screen) = (processes(), Screen::new());
    let running = processes.spawn(Spawn::new(&sh("sleep 0.05 & exit 0"), Kind::Command, LONG), screen);
    assert!(soon("end", running.ended()).await.leftovers);
    soon("leftovers", running.leftovers_ended()).await;
}

#[tokio::test]
async fn a_command_that_leaves_nothing_has_no_leftovers() {
    let (processes, screen) = (processes(), Screen::new());
    let running = processes.spawn(Spawn::new(&sh("sleep 0 & wait"), Kind::Command, LONG), screen);
    assert_eq!(soon("end", running.ended()).await, Ended { exit: Exit::Code(0), leftovers: false });
    soon("leftovers", running.leftovers_ended()).await;
}

#[tokio::test]
async fn what_is_in_a_session_of_its_own_is_let_go_where_that_is_wanted() {
    let processes = processes();
    // Before the command ends, and after.
    for script in ["exit 0 $(exec >/dev/null; setsid -f sh -c 'echo member $$ >&2; exec sleep 1000')", DAEMON_LATER] {
        let (screen, spec) = (Screen::new(), sh(script));
        let spawn = Spawn { own_sessions: false, ..Spawn::new(&spec, Kind::Command, LONG) };
        let running = processes.spawn(spawn, screen.clone());
        let ended = soon("end", running.ended()).await;
        assert_eq!(ended.exit, Exit::Code(0));
        assert!(script == DAEMON_LATER || !ended.leftovers);
        soon("nothing to wait for", running.leftovers_ended()).await;
        running.stop(Duration::ZERO);
        let members = screen.numbers("member", 1).await;
        assert_eq!(living(&members), members);
        end_by_force(members[0]);
    }
}

const DAEMON_LATER: &str = "(sleep 0.3; exec setsid sh -c 'echo member $$; exec sleep 1000') & exit 0";

#[tokio::test]
async fn a_stop_lets_go_too() {
    let (processes, screen) = (processes(), Screen::new());
    let script = "setsid sh -c 'echo free $$; exec sleep 1000' & sh -c 'echo member $$; exec sleep 1000' & wait";
    let spec = sh(script);
    let spawn = Spawn { own_sessions: false, ..Spawn::new(&spec, Kind::Command, LONG) };
    let running = processes.spawn(spawn, screen.clone());
    let (free, members) = (screen.numbers("free", 1).await, screen.numbers("member", 1).await);
    running.stop(LONG);
    assert_eq!(soon("end", running.ended()).await.exit, Exit::Stopped);
    assert!(living(&members).is_empty());
    assert!(lives(free[0]));
    end_by_force(free[0]);
}

#[tokio::test]
async fn leftovers_of_the_commands_own_session_are_no_less_leftovers() {
    let (processes, screen) = (processes(), Screen::new());
    let spec = sh("sh -c 'echo member $$; exec sleep 1000' & exit 0");
    let spawn = Spawn { own_sessions: false, ..Spawn::new(&spec, Kind::Command, LONG) };
    let running = processes.spawn(spawn, screen.clone());
    assert!(soon("end", running.ended()).await.leftovers);
    let members = screen.numbers("member", 1).await;
    running.stop(LONG);
    soon("leftovers", running.leftovers_ended()).await;
    assert!(living(&members).is_empty());
}

#[tokio::test]
async fn who_forgets_a_process_ends_it() {
    let (processes, screen) = (processes(), Screen::new());
    let running = processes.spawn(Spawn::new(&sh(&tree("wait")), Kind::Command, LONG), screen.clone());
    let members = screen.numbers("member", 4).await;
    drop(running);
    super::until("all have ended", || living(&members).is_empty()).await;
}
