//! The session's loop: events in, effects out, snapshots to whoever reads. The one writer of the engine's state.

use crate::{
    engine::{Effect, Engine, Event},
    host::{clock::Clock, control::SnapshotWanted, executors::Host},
    model::Time,
    snapshot::{Snapshot, Verdict},
};
use std::{future, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};

/// At most one snapshot is published in this time, so that a flood of events does not become a flood of snapshots.
const PUBLISH_PERIOD: Duration = Duration::from_millis(10);
/// How many waiting events are handled before snapshots and deadlines have their turn.
const BATCH: usize = 256;

/// Runs a session to its end.
pub async fn run(
    mut engine: Engine,
    clock: Clock,
    mut inbox: mpsc::UnboundedReceiver<Event>,
    snapshots: watch::Sender<Arc<Snapshot>>,
    mut wanted: mpsc::UnboundedReceiver<SnapshotWanted>,
    host: &mut Host,
) -> Verdict {
    let mut published_at = None;
    let mut finished = handle(&mut engine, clock, host, Event::SessionStarted);
    loop {
        if let Some(verdict) = finished {
            publish(&mut engine, &snapshots, host);
            return verdict;
        }
        let publish_at = engine.changed().then(|| published_at.map_or(clock.now(), |at: Time| at + PUBLISH_PERIOD));
        tokio::select! {
            event = inbox.recv() => {
                // The inbox stays open: the host holds a sender.
                let Some(event) = event else { return Verdict::Interrupted };
                finished = handle(&mut engine, clock, host, event);
                if finished.is_none() {
                    finished = handle_waiting(&mut engine, clock, &mut inbox, host);
                }
                if engine.next_deadline().is_some_and(|deadline| deadline <= clock.now()) && finished.is_none() {
                    finished = handle(&mut engine, clock, host, Event::Woke);
                }
            }
            () = until(clock, engine.next_deadline()) => finished = handle(&mut engine, clock, host, Event::Woke),
            () = until(clock, publish_at) => {
                publish(&mut engine, &snapshots, host);
                published_at = Some(clock.now());
            }
            Some(reader) = wanted.recv() => {
                // Whoever asked for something before sees that it was taken.
                finished = handle_waiting(&mut engine, clock, &mut inbox, host);
                if engine.changed() {
                    publish(&mut engine, &snapshots, host);
                    published_at = Some(clock.now());
                }
                // A reader that went away wants nothing any more.
                reader.send(snapshots.borrow().clone()).ok();
            }
        }
    }
}

/// Handles what waits in the inbox, up to a bound.
fn handle_waiting(
    engine: &mut Engine,
    clock: Clock,
    inbox: &mut mpsc::UnboundedReceiver<Event>,
    host: &mut Host,
) -> Option<Verdict> {
    for _ in 0..BATCH {
        let Ok(event) = inbox.try_recv() else { break };
        let finished = handle(engine, clock, host, event);
        if finished.is_some() {
            return finished;
        }
    }
    None
}

fn handle(engine: &mut Engine, clock: Clock, host: &mut Host, event: Event) -> Option<Verdict> {
    let now = clock.now();
    host.observe(now, &event);
    let mut finished = None;
    for effect in engine.handle(now, event) {
        match effect {
            Effect::Finish { verdict } => finished = Some(verdict),
            effect => host.perform(effect),
        }
    }
    finished
}

fn publish(engine: &mut Engine, snapshots: &watch::Sender<Arc<Snapshot>>, host: &mut Host) {
    let snapshot = engine.snapshot();
    host.published(&snapshot);
    snapshots.send_replace(snapshot);
}

async fn until(clock: Clock, time: Option<Time>) {
    match time {
        Some(time) => sleep_until(Instant::from_std(clock.instant(time))).await,
        None => future::pending().await,
    }
}
