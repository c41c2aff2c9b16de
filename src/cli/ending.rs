//! Signals that ask a session to end, and what is said when they come. How it then ends is the engine's business.

use crate::{
    engine::{Event, Request},
    host::{outbox::Outbox, signals::EndSignals},
    logs::{LogName, LogStore},
    model::Level,
    snapshot::{Row, RowKind, Snapshot, words},
};
use nix::sys::signal::Signal;
use std::sync::{Arc, OnceLock};
use tokio::sync::{Notify, watch};

/// The signals of a session.
#[derive(Debug, Default, Clone)]
pub(super) struct Ending {
    first: Arc<OnceLock<Signal>>,
    each: Arc<Notify>,
}

impl Ending {
    /// The first signal asks for the end of the session, each further one for a quicker end.
    pub(super) fn hear(
        mut signals: EndSignals,
        outbox: Outbox,
        logs: LogStore,
        snapshots: watch::Receiver<Arc<Snapshot>>,
    ) -> Self {
        let ending = Self::default();
        let heard = ending.clone();
        tokio::spawn(async move {
            loop {
                let signal = signals.next().await;
                if heard.first.set(signal).is_ok()
                    && let Some(text) = what_is_stopped(&snapshots.borrow(), signal)
                {
                    logs.say(&LogName::Session, None, Level::Info, &text);
                }
                outbox.send(Event::Asked(Request::ShutDown { teardown: false, volumes: false, namespaces: false }));
                heard.each.notify_waiters();
            }
        });
        ending
    }

    /// The first signal, once there is one.
    pub(super) fn signal(&self) -> Option<Signal> {
        self.first.get().copied()
    }

    /// Returns at the next signal from now on.
    pub(super) async fn next(&self) {
        self.each.notified().await;
    }
}

/// `stopping api, web; press Ctrl-C again to end at once`; nothing where nothing lives.
fn what_is_stopped(snapshot: &Snapshot, signal: Signal) -> Option<String> {
    let names: Vec<&str> = snapshot.rows.iter().filter(|row| is_alive(row)).map(|row| row.name.as_str()).collect();
    if names.is_empty() {
        return None;
    }
    let hint = if signal == Signal::SIGINT { "; press Ctrl-C again to end at once" } else { "" };
    Some(format!("stopping {}{hint}", words::first_of(&names)))
}

/// Containers live on.
fn is_alive(row: &Row) -> bool {
    let serves = || row.instance.as_ref().is_some_and(|instance| instance.exit.is_none());
    row.current_run.is_some() || row.kind == RowKind::Local && serves()
}
