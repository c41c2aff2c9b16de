//! Orchfiles that run away are stopped, and take nothing with them.

use crate::sandbox::{Sandbox, wait_for_text};

fn ci_says(orchfile: &str, expected: &str) {
    let done = Sandbox::new(orchfile).env("ORCH_EVAL_CPU_SECS", "2").env("ORCH_EVAL_MEMORY_MB", "300").orch(&["ci"]);
    assert_eq!(done.code, Some(2), "{}", done.all());
    assert!(done.all().contains(expected), "no `{expected}` in {}", done.all());
    assert!(!done.all().contains("panicked"), "{}", done.all());
}

#[test]
fn an_endless_loop_is_stopped() {
    ci_says("while True:\n    pass\n", "orchfile::");
}

#[test]
fn one_native_operation_without_end_is_stopped() {
    // It needs no memory to speak of, so that its time runs out first, on whatever machine.
    ci_says("x = max(range(2000000000))\n", "orchfile::too_slow");
}

#[test]
fn a_huge_allocation_is_stopped() {
    ci_says("x = 'x' * 1000000000\n", "orchfile::too_much_memory");
}

#[test]
fn recursion_without_end_is_stopped() {
    ci_says("def f(n):\n    return f(n + 1)\nf(0)\n", "Orchfile");
}

#[test]
fn deep_nesting_is_stopped() {
    ci_says(&format!("x = {}{}\n", "[".repeat(50_000), "]".repeat(50_000)), "Orchfile");
    ci_says(&format!("x = {}1\n", "1 + ".repeat(100_000)), "Orchfile");
}

#[test]
fn values_that_nest_without_end_are_stopped() {
    ci_says("x = []\nfor i in range(1000000):\n    x = [x]\nprint(x)\n", "orchfile::too_deep");
}

#[test]
fn commands_of_the_orchfile_show_as_they_run_and_are_cancelled_by_a_newer_edit() {
    let sandbox = Sandbox::new("local('echo $$ > pid; echo working; sleep 1000')\n");
    let mut up = sandbox.start(&["up"]);
    up.wait_for("working");
    let pid: u32 = wait_for_text(&sandbox.path("pid"), "\n").trim().parse().unwrap();
    sandbox.write("Orchfile", "local_resource('a', cmd='echo newer')\n");
    up.wait_for("a │ newer");
    crate::sandbox::wait_for_death(pid);
    up.interrupt().expect_code(0);
}

#[test]
fn files_that_an_orchfile_read_make_it_load_again() {
    let sandbox = Sandbox::new("local_resource('a', cmd='echo ' + str(read_file('word.txt')).strip())\n");
    sandbox.write("word.txt", "one\n");
    let mut up = sandbox.start(&["up"]);
    up.wait_for("a │ one");
    sandbox.write("word.txt", "two\n");
    up.wait_for("a │ two");
    up.interrupt().expect_code(0);
}

#[test]
fn orch_itself_outlives_the_death_of_an_evaluation() {
    let sandbox =
        Sandbox::new("local_resource('a', serve_cmd='echo up; exec sleep 1000')\n").env("ORCH_EVAL_MEMORY_MB", "300");
    let mut up = sandbox.start(&["up"]);
    up.wait_for("a │ up");
    sandbox.write("Orchfile", "x = 'x' * 1000000000\n");
    up.wait_for("memory");
    assert!(sandbox.orch(&["status"]).expect_code(0).stdout.contains("ready"));
    sandbox.write("Orchfile", "local_resource('b', cmd='echo mended')\n");
    up.wait_for("b │ mended");
    up.interrupt().expect_code(0);
}

#[test]
fn an_evaluation_that_is_killed_from_outside_is_told() {
    let sandbox = Sandbox::new("local('echo working; sleep 1000')\n");
    let mut ci = sandbox.start(&["ci"]);
    ci.wait_for("working");
    let children =
        std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let is_child = |pid: &i32| {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
        read("cmdline").contains("__evaluate") && read("stat").contains(&format!(") S {} ", ci.pid()))
    };
    let child = children.into_iter().find(is_child).expect("the evaluation is a child of orch");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(child), nix::sys::signal::Signal::SIGKILL).unwrap();
    let done = ci.finish().expect_code(2);
    assert!(done.all().contains("orchfile::killed"), "{}", done.all());
}
