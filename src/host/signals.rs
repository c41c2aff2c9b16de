//! Signals to orch itself.

#![expect(
    clippy::disallowed_methods,
    reason = "the kernel tells in a file which signals a program was started to ignore"
)]

use nix::sys::signal::Signal;
use std::{fs, future, io};
use tokio::signal::unix::{self, SignalKind, signal};

/// The signals that ask orch to end.
#[derive(Debug)]
pub struct EndSignals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    /// None under `nohup`.
    hang_up: Option<unix::Signal>,
}

impl EndSignals {
    /// From now on these signals do not kill orch, but are reported. A hang-up that whoever started orch had it ignore stays
    /// ignored.
    pub fn listen() -> io::Result<Self> {
        let hang_up = if is_ignored(Signal::SIGHUP) { None } else { Some(signal(SignalKind::hangup())?) };
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())?, hang_up })
    }

    /// The next one.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::SIGINT,
            _ = self.terminate.recv() => Signal::SIGTERM,
            () = heard(self.hang_up.as_mut()) => Signal::SIGHUP,
        }
    }
}

async fn heard(signal: Option<&mut unix::Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => future::pending().await,
    }
}

/// Whether orch was started with this signal ignored. Where the kernel does not tell, it was not.
fn is_ignored(signal: Signal) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask & (1 << (signal as i32 - 1)) != 0
}
