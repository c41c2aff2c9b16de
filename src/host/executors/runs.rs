//! Runs: commands that are run to their end.

use super::{World, sink::LogSink};
use crate::{
    engine::{CommandSpec, Event, RunEnd},
    host::{
        outbox::Promise,
        process::{Kind, Running, Spawn},
    },
    logs::LogName,
    model::{Attempt, Digest, Exit, FilePath, FileSet, ResourceName, RunId},
};
use std::{sync::Arc, time::Duration};

/// What `Effect::StartRun` says.
pub(super) struct Order {
    pub(super) run: RunId,
    pub(super) resource: ResourceName,
    pub(super) command: CommandSpec,
    pub(super) outputs: Arc<FileSet>,
    pub(super) own_sessions: bool,
    pub(super) grace: Duration,
}

/// Starts a command; a task tells how it fares.
pub(super) fn start(world: &World, order: Order) -> Running {
    let writer = world.logs.writer(&LogName::Resource(order.resource), Some(Attempt::Run(order.run)));
    let spawn = Spawn {
        defaults: world.defaults,
        own_sessions: order.own_sessions,
        ..Spawn::new(&order.command, Kind::Command, order.grace)
    };
    let running = world.processes.spawn(spawn, Arc::new(LogSink(writer)));
    let stopped = Event::RunEnded { run: order.run, end: RunEnd::of(Exit::Stopped) };
    let attend = |promise| attend(world.clone(), order.run, order.outputs, running.clone(), promise);
    world.outbox.spawn(stopped, attend);
    running
}

async fn attend(world: World, run: RunId, outputs: Arc<FileSet>, running: Running, promise: Promise) {
    if let Ok(pid) = running.started().await {
        world.outbox.send(Event::RunStarted { run, pid });
    }
    let ended = running.ended().await;
    let outputs = if ended.exit.is_success() { taken(&world, outputs).await } else { Vec::new() };
    promise
        .keep(Event::RunEnded { run, end: RunEnd { outputs, leftovers: ended.leftovers, ..RunEnd::of(ended.exit) } });
    if ended.leftovers {
        let promise = world.outbox.promise(Event::LeftoversEnded { run });
        running.leftovers_ended().await;
        drop(promise);
    }
}

/// What lies at and below the declared outputs.
async fn taken(world: &World, outputs: Arc<FileSet>) -> Vec<(FilePath, Digest)> {
    if outputs.roots.is_empty() {
        return Vec::new();
    }
    let files = world.files.clone();
    let taken = tokio::task::spawn_blocking(move || files.take_set(&outputs, None)).await;
    taken.unwrap_or_default().into_iter().map(|file| (file.path, file.digest)).collect()
}
