//! What the engine asks: digests of files, checks of probes.

use super::World;
use crate::{
    engine::{CommandSpec, Event, ProbeResult},
    host::probe,
    model::{FilePath, FileSet, ProbeAction, RequestId, Time},
};
use std::{sync::Arc, time::Duration};
use tokio::task::AbortHandle;

pub(super) fn take_digests(world: &World, request: RequestId, paths: Vec<FilePath>) {
    let world = world.clone();
    tokio::task::spawn_blocking(move || {
        let digests = world.files.take_digests(paths);
        world.outbox.send(Event::DigestsTaken { request, digests });
    });
}

/// An urgent set is taken at once; the others one after the other, so that they are in nobody's way.
pub(super) fn take_set(
    world: &World,
    request: RequestId,
    files: Arc<FileSet>,
    unchanged_since: Option<Time>,
    urgent: bool,
) {
    let world = world.clone();
    let since = unchanged_since.map(|since| world.clock.wall(since));
    let take = move |world: World| {
        let files = world.files.take_set(&files, since);
        world.outbox.send(Event::SetTaken { request, files });
    };
    if urgent {
        tokio::task::spawn_blocking(move || take(world));
        return;
    }
    tokio::spawn(async move {
        let turn = world.background.clone().acquire_owned().await;
        tokio::task::spawn_blocking(move || {
            take(world);
            drop(turn);
        });
    });
}

pub(super) fn probe(
    world: &World,
    request: RequestId,
    action: ProbeAction,
    command: Option<CommandSpec>,
    timeout: Duration,
) -> AbortHandle {
    let unanswered = ProbeResult::Failed("the check broke off".to_owned());
    let processes = world.processes.clone();
    world.outbox.spawn(Event::Probed { request, result: unanswered }, |promise| async move {
        let result = probe::check(&processes, &action, command.as_ref(), timeout).await;
        promise.keep(Event::Probed { request, result });
    })
}
