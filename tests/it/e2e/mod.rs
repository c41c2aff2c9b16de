//! The real program on real processes and files, as a user has it.

mod asking;
mod bad_input;
mod buttons;
mod changes;
mod completion;
mod endings;
mod evaluation;
mod last_words;
mod pipeline;
mod replay;
mod secrets;
mod servers;
mod sessions;
mod terminal;
mod tilt;
mod verbs;
mod waiting;

use crate::case::{Case, check_folder};
use crate::sandbox::Sandbox;
use regex::Regex;
use std::{collections::BTreeMap, fmt::Write as _};

/// Each case runs `orch` once for each line of `script`; times, pids and paths of this machine are named.
#[test]
fn cli() {
    const SECTIONS: [&str; 2] = ["script", "output"];
    check_folder("cli", &["output"], |case| BTreeMap::from([("output", play(case, &SECTIONS))]));
}

fn play(case: &Case, not_files: &[&str]) -> String {
    let sandbox = Sandbox::empty();
    case.write_files(&sandbox.root(), not_files);
    let mut output = String::new();
    for line in case.lines("script") {
        let words: Vec<&str> = line.split_whitespace().collect();
        let finished = sandbox.orch(words.get(1..).unwrap_or_default());
        writeln!(output, "$ {line}").unwrap();
        for (name, text) in [("", &finished.stdout), ("! ", &finished.stderr)] {
            output.extend(text.lines().map(|line| format!("{name}{line}\n")));
        }
        if finished.code != Some(0) {
            let code = finished.code.map_or("by a signal".to_owned(), |code| code.to_string());
            writeln!(output, "exit {code}").unwrap();
        }
    }
    normalised(&output, &sandbox)
}

fn normalised(text: &str, sandbox: &Sandbox) -> String {
    let text = text.replace(sandbox.root().to_str().unwrap(), "$ROOT");
    let text = Regex::new(r"\b(\d+h )?(\d+m )?\d+(\.\d+)?m?s\b").unwrap().replace_all(&text, "TIME");
    let text = Regex::new(r#"(pid |"pid": )\d+"#).unwrap().replace_all(&text, "${1}PID");
    let text = Regex::new(r#"("(at|duration)_ms": ?)\d+"#).unwrap().replace_all(&text, "${1}MS");
    text.into_owned()
}
