//! Instances: servers that stay up.

use super::{World, sink::LogSink};
use crate::{
    engine::{CommandSpec, Event, PortCheck},
    host::{
        outbox::Promise,
        port,
        process::{Kind, OutputSink, ReadyLine, Running, Spawn},
    },
    logs::LogName,
    model::{Attempt, Exit, Failure, InstanceId, Level, ResourceName},
};
use regex::Regex;
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, task::AbortHandle};

/// What `Effect::StartInstance` says.
pub(super) struct Order {
    pub(super) instance: InstanceId,
    pub(super) resource: ResourceName,
    pub(super) command: CommandSpec,
    pub(super) ready_line: Option<String>,
    pub(super) port: Option<PortCheck>,
    pub(super) grace: Duration,
}

/// An instance that was asked for and whose end was not told yet.
pub(super) struct Live {
    /// The shortest grace with which it was stopped, if it was.
    stop: watch::Sender<Option<Duration>>,
    probes: Vec<AbortHandle>,
}

impl Live {
    /// Stops it, also while it is being started.
    pub(super) fn stop(&self, grace: Duration) {
        self.stop.send_modify(|stop| *stop = Some(stop.map_or(grace, |before| before.min(grace))));
    }

    /// A check that is pointless once the instance ended.
    pub(super) fn asked_by(&mut self, probe: AbortHandle) {
        self.probes.retain(|probe| !probe.is_finished());
        self.probes.push(probe);
    }

    /// Ends the checks that still wait for an answer.
    pub(super) fn forget_probes(&self) {
        self.probes.iter().for_each(AbortHandle::abort);
    }
}

/// Starts a server; a task tells how it fares.
pub(super) fn start(world: &World, order: Order) -> Live {
    let (stop, stopped) = watch::channel(None);
    let ended = Event::InstanceEnded { instance: order.instance, exit: Exit::Stopped };
    world.outbox.spawn(ended, |promise| attend(world.clone(), order, stopped, promise));
    Live { stop, probes: Vec::new() }
}

async fn attend(world: World, order: Order, mut stopped: watch::Receiver<Option<Duration>>, promise: Promise) {
    let instance = order.instance;
    if let Some(check) = order.port
        && let Err(failure) = look_at(&world, &order, check).await
    {
        return promise.keep(Event::InstanceEnded { instance, exit: Exit::NotStarted(failure) });
    }
    if stopped.borrow().is_some() {
        return;
    }
    let running = spawn(&world, &order);
    let stopping = tokio::spawn({
        let running = running.clone();
        async move {
            while stopped.changed().await.is_ok() {
                let grace = *stopped.borrow_and_update();
                running.stop(grace.unwrap_or_default());
            }
        }
    });
    if let Ok(pid) = running.started().await {
        world.outbox.send(Event::InstanceStarted { instance, pid });
    }
    let ended = running.ended().await;
    stopping.abort();
    promise.keep(Event::InstanceEnded { instance, exit: ended.exit });
}

/// Whether somebody holds the port: refused, or warned of.
async fn look_at(world: &World, order: &Order, check: PortCheck) -> Result<(), Failure> {
    let found = tokio::task::spawn_blocking(move || port::holder(check.port)).await;
    let Some(holder) = found.ok().flatten() else { return Ok(()) };
    let failure = holder.failure(check.port);
    if check.refuse {
        return Err(failure);
    }
    let log = LogName::Resource(order.resource.clone());
    world.logs.say(&log, Some(Attempt::Instance(order.instance)), Level::Warning, &failure.message);
    Ok(())
}

fn spawn(world: &World, order: &Order) -> Running {
    let log = LogName::Resource(order.resource.clone());
    let sink = LogSink(world.logs.writer(&log, Some(Attempt::Instance(order.instance))));
    let spawn = Spawn { defaults: world.defaults, ..Spawn::new(&order.command, Kind::Server, order.grace) };
    world.processes.spawn(spawn, watched(world, order, Arc::new(sink)))
}

/// The sink, with an eye on the line that tells that the server is ready.
fn watched(world: &World, order: &Order, sink: Arc<dyn OutputSink>) -> Arc<dyn OutputSink> {
    // The Orchfile's evaluation refused what is no regular expression.
    let Some(pattern) = order.ready_line.as_ref().and_then(|pattern| Regex::new(pattern).ok()) else { return sink };
    let (outbox, instance) = (world.outbox.clone(), order.instance);
    Arc::new(ReadyLine::new(pattern, sink, move || outbox.send(Event::ReadyLineSeen { instance })))
}
