//! `GET /v1/events`: what happens, a JSON document a line, from the moment of the question until the session ends. Who reads
//! slowly is told of the same things later; nothing is kept for it but one snapshot.

use super::{Control, Receiving};
use crate::snapshot::{Snapshot, news::news};
use axum::{
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse, Response},
};
use std::{io, sync::Arc};
use tokio::sync::mpsc;

type Lines = mpsc::Sender<Result<Bytes, io::Error>>;

pub(super) async fn events(State(control): State<Control>) -> Response {
    let known = control.snapshot().await;
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(send(control, known, sender));
    Body::from_stream(Receiving(receiver)).into_response()
}

async fn send(control: Control, mut known: Arc<Snapshot>, lines: Lines) {
    let mut snapshots = control.snapshots.clone();
    // An empty line says that it listens from now on: what is asked for next is told.
    let mut text = vec![b'\n'];
    loop {
        if !text.is_empty() && lines.send(Ok(std::mem::take(&mut text).into())).await.is_err() {
            return;
        }
        let changed = tokio::select! {
            changed = snapshots.changed() => changed,
            () = lines.closed() => return,
        };
        if changed.is_err() {
            return;
        }
        let new = snapshots.borrow_and_update().clone();
        for news in news(&known, &new) {
            // News hold nothing that JSON cannot say.
            serde_json::to_writer(&mut text, &news).ok();
            text.push(b'\n');
        }
        known = new;
    }
}
