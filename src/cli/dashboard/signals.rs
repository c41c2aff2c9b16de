//! Signals while the dashboard has the terminal.

use nix::sys::signal::{Signal, raise};
use std::{
    io, process,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    signal::unix::{self, SignalKind, signal},
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

/// How long a terminal that takes nothing more may hold up the end.
const STUCK: Duration = Duration::from_secs(2);
/// How long a signal of one's own may take to be heard.
const ECHO: Duration = Duration::from_secs(1);

/// Whether somebody else has the terminal: what its keys interrupt or suspend then is theirs.
#[derive(Debug, Clone, Default)]
pub(super) struct Lent {
    on: Arc<AtomicBool>,
    /// How many signals that only say that it goes on were heard meanwhile.
    echoes: Arc<(Mutex<u64>, Condvar)>,
}

impl Lent {
    /// From now on, until what is given is dropped.
    pub(super) fn begin(&self) -> impl Drop + use<> {
        self.on.store(true, Ordering::SeqCst);
        BackAgain(self.clone())
    }

    fn takes(&self, what: Told) -> bool {
        if !self.on.load(Ordering::SeqCst) {
            return false;
        }
        if what == Told::Continued {
            *self.echoes.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            self.echoes.1.notify_all();
        }
        matches!(what, Told::End(Signal::SIGINT) | Told::Suspend | Told::Continued)
    }
}

struct BackAgain(Lent);

impl Drop for BackAgain {
    fn drop(&mut self) {
        // Signals are heard a moment after they came: one of our own that comes behind them tells that they were.
        let (count, changed) = &*self.0.echoes;
        let before = count.lock().unwrap_or_else(PoisonError::into_inner);
        let last = *before;
        if raise(Signal::SIGCONT).is_ok() {
            drop(changed.wait_timeout_while(before, ECHO, |count| *count == last));
        }
        self.0.on.store(false, Ordering::SeqCst);
    }
}

/// What is heard of each.
struct Ears {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    hang_up: unix::Signal,
    suspend: unix::Signal,
    go_on: unix::Signal,
}

impl Ears {
    fn open() -> io::Result<Self> {
        let own = |kind: Signal| signal(SignalKind::from_raw(kind as i32));
        Ok(Self {
            interrupt: own(Signal::SIGINT)?,
            terminate: own(Signal::SIGTERM)?,
            hang_up: own(Signal::SIGHUP)?,
            suspend: own(Signal::SIGTSTP)?,
            go_on: own(Signal::SIGCONT)?,
        })
    }

    /// Of several that came, the one that only says that it goes on is the last.
    async fn next(&mut self) -> Told {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => Told::End(Signal::SIGTERM),
            _ = self.hang_up.recv() => Told::End(Signal::SIGHUP),
            _ = self.interrupt.recv() => Told::End(Signal::SIGINT),
            _ = self.suspend.recv() => Told::Suspend,
            _ = self.go_on.recv() => Told::Continued,
        }
    }
}

impl Signals {
    /// From now on they do not kill the program.
    pub(super) fn listen() -> io::Result<Self> {
        let (sender, told) = mpsc::channel(4);
        let mut ears = Ears::open()?;
        let lent = Lent::default();
        let is_lent = lent.clone();
        tokio::spawn(async move {
            loop {
                let what = ears.next().await;
                if is_lent.takes(what) {
                    continue;
                }
                if let Told::End(signal) = what {
                    tokio::spawn(end_if_stuck(sender.clone(), signal));
                }
                if sender.send(what).await.is_err() {
                    return;
                }
            }
        });
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

/// Whoever writes to a terminal that takes nothing hears no signal.
async fn end_if_stuck(sender: mpsc::Sender<Told>, signal: Signal) {
    sleep_until(Instant::now() + STUCK).await;
    if !sender.is_closed() {
        process::exit(128 + signal as i32);
    }
}
