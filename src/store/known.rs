//! Known files: many, so they are read as a stream and written in pieces that nobody has to wait behind.

use super::{
    queue::{Queue, Work},
    records, spawn,
    stored::open_read_only,
};
use crate::model::{FilePath, KnownFile};
use std::{
    path::Path,
    sync::{Arc, mpsc},
};

/// How many are handed over or written at a time.
const PIECE: usize = 1024;
/// How many pieces wait for a slow reader.
const AHEAD: usize = 4;

/// All known files, read while they are asked for.
pub struct KnownFiles {
    pieces: mpsc::Receiver<Vec<KnownFile>>,
    piece: std::vec::IntoIter<KnownFile>,
}

impl KnownFiles {
    /// Reads on a connection of its own, so that writing goes on.
    pub(super) fn read(path: &Path, queue: Arc<Queue>) -> Self {
        let (sender, pieces) = mpsc::sync_channel(AHEAD);
        let path = path.to_owned();
        // Without a thread, or a file that can be read, nothing is known: files are digested again.
        let reading = spawn("known files", move || {
            if read_all(&path, &sender).is_err() {
                // The writer meets the same damage and sets the file aside.
                queue.add(Work::new(|connection| records::each_known(connection, |_| true)));
            }
        });
        drop(reading);
        Self { pieces, piece: Vec::new().into_iter() }
    }
}

impl Iterator for KnownFiles {
    type Item = KnownFile;

    fn next(&mut self) -> Option<KnownFile> {
        loop {
            if let Some(file) = self.piece.next() {
                return Some(file);
            }
            self.piece = self.pieces.recv().ok()?.into_iter();
        }
    }
}

fn read_all(path: &Path, sender: &mpsc::SyncSender<Vec<KnownFile>>) -> rusqlite::Result<()> {
    let connection = open_read_only(path)?;
    let mut piece = Vec::with_capacity(PIECE);
    records::each_known(&connection, |file| {
        piece.push(file);
        piece.len() < PIECE || sender.send(std::mem::replace(&mut piece, Vec::with_capacity(PIECE))).is_ok()
    })?;
    // A reader that went away has what it wanted.
    sender.send(piece).unwrap_or_default();
    Ok(())
}

/// Hands over known files to be written, and others to be forgotten.
pub(super) fn save(queue: &Queue, known: Vec<KnownFile>, removed: Vec<FilePath>) {
    for piece in pieces(removed) {
        queue.add_bulk(Work::new(move |connection| records::forget_known(connection, &piece)));
    }
    for piece in pieces(known) {
        queue.add_bulk(Work::new(move |connection| records::save_known(connection, &piece)));
    }
}

fn pieces<T>(mut all: Vec<T>) -> impl Iterator<Item = Vec<T>> {
    std::iter::from_fn(move || {
        let rest = all.split_off(all.len().min(PIECE));
        Some(std::mem::replace(&mut all, rest)).filter(|piece| !piece.is_empty())
    })
}
