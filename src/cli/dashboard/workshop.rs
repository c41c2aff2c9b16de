//! Programs and sequences that the dashboard's keys ask for: the browser, a shell in a container, the clipboard.

#![expect(
    clippy::disallowed_methods,
    reason = "programs of the user's, at the user's word, that are no part of the session"
)]

use crate::{host::claim::SessionCard, model::ResourceName};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use nix::{
    sys::{
        signal::{SigSet, SigmaskHow, Signal},
        termios::{self, SetArg, Termios},
    },
    unistd,
};
use std::{
    env, io,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// What puts a text into the clipboard of the terminal, also over ssh (OSC 52).
pub(super) fn clipboard(text: &str) -> String {
    format!("\u{1b}]52;c;{}\u{7}", STANDARD.encode(text))
}

/// How long a program may take to say that it cannot show a page.
const DOUBT: Duration = Duration::from_secs(3);
const LOOKS: Duration = Duration::from_millis(50);

/// Shows a page in the browser; `false` where there is none to be had. Takes as long as programs take to fail.
pub(super) fn open(url: &str) -> bool {
    let own = env::var("BROWSER").unwrap_or_default();
    let own: Vec<Vec<String>> = browsers(&own, url);
    let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_remote = is_set("SSH_CONNECTION") && !is_set("DISPLAY") && !is_set("WAYLAND_DISPLAY");
    let usual = ["xdg-open", "open", "wslview"].map(|program| vec![program.to_owned(), url.to_owned()]);
    let usual = usual.into_iter().filter(|_| !is_remote);
    own.into_iter().chain(usual).any(|argv| shows(&argv))
}

/// The commands that `BROWSER` names, in their order: several are divided by colons, and `%s` in one is the page.
fn browsers(told: &str, url: &str) -> Vec<Vec<String>> {
    let command = |one: &str| {
        let mut words: Vec<String> = one.split_whitespace().map(|word| word.replace("%s", url)).collect();
        if !words.is_empty() && !one.contains("%s") {
            words.push(url.to_owned());
        }
        words
    };
    told.split(':').map(command).filter(|words| !words.is_empty()).collect()
}

/// Whether the program did not fail, or not soon.
fn shows(argv: &[String]) -> bool {
    let Some((program, arguments)) = argv.split_first() else { return false };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else { return false };
    let begun = Instant::now();
    while begun.elapsed() < DOUBT {
        match child.try_wait() {
            Ok(None) => thread::park_timeout(LOOKS),
            ended => return ended.is_ok_and(|status| status.is_some_and(|status| status.success())),
        }
    }
    // Somebody has to hear of its end.
    thread::spawn(move || child.wait());
    true
}

/// Whether a shell is there that takes the terminal back when this program is suspended, and can continue it. A program that a
/// terminal or `ssh -t` runs instead of a shell would stand still for ever.
pub(super) fn has_shell() -> bool {
    unistd::getsid(None).is_ok_and(|leader| leader != unistd::getpgrp())
}

/// The terminal as it was, for when whoever had it did not give it back.
struct Terminal {
    settings: Option<Termios>,
}

impl Terminal {
    fn now() -> Self {
        Self { settings: termios::tcgetattr(io::stdin()).ok() }
    }

    /// Keys that were typed meanwhile stay in it.
    fn restore(&self) {
        // A program in the background may not, unless it does not hear the signal that says so.
        let mut deaf = SigSet::empty();
        deaf.add(Signal::SIGTTOU);
        let before = deaf.thread_swap_mask(SigmaskHow::SIG_BLOCK);
        unistd::tcsetpgrp(io::stdin(), unistd::getpgrp()).ok();
        if let Some(settings) = &self.settings {
            termios::tcsetattr(io::stdin(), SetArg::TCSANOW, settings).ok();
        }
        before.and_then(|before| before.thread_set_mask()).ok();
    }
}

/// Gives the terminal to a shell in what the resource has running, until that ends.
pub(super) fn exec(card: &SessionCard, name: &ResourceName) -> Result<(), String> {
    let terminal = Terminal::now();
    let ended = shell(card, name);
    terminal.restore();
    ended
}

fn shell(card: &SessionCard, name: &ResourceName) -> Result<(), String> {
    let program = env::current_exe().map_err(|error| format!("cannot find orch itself: {error}"))?;
    let mut command = Command::new(program);
    command.args(["exec", "--from-dashboard", "--file"]).arg(card.file.as_path()).arg(name.as_str());
    // How the shell ends is the user's business; what kept it from starting, `orch exec` says.
    command.status().map(drop).map_err(|error| format!("cannot start `orch exec`: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_browsers_are_divided_by_colons() {
        let commands = browsers("firefox --new-tab:links %s -x:", "http://a:1/");
        assert_eq!(commands, [vec!["firefox", "--new-tab", "http://a:1/"], vec!["links", "http://a:1/", "-x"]]);
        assert!(browsers("", "http://a").is_empty());
    }
}
