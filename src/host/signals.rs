//! Signals to orch itself.

use nix::sys::signal::Signal;
use std::io;
use tokio::signal::unix::{self, SignalKind, signal};

/// The signals that ask orch to end.
#[derive(Debug)]
pub struct EndSignals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    hang_up: unix::Signal,
}

impl EndSignals {
    /// From now on these signals do not kill orch, but are reported.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// The next one.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::SIGINT,
            _ = self.terminate.recv() => Signal::SIGTERM,
            _ = self.hang_up.recv() => Signal::SIGHUP,
        }
    }
}
