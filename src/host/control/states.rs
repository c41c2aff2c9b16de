//! `GET /v1/snapshots`: the session's states as they come.

use super::{Control, Receiving};
use crate::snapshot::{Change, Snapshot};
use axum::{
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse, Response},
};
use std::{io, sync::Arc, time::Duration};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

/// How soon after a snapshot the next one is sent.
const SNAPSHOTS_PERIOD: Duration = Duration::from_millis(30);

/// Each state that the session shows from now on, as one [`Change`] a line. A reader that is slow misses states, never the last.
pub(super) async fn snapshots(State(control): State<Control>) -> Response {
    let (sender, receiver) = mpsc::channel::<Result<Bytes, io::Error>>(1);
    tokio::spawn(send_snapshots(control, sender));
    Body::from_stream(Receiving(receiver)).into_response()
}

async fn send_snapshots(control: Control, sender: mpsc::Sender<Result<Bytes, io::Error>>) {
    let mut snapshots = control.snapshots.clone();
    let mut sent = Arc::new(Snapshot::default());
    let mut next = control.snapshot().await;
    loop {
        let change = Change::between(&sent, &next, control.clock.now());
        let mut line = serde_json::to_vec(&change).unwrap_or_default();
        line.push(b'\n');
        if sender.send(Ok(line.into())).await.is_err() {
            return;
        }
        sent = next;
        sleep_until(Instant::now() + SNAPSHOTS_PERIOD).await;
        tokio::select! {
            changed = snapshots.changed() => {
                // The session has ended; the last state was sent or is what `borrow` still gives.
                if changed.is_err() && Arc::ptr_eq(&sent, &snapshots.borrow()) {
                    return;
                }
            }
            () = sender.closed() => return,
        }
        next = snapshots.borrow_and_update().clone();
    }
}
