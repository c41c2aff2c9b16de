//! Programs and sequences that the dashboard's keys ask for: the browser, a shell in a container, the clipboard.

#![expect(
    clippy::disallowed_methods,
    reason = "programs of the user's, at the user's word, that are no part of the session"
)]

use crate::{cli::print, host::claim::SessionCard, model::ResourceName};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::{
    env,
    io::{self, BufRead},
    process::{Command, Stdio},
};

/// What puts a text into the clipboard of the terminal, also over ssh (OSC 52).
pub(super) fn clipboard(text: &str) -> String {
    format!("\u{1b}]52;c;{}\u{7}", STANDARD.encode(text))
}

/// Shows a page in the browser; `false` where there is none to be had.
pub(super) fn open(url: &str) -> bool {
    let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_remote = is_set("SSH_CONNECTION") && !is_set("DISPLAY") && !is_set("WAYLAND_DISPLAY");
    if is_remote && !is_set("BROWSER") {
        return false;
    }
    let start = |program: &str| {
        let mut command = Command::new(program);
        command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let Ok(mut child) = command.spawn() else { return false };
        // Somebody has to hear of its end.
        std::thread::spawn(move || child.wait());
        true
    };
    let own = env::var("BROWSER").ok().filter(|program| !program.is_empty());
    own.as_deref().into_iter().chain(["xdg-open", "open", "wslview"]).any(start)
}

/// Gives the terminal to a shell in what the resource has running, until that ends.
pub(super) fn exec(card: &SessionCard, name: &ResourceName) -> Result<(), String> {
    let program = env::current_exe().map_err(|error| format!("cannot find orch itself: {error}"))?;
    let status = Command::new(program).arg("exec").arg("--file").arg(card.file.as_path()).arg(name.as_str()).status();
    match status {
        Ok(status) if status.code().is_none_or(|code| code < 125) => Ok(()),
        Ok(_) => {
            // What keeps it stands on the terminal, which the dashboard is about to take.
            print::to_stderr("orch: press Enter to go back to the dashboard ");
            io::stdin().lock().read_until(b'\n', &mut Vec::new()).ok();
            Err(format!("no shell could be opened in {name}"))
        }
        Err(error) => Err(format!("cannot start `orch exec`: {error}")),
    }
}
