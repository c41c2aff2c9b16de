//! What `orch ci` says to people, to GitHub, and to programs.

use crate::sandbox::Sandbox;
use nix::pty::{Winsize, openpty};
use serde_json::Value;
use std::{fs::File, io::Read};

const THREE: &str = r#"
local_resource("gen", cmd="echo made >out", deps=["in"], outputs=["out"])
local_resource("bad", cmd="echo first; echo '::error::it went wrong'; exit 3", resource_deps=["gen"])
local_resource("after", cmd="true", resource_deps=["bad"])
"#;

#[test]
fn what_failed_is_said_with_its_last_lines_and_what_took_how_long() {
    let sandbox = Sandbox::new(THREE);
    let done = sandbox.orch(&["ci", "-o", "json"]).expect_code(1);
    let (_, end) = done.stderr.split_once("orch: failed after").unwrap();
    assert!(end.contains("bad: command failed: exit code 3\n    │ first\n    │ ::error::it"), "{}", done.all());
    assert!(!end.contains("▸"), "orch's own words are no last lines: {end}");
    let path = end.lines().find(|line| line.contains("critical path")).unwrap();
    assert!(path.starts_with("orch: critical path: gen ") && path.contains(" → bad "), "{path}");
    let answer: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(answer["troubles"][0]["last_lines"][0], "first");
    let names: Vec<_> = answer["critical_path"].as_array().unwrap().iter().map(|leg| leg["name"].clone()).collect();
    assert_eq!(names, ["gen", "bad"]);
    assert!(answer["began"].as_str().unwrap().ends_with('Z'), "{answer}");
}

#[test]
fn github_gets_groups_annotations_and_a_summary() {
    let sandbox = Sandbox::new(THREE).env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", "summary.md");
    let done = sandbox.orch(&["ci"]).expect_code(1);
    let log = &done.stdout;
    assert!(log.starts_with("::group::") && log.trim_end().ends_with("::endgroup::"), "{log}");
    let error = "::error file=Orchfile,line=3,col=1,title=orch%3A bad::command failed: exit code 3\n";
    assert!(done.stderr.contains(error), "{}", done.all());
    assert!(done.stderr.contains("::group::last lines of bad\n  first\n  ::error::it"), "{}", done.all());
    let commands = log.lines().chain(done.stderr.lines()).filter(|line| line.starts_with("::error::"));
    assert_eq!(commands.count(), 0, "a line of a resource is taken for a command: {}", done.all());
    let summary = sandbox.read("summary.md");
    assert!(
        summary.contains("| bad | ❌ command failed: exit code 3 |") && summary.contains("critical path"),
        "{summary}"
    );
    sandbox.write("Orchfile", "local_resource(\"a\", cmd=\"true\", resource_deps=[\"b\"])\n");
    let broken = sandbox.orch(&["ci"]).expect_code(2);
    assert!(broken.stderr.contains("::error file=Orchfile,line=1,col="), "{}", broken.all());
}

#[test]
fn junit_tells_of_an_orchfile_that_could_not_be_loaded() {
    let sandbox = Sandbox::new("local_resource(");
    sandbox.orch(&["ci", "--junit", "report.xml"]).expect_code(2);
    let xml = sandbox.read("report.xml");
    assert!(xml.contains("tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\""), "{xml}");
    assert!(
        xml.contains("<error message=\"the Orchfile could not be loaded\">") && xml.contains("timestamp=\""),
        "{xml}"
    );
}

/// What `orch ci` writes to a terminal; the file `go` is made once it has written `sign`.
fn on_a_terminal(sandbox: &Sandbox, variables: &[(&str, &str)], sign: &str) -> String {
    let size = Winsize { ws_row: 24, ws_col: 60, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(Some(&size), None).unwrap();
    let mut command = sandbox.command(&["ci"]);
    command.env_remove("COLUMNS").env("TERM", "xterm").envs(variables.iter().copied()).stdout(pty.slave);
    let mut ci = command.spawn().unwrap();
    // The terminal is ours alone once the program has ended.
    drop(command);
    let (mut terminal, mut drawn, mut bytes) = (File::from(pty.master), String::new(), [0; 4096]);
    // At its end a terminal gives an error, not the end of a file.
    while let Ok(count) = terminal.read(&mut bytes) {
        drawn += &String::from_utf8_lossy(&bytes[..count]);
        if drawn.contains(sign) {
            sandbox.write("go", "");
        }
    }
    ci.wait().unwrap();
    drawn
}

#[test]
fn a_terminal_shows_how_far_it_is_and_nothing_of_that_stays() {
    let sandbox = Sandbox::new("local_resource('wait', cmd='while ! test -e go; do sleep 0.01; done; echo gone')");
    let drawn = on_a_terminal(&sandbox, &[], "0/1 ready · wait ");
    let (_, last) = drawn.rsplit_once("\r\u{1b}[2K").unwrap();
    assert!(!last.contains("ready"), "{last:?}");
    let plain = on_a_terminal(&sandbox, &[("CI", "true")], "started");
    assert!(!plain.contains("\u{1b}[2K"), "{plain:?}");
}
