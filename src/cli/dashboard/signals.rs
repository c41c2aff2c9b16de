//! Signals while the dashboard has the terminal.

use nix::sys::signal::Signal;
use std::{
    io, process,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    time::{Instant, sleep_until},
};

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// Give the terminal back and go.
    End(Signal),
    /// Give it back until continued.
    Suspend,
    /// It was stopped and goes on: what is on the terminal is unknown.
    Continued,
}

/// The signals.
pub(super) struct Signals {
    told: mpsc::Receiver<Told>,
    lent: Lent,
}

/// Whether somebody else has the terminal: what its keys interrupt or suspend then is theirs.
#[derive(Debug, Clone, Default)]
pub(super) struct Lent(Arc<AtomicBool>);

impl Lent {
    /// From now on, until what is given is dropped.
    pub(super) fn begin(&self) -> impl Drop + use<> {
        self.0.store(true, Ordering::Relaxed);
        BackAgain(self.clone())
    }

    fn is_meant(&self, what: Told) -> bool {
        self.0.load(Ordering::Relaxed) && matches!(what, Told::End(Signal::SIGINT) | Told::Suspend | Told::Continued)
    }
}

struct BackAgain(Lent);

impl Drop for BackAgain {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::Relaxed);
    }
}

/// How long a terminal that takes nothing more may hold up the end.
const STUCK: Duration = Duration::from_secs(2);

impl Signals {
    /// From now on they do not kill the program.
    pub(super) fn listen() -> io::Result<Self> {
        let (sender, told) = mpsc::channel(4);
        let lent = Lent::default();
        let kinds = [
            (SignalKind::interrupt(), Told::End(Signal::SIGINT)),
            (SignalKind::terminate(), Told::End(Signal::SIGTERM)),
            (SignalKind::hangup(), Told::End(Signal::SIGHUP)),
            (SignalKind::from_raw(Signal::SIGTSTP as i32), Told::Suspend),
            (SignalKind::from_raw(Signal::SIGCONT as i32), Told::Continued),
        ];
        for (kind, what) in kinds {
            let mut heard = signal(kind)?;
            let (sender, lent) = (sender.clone(), lent.clone());
            tokio::spawn(async move {
                while heard.recv().await.is_some() {
                    if lent.is_meant(what) {
                        continue;
                    }
                    if sender.send(what).await.is_err() {
                        return;
                    }
                    if let Told::End(signal) = what {
                        // Whoever writes to a terminal that takes nothing hears no signal.
                        sleep_until(Instant::now() + STUCK).await;
                        if !sender.is_closed() {
                            process::exit(128 + signal as i32);
                        }
                    }
                }
            });
        }
        Ok(Self { told, lent })
    }

    /// What tells them that somebody else has the terminal.
    pub(super) fn lent(&self) -> Lent {
        self.lent.clone()
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Told {
        match self.told.recv().await {
            Some(told) => told,
            None => std::future::pending().await,
        }
    }
}
