//! What a save does, and what it does not.

use crate::sandbox::{Sandbox, wait_for_text};
use std::fs;

const CHAIN: &str = r#"
local_resource("gen", cmd="echo gen >> runs; tr a-z A-Z < in.txt | grep -v '^#' > out.txt", deps=["in.txt"], outputs=["out.txt"])
local_resource("use", cmd="echo use:$(cat out.txt) >> runs", deps=["out.txt", "in.txt"], outputs=["use.txt"])
"#;

#[test]
fn one_save_that_hits_writer_and_reader_runs_each_once_in_order() {
    let sandbox = Sandbox::new(CHAIN);
    sandbox.write("in.txt", "one\n");
    let mut up = sandbox.start(&["up"]);
    up.wait_until("the end of the first runs", |line| line.contains("use │") && line.contains("succeeded"));
    sandbox.write("in.txt", "two\n");
    up.wait_until("the end of the second runs", |line| line.contains("use │") && line.contains("succeeded"));
    assert_eq!(up.interrupt().expect_code(0).code, Some(0));
    assert_eq!(sandbox.read("runs"), "gen\nuse:ONE\ngen\nuse:TWO\n");
}

#[test]
fn a_change_that_the_output_does_not_show_stops_at_the_writer() {
    let orchfile = r#"
local_resource("gen", cmd="echo gen >> runs; grep -v '^#' in.txt > out.txt", deps=["in.txt"], outputs=["out.txt"])
local_resource("use", cmd="echo use >> runs", deps=["out.txt"])
local_resource("mark", cmd="echo mark >> runs", deps=["mark.txt"])
"#;
    let sandbox = Sandbox::new(orchfile);
    sandbox.write("in.txt", "one\n");
    let mut up = sandbox.start(&["up"]);
    up.wait_until("use", |line| line.contains("use │") && line.contains("succeeded"));
    sandbox.write("in.txt", "one\n# a comment\n");
    up.wait_until("gen's second run", |line| line.contains("gen │") && line.contains("succeeded"));
    // Whatever `use` would do has begun before this: its writer ended earlier than the save.
    sandbox.write("mark.txt", "1");
    up.wait_until("mark's second run", |line| line.contains("mark │") && line.contains("started: "));
    let why = sandbox.orch(&["why", "use"]).expect_code(0).stdout;
    assert!(why.contains("use did not run: gen ran and wrote the same again"), "{why}");
    up.interrupt().expect_code(0);
    assert_eq!(sandbox.read("runs").matches("use").count(), 1);
}

#[test]
fn what_is_fresh_is_not_run_again_by_the_next_session_nor_after_a_touch() {
    let sandbox = Sandbox::new(CHAIN);
    sandbox.write("in.txt", "one\n");
    sandbox.orch(&["ci"]).expect_code(0);
    let runs = sandbox.read("runs");
    assert_eq!(runs, "gen\nuse:ONE\n");
    sandbox.orch(&["ci"]).expect_code(0);
    // `use` declares an output that it never writes, which is the same each time.
    sandbox.write("in.txt", "one\n");
    let again = sandbox.orch(&["ci"]).expect_code(0);
    assert!(again.all().contains("2 up to date"), "{}", again.all());
    assert_eq!(sandbox.read("runs"), runs);
    sandbox.write("out.txt", "somebody else\n");
    sandbox.orch(&["ci"]).expect_code(0);
    assert_eq!(sandbox.read("runs"), runs.clone() + "gen\n", "an output that was changed from outside is made again");
    fs::remove_file(sandbox.path("out.txt")).unwrap();
    sandbox.orch(&["ci"]).expect_code(0);
    assert_eq!(sandbox.read("out.txt"), "ONE\n", "an output that was removed is made again");
}

#[test]
fn a_failed_run_in_between_is_not_mistaken_for_nothing() {
    let orchfile = r#"
local_resource("gen", cmd="echo run >> runs; cp in.txt out.txt; ! grep -q bad in.txt", deps=["in.txt"], outputs=["out.txt"])
"#;
    let sandbox = Sandbox::new(orchfile);
    sandbox.write("in.txt", "good");
    sandbox.orch(&["ci"]).expect_code(0);
    sandbox.write("in.txt", "bad");
    sandbox.orch(&["ci"]).expect_code(1);
    sandbox.write("in.txt", "good");
    sandbox.orch(&["ci"]).expect_code(0);
    assert_eq!(sandbox.read("runs").lines().count(), 3);
    assert_eq!(sandbox.read("out.txt"), "good");
}

#[test]
fn a_save_during_a_run_is_queued_and_never_lost() {
    let orchfile = r#"
local_resource("slow", cmd="cat in.txt >> seen; until [ -e go ]; do sleep 0.01; done", deps=["in.txt"])
"#;
    let sandbox = Sandbox::new(orchfile);
    sandbox.write("in.txt", "one\n");
    let mut up = sandbox.start(&["up"]);
    wait_for_text(&sandbox.path("seen"), "one");
    sandbox.write("in.txt", "two\n");
    sandbox.write("in.txt", "three\n");
    sandbox.write("go", "");
    up.wait_for("started: 1 file changed: in.txt");
    up.wait_for("succeeded");
    up.interrupt().expect_code(0);
    assert_eq!(sandbox.read("seen"), "one\nthree\n");
}

#[test]
fn work_that_a_newer_save_outdates_is_cancelled_where_the_file_says_so() {
    let orchfile = r#"
local_resource("slow", cmd="read word < in.txt; echo $word >> seen; test $word = last || sleep 1000", deps=["in.txt"], cancel_superseded=True)
"#;
    let sandbox = Sandbox::new(orchfile);
    sandbox.write("in.txt", "first\n");
    let mut up = sandbox.start(&["up"]);
    wait_for_text(&sandbox.path("seen"), "first");
    // In one step: a command that starts between truncating and writing sees an empty file.
    sandbox.write("new.txt", "last\n");
    fs::rename(sandbox.path("new.txt"), sandbox.path("in.txt")).unwrap();
    up.wait_for("succeeded");
    up.interrupt().expect_code(0);
    assert_eq!(sandbox.read("seen"), "first\nlast\n");
}

#[test]
fn a_branch_switch_is_one_change_set_and_one_there_and_back_is_none() {
    let orchfile = r#"local_resource("all", cmd="echo run >> runs", deps=["src"])"#;
    let sandbox = Sandbox::new(orchfile);
    for number in 0..300 {
        sandbox.write(&format!("src/{}/{number}.txt", number % 7), "main");
    }
    git(&sandbox, &["init", "-q", "-b", "main"]);
    sandbox.write(".gitignore", "runs\n.orch\n");
    git(&sandbox, &["add", "."]);
    git(&sandbox, &["commit", "-qm", "main"]);
    git(&sandbox, &["checkout", "-qb", "other"]);
    for number in 0..300 {
        sandbox.write(&format!("src/{}/{number}.txt", number % 7), "other");
    }
    git(&sandbox, &["commit", "-qam", "other"]);
    git(&sandbox, &["checkout", "-q", "main"]);
    let mut up = sandbox.start(&["up"]);
    up.wait_for("succeeded");
    git(&sandbox, &["checkout", "-q", "other"]);
    let line = up.wait_for("changed: ");
    assert!(line.contains("300 files changed"), "{line}");
    up.wait_for("succeeded");
    up.interrupt().expect_code(0);
    assert_eq!(sandbox.read("runs"), "run\nrun\n");
}

fn git(sandbox: &Sandbox, args: &[&str]) {
    let status = std::process::Command::new("git")
        .args(["-c", "user.name=test", "-c", "user.email=test@example.com"])
        .args(args)
        .current_dir(sandbox.root())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .status()
        .unwrap();
    assert!(status.success(), "git {args:?}");
}

#[test]
fn a_burst_of_writes_is_one_run_and_nothing_is_missed() {
    let orchfile = r#"local_resource("count", cmd="ls src | wc -l > count.txt; echo run >> runs", deps=["src"], outputs=["count.txt"])"#;
    let sandbox = Sandbox::new(orchfile);
    sandbox.write("src/first", "");
    let mut up = sandbox.start(&["up"]);
    up.wait_for("succeeded");
    for number in 0..1000 {
        fs::write(sandbox.path(&format!("src/{number}")), "x").unwrap();
    }
    wait_for_text(&sandbox.path("count.txt"), "1001");
    up.wait_for("succeeded");
    up.interrupt().expect_code(0);
    let runs = sandbox.read("runs").lines().count();
    assert!(runs <= 4, "a thousand files ran it {runs} times");
}

#[test]
fn atomic_saves_new_folders_and_renames_are_seen() {
    let orchfile = r#"local_resource("list", cmd="ls -R src > list.txt", deps=["src"], outputs=["list.txt"])"#;
    let sandbox = Sandbox::new(orchfile);
    sandbox.write("src/a", "1");
    let mut up = sandbox.start(&["up"]);
    up.wait_for("succeeded");
    sandbox.write("new", "2");
    fs::rename(sandbox.path("new"), sandbox.path("src/a")).unwrap();
    up.wait_for("started: 1 file changed: src/a");
    up.wait_for("succeeded");
    sandbox.write("src/deep/er/b", "3");
    wait_for_text(&sandbox.path("list.txt"), "src/deep/er:\nb\n");
    fs::rename(sandbox.path("src/deep"), sandbox.path("src/moved")).unwrap();
    wait_for_text(&sandbox.path("list.txt"), "src/moved/er:\nb\n");
    sandbox.write("src/moved/er/b", "4");
    up.wait_for("src/moved/er/b");
    fs::remove_dir_all(sandbox.path("src")).unwrap();
    sandbox.write("src/again", "5");
    wait_for_text(&sandbox.path("list.txt"), "again");
    up.interrupt().expect_code(0);
}

#[test]
fn ignored_files_start_nothing() {
    let orchfile =
        r#"local_resource("all", cmd="echo run >> runs", deps=["src"], ignore=["src/**/*.tmp", "src/node_modules"])"#;
    let sandbox = Sandbox::new(orchfile);
    sandbox.write("src/a", "1");
    let mut up = sandbox.start(&["up"]);
    up.wait_for("succeeded");
    sandbox.write("src/x.tmp", "1");
    sandbox.write("src/deep/x.tmp", "1");
    sandbox.write("src/node_modules/x", "1");
    sandbox.write("src/.a.swp", "1");
    sandbox.write("src/a", "2");
    let line = up.wait_for("changed: ");
    assert!(line.contains("1 file changed: src/a"), "{line}");
    up.interrupt().expect_code(0);
}
