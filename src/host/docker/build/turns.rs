//! One command at a time for each image: one that was cancelled may take a while to end, and the next must not meet it.

use crate::{host::process::Running, model::ImageKey};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    runtime::Handle,
    sync::{Mutex as Turn, OwnedMutexGuard},
};

/// Whose turn it is, by image. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Turns(Arc<Mutex<BTreeMap<ImageKey, Arc<Turn<()>>>>>);

impl Turns {
    /// Waits until no command for this image runs any more.
    pub(super) async fn take(&self, image: &ImageKey) -> OwnedMutexGuard<()> {
        let turn = self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(image.clone()).or_default().clone();
        turn.lock_owned().await
    }
}

/// A command whose turn it is. When it is dropped before its end, the command is asked to end, and the turn with it.
pub(super) struct Taking {
    pub(super) running: Running,
    pub(super) grace: Duration,
    pub(super) turn: Option<OwnedMutexGuard<()>>,
}

impl Drop for Taking {
    fn drop(&mut self) {
        let (running, turn) = (self.running.clone(), self.turn.take());
        running.stop(self.grace);
        // Without a runtime orch itself is at its end.
        if let (Some(turn), Ok(runtime)) = (turn, Handle::try_current()) {
            runtime.spawn(async move {
                running.ended().await;
                drop(turn);
            });
        }
    }
}
