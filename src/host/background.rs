//! A session in the background: this program started anew, away from the terminal, and the one word that it sends back.

use crate::diag::Diagnostic;
use nix::unistd;
use serde::{Deserialize, Serialize};
use std::{
    ffi::OsString,
    fs::File,
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

/// What a session in the background tells who started it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Word {
    /// The Orchfile gave a project, and the session goes on; else it ends.
    pub taken: bool,
    /// Errors and warnings of the Orchfile.
    pub diagnostics: Vec<Diagnostic>,
}

/// A session that was started in the background.
pub struct Background {
    child: Child,
}

impl Background {
    /// Starts this program with these arguments.
    #[expect(clippy::disallowed_methods, reason = "it is this very program, and outlives this process")]
    pub fn launch(args: impl IntoIterator<Item = OsString>) -> io::Result<Self> {
        let mut command = Command::new("/proc/self/exe");
        command.arg0("orch").args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(Self { child: command.spawn()? })
    }

    /// The pid of the session.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its word; `None` if it ended without one.
    pub fn word(&mut self) -> Option<Word> {
        let mut line = String::new();
        BufReader::new(self.child.stdout.as_mut()?).read_line(&mut line).ok()?;
        serde_json::from_str(&line).ok()
    }

    /// Waits for its end: its exit code, and what it said on standard error.
    pub fn end(mut self) -> (Option<i32>, String) {
        let mut said = Vec::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_end(&mut said).ok();
        }
        let code = self.child.wait().ok().and_then(|status| status.code());
        (code, String::from_utf8_lossy(&said).into_owned())
    }
}

/// Leaves the terminal that this process was started from: what is typed there does not reach it any more.
pub fn leave_terminal() {
    // It fails only for who leads a group of its own already, and then there is nothing to leave.
    unistd::setsid().ok();
}

/// Says the word to who started this process, and closes what leads to it. Fails if nobody waits for it any more.
pub fn say(word: &Word) -> io::Result<()> {
    let mut line = serde_json::to_vec(word)?;
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    out.flush()?;
    let nowhere = File::options().read(true).write(true).open("/dev/null")?;
    unistd::dup2_stdin(&nowhere)?;
    unistd::dup2_stdout(&nowhere)?;
    unistd::dup2_stderr(&nowhere)?;
    Ok(())
}
