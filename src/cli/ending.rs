//! Signals that ask a session to end, and what is said when they come. How it then ends is the engine's business.

use super::{error::CliError, live, print};
use crate::{
    engine::{Event, Request},
    host::{
        ask,
        claim::{self, SessionCard},
        outbox::Outbox,
        signals::EndSignals,
    },
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
                outbox.send(Event::Asked(SHUT_DOWN));
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

/// Asks a session of another process to end, as a signal wants, and returns once it has. Each further signal hurries it.
pub(super) fn end(card: &SessionCard, signal: Signal) -> Result<(), CliError> {
    live::block_on(async {
        let mut signals = listen()?;
        // One that has ended meanwhile need not be asked.
        if let Ok(snapshot) = ask::snapshot(card).await
            && let Some(text) = what_is_stopped(&snapshot, signal)
        {
            print::to_stderr(&format!("orch: {text}\n"));
        }
        ask::request(card, &SHUT_DOWN).await.ok();
        until_ended(card, &mut signals).await;
        Ok(())
    })
}

/// Hears signals that would end this process.
pub(super) fn listen() -> Result<EndSignals, CliError> {
    EndSignals::listen().map_err(|error| CliError::unusable(format!("cannot listen to signals: {error}")))
}

/// Returns once a session that is ending has ended. Each signal until then hurries it.
pub(super) async fn until_ended(card: &SessionCard, signals: &mut EndSignals) {
    let session = card.clone();
    let mut ended = tokio::task::spawn_blocking(move || claim::wait_for_end_of(&session));
    loop {
        tokio::select! {
            _ = &mut ended => return,
            _ = signals.next() => hurry(card).await,
        }
    }
}

/// Has a session that is ending end at once, and says what that kills.
pub(super) async fn hurry(card: &SessionCard) {
    let Ok(snapshot) = ask::snapshot(card).await else { return };
    let names = alive(&snapshot);
    if !names.is_empty() {
        print::to_stderr(&format!("orch: killing {} at once\n", words::first_of(&names)));
    }
    ask::request(card, &SHUT_DOWN).await.ok();
}

const SHUT_DOWN: Request = Request::ShutDown { teardown: false, volumes: false, namespaces: false };

/// `stopping api, web; press Ctrl-C again to end at once`; nothing where nothing lives.
fn what_is_stopped(snapshot: &Snapshot, signal: Signal) -> Option<String> {
    let names = alive(snapshot);
    if names.is_empty() {
        return None;
    }
    let hint = if signal == Signal::SIGINT { "; press Ctrl-C again to end at once" } else { "" };
    Some(format!("stopping {}{hint}", words::first_of(&names)))
}

fn alive(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.rows.iter().filter(|row| is_alive(row)).map(|row| row.name.as_str()).collect()
}

/// Containers live on.
fn is_alive(row: &Row) -> bool {
    let serves = || row.instance.as_ref().is_some_and(|instance| instance.exit.is_none());
    row.current_run.is_some() || row.kind == RowKind::Local && serves()
}
