//! orch's side: starts the child, hears it, runs what it asks for, and says why it died if it did.

use super::wire::{Ask, Ended, FromChild, ToChild, VERB};
use crate::{
    diag::{Diagnostic, Severity},
    orchfile::{SourceCommand, SourceOutput, Told},
};
use std::{future::Future, io, os::unix::process::ExitStatusExt, process::ExitStatus, process::Stdio};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStderr, ChildStdin, Command},
};

/// The most of a dying child's last words that is kept.
const LAST_WORDS_MAX: u64 = 64 << 10;

/// Who hears an evaluation while it goes on.
pub trait Hearer {
    /// It tells something.
    fn told(&mut self, told: Told);
    /// It wants a command to be run; an error is why that could not be started. Dropping the future ends the command.
    fn run(&mut self, command: SourceCommand) -> impl Future<Output = Result<SourceOutput, String>> + Send;
}

/// How an evaluation ended.
pub type Evaluation = Result<Ended, Diagnostic>;

/// Evaluates in a child process. Dropping the future kills the child.
pub async fn evaluate(ask: &Ask, hearer: &mut impl Hearer) -> Evaluation {
    let mut child = start().map_err(|error| defect(&format!("cannot start the evaluation: {error}")))?;
    let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(defect("the evaluation has no pipes"));
    };
    let last_words = tokio::spawn(read_last_words(stderr));
    let ended = converse(ask, stdin, BufReader::with_capacity(1 << 16, stdout), hearer).await;
    if let Ok(Some(ended)) = ended {
        // Nothing is expected of it any more; do not wait for its memory to be given back.
        child.start_kill().ok();
        return Ok(ended);
    }
    child.start_kill().ok();
    let status = wait(&mut child).await;
    let words = last_words.await.unwrap_or_default();
    Err(why_it_died(ask, status, &words))
}

fn start() -> io::Result<Child> {
    Command::new("/proc/self/exe")
        .arg0("orch")
        .arg(VERB)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

/// Hears the child until it is done (`Some`) or silent for good (`None`).
async fn converse(
    ask: &Ask,
    mut stdin: ChildStdin,
    mut stdout: impl AsyncBufReadExt + Unpin,
    hearer: &mut impl Hearer,
) -> io::Result<Option<Ended>> {
    say(&mut stdin, ask).await?;
    let mut line = Vec::new();
    loop {
        line.clear();
        if stdout.read_until(b'\n', &mut line).await? == 0 {
            return Ok(None);
        }
        match serde_json::from_slice(&line)? {
            FromChild::Told(told) => hearer.told(told),
            FromChild::Run(command) => {
                // The child waits for the answer; all that can come of it meanwhile is its end.
                let answer = tokio::select! {
                    answer = hearer.run(command) => answer,
                    rest = stdout.fill_buf() => {
                        let ended = rest?.is_empty();
                        return if ended { Ok(None) } else { Err(io::Error::other("it spoke out of turn")) };
                    }
                };
                say(&mut stdin, &ToChild::RunEnded(answer)).await?;
            }
            FromChild::Ended(ended) => return Ok(Some(*ended)),
        }
    }
}

async fn say(stdin: &mut ChildStdin, message: &impl serde::Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    stdin.write_all(&line).await?;
    stdin.flush().await
}

async fn read_last_words(stderr: ChildStderr) -> String {
    let mut words = Vec::new();
    stderr.take(LAST_WORDS_MAX).read_to_end(&mut words).await.ok();
    String::from_utf8_lossy(&words).into_owned()
}

async fn wait(child: &mut Child) -> Option<ExitStatus> {
    child.wait().await.ok()
}

fn why_it_died(ask: &Ask, status: Option<ExitStatus>, words: &str) -> Diagnostic {
    let name = ask.file.as_path().file_name().unwrap_or_default().to_string_lossy().into_owned();
    let signal = status.and_then(|status| status.signal());
    if signal == Some(libc::SIGXCPU) {
        let message = format!("`{name}` was stopped: it used more than {} s of CPU time", ask.cpu_secs);
        let help = "look for a loop that does not end, or raise `ORCH_EVAL_CPU_SECS`";
        return died("orchfile::too_slow", message, help);
    }
    if words.contains("memory allocation of") || words.contains("out of memory") {
        let message = format!("`{name}` was stopped: it used more than {} MiB of memory", ask.memory_bytes >> 20);
        let help = "look for a string or list that grows without end, or raise `ORCH_EVAL_MEMORY_MB`";
        return died("orchfile::too_much_memory", message, help);
    }
    if words.contains("overflowed its stack") || signal == Some(libc::SIGSEGV) {
        let message = format!("`{name}` was stopped: it is nested too deeply");
        let help = "split expressions and literals that nest in each other, and end recursions";
        return died("orchfile::too_deep", message, help);
    }
    if signal == Some(libc::SIGKILL) {
        let message = format!("the evaluation of `{name}` was killed from outside");
        return died(
            "orchfile::killed",
            message,
            "see whether the machine ran out of memory, and save the file to try again",
        );
    }
    let how = status.map_or_else(|| "in an unknown way".to_owned(), |status| format!("with {status}"));
    let last = words.lines().last().unwrap_or_default();
    defect(&format!("the evaluation of `{name}` ended {how}: {last}"))
}

fn died(code: &str, message: String, help: &str) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        code: code.to_owned(),
        message,
        labels: Vec::new(),
        help: Some(help.to_owned()),
        frames: Vec::new(),
    }
}

fn defect(message: &str) -> Diagnostic {
    died("orch::defect", message.to_owned(), "this is a bug of orch: please report it with the Orchfile")
}
