//! Completions, in the real shells.

use crate::{
    dashboard::pty::Pty,
    docker::skip,
    sandbox::{Sandbox, Session},
};

/// Names that a shell would cut or quote.
const ORCHFILE: &str = r#"
local_resource("api", serve_cmd="echo up; exec sleep 1000", labels=["back"])
local_resource("apricot", cmd="true")
local_resource("web:ui", cmd="true")
local_resource("with space", cmd="true")
"#;

/// What is typed before the tab, and what the line is then.
const LINES: [(&str, &str); 5] = [
    ("orch stat", "orch status"),
    ("orch status web:", "orch status web:ui"),
    ("orch wait --for=r", "orch wait --for=ready"),
    ("orch stop -l ba", "orch stop -l back"),
    ("orch eval -f Orchf", "orch eval -f Orchfile"),
];

fn up(sandbox: &Sandbox) -> Session {
    let mut session = sandbox.start(&["up", "--stream"]);
    session.wait_for("api │ up");
    session
}

/// A session, a shell that has its script, and how the shell asks for the next line.
#[track_caller]
fn try_in(shell: &str, args: &[&str], setup: &str, quoted: &str) {
    let sandbox = Sandbox::new(ORCHFILE);
    let mut command = sandbox.program(shell);
    if command.arg("--version").output().is_err() {
        return skip(&format!("no `{shell}` here: Debian's package has that name"));
    }
    let session = up(&sandbox);
    let script = sandbox.orch(&["completion", shell]).expect_code(0).stdout;
    sandbox.write("functions/_orch", &script);
    let mut command = sandbox.program(shell);
    command.args(args).env("TERM", "xterm-256color").env_remove("COLUMNS");
    let mut terminal = Pty::run(command, 100, 24);
    // What is typed is shown too: what is waited for is what it makes.
    terminal.press(&format!("{setup}; echo set''up\r"));
    terminal.wait_until("the shell", |screen| screen.lines().any(|line| line.trim() == "setup"));
    let with_space = ("orch status with", quoted);
    for (typed, line) in LINES.into_iter().chain([with_space]) {
        terminal.press(&format!("{typed}\t"));
        let is_there = |screen: &str| screen.lines().any(|shown| ends_with_line(shown, line));
        terminal.wait_until(&format!("`{line}` after `{typed}`"), is_there);
        terminal.press("\x15");
        terminal.wait_without(line);
    }
    terminal.press("orch get ap\t\t");
    terminal.wait_for("apricot");
    session.interrupt().expect_code(0);
}

/// Whether a line of the screen holds this after its prompt, and nothing but what the shell writes at its right.
fn ends_with_line(shown: &str, line: &str) -> bool {
    shown.split_once(line).is_some_and(|(_, rest)| rest.is_empty() || rest.starts_with(' '))
}

#[test]
fn bash_completes_verbs_flags_and_names() {
    try_in("bash", &["--norc", "--noprofile"], "PS1='> '; . functions/_orch", r"orch status with\ space");
}

#[test]
fn zsh_completes_verbs_flags_and_names() {
    let setup = "PS1='> '; fpath=(functions $fpath); autoload -U compinit; compinit -u -d dump";
    try_in("zsh", &["-f"], setup, r"orch status with\ space");
}

#[test]
fn fish_completes_verbs_flags_and_names() {
    let setup = "set -g fish_autosuggestion_enabled 0; source functions/_orch";
    try_in("fish", &["--no-config"], setup, r"orch status with\ space");
}

#[test]
fn elvish_completes_verbs_and_names() {
    let sandbox = Sandbox::new(ORCHFILE);
    if sandbox.program("elvish").arg("-version").output().is_err() {
        return skip("no `elvish` here: Debian's package has that name");
    }
    let session = up(&sandbox);
    sandbox.write("script", &sandbox.orch(&["completion", "elvish"]).expect_code(0).stdout);
    let mut command = sandbox.program("elvish");
    command.arg("-norc").env("TERM", "xterm-256color").env_remove("COLUMNS");
    let mut terminal = Pty::run(command, 100, 24);
    terminal.press("eval (slurp < script)\r");
    terminal.press("orch stat\t");
    terminal.wait_for("orch status");
    terminal.press(" web\t");
    terminal.wait_for("web:ui");
    session.interrupt().expect_code(0);
}
