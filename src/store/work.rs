//! The thread that owns the connection and does all work in order, as much as there is in one transaction.

use super::{
    ids::Ids,
    queue::{Queue, Work},
    schema, spawn, words,
};
use rusqlite::{Connection, TransactionBehavior};
use std::{io, path::PathBuf, sync::Arc, thread::JoinHandle};

/// Starts the thread.
pub(super) fn start(
    connection: Connection,
    path: PathBuf,
    queue: Arc<Queue>,
    ids: Arc<Ids>,
) -> io::Result<JoinHandle<()>> {
    let mut writer = Writer { connection: Some(connection), path, queue, ids, is_trouble_told: false };
    spawn("store", move || writer.run())
}

struct Writer {
    /// `None` if the file was given up and no new one could be made.
    connection: Option<Connection>,
    path: PathBuf,
    queue: Arc<Queue>,
    ids: Arc<Ids>,
    is_trouble_told: bool,
}

impl Writer {
    fn run(&mut self) {
        loop {
            let works = self.queue.take();
            if works.is_empty() {
                return;
            }
            self.perform(works);
        }
    }

    fn perform(&mut self, works: Vec<Work>) {
        if self.transact(&works).is_ok() {
            return works.into_iter().for_each(|work| answer(work, Ok(())));
        }
        // One that cannot be done must not undo the others.
        for work in works {
            let result = match self.transact(std::slice::from_ref(&work)) {
                Err(error) if schema::is_damage(&error) => self.begin_anew(&work),
                result => result,
            };
            let result = result.map_err(|error| words::failure(&self.path, &error));
            if let (Err(failure), None) = (&result, &work.answer) {
                self.tell(failure.message.clone());
            }
            answer(work, result);
        }
    }

    fn transact(&mut self, works: &[Work]) -> rusqlite::Result<()> {
        let connection = self.connection.as_mut().ok_or(rusqlite::Error::InvalidQuery)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        works.iter().try_for_each(|work| (work.step)(&transaction))?;
        transaction.commit()
    }

    /// Sets a damaged file aside and does the work in a new one.
    fn begin_anew(&mut self, work: &Work) -> rusqlite::Result<()> {
        self.connection = None;
        let mut notes = Vec::new();
        let set_aside = schema::set_aside(&self.path, schema::Unusable::Damaged, &mut notes);
        let opened = set_aside.and_then(|()| schema::open(&self.path, &mut notes));
        for note in notes {
            self.queue.note(note);
        }
        match opened {
            Ok((connection, _)) => self.connection = Some(connection),
            Err(failure) => self.tell(failure.message),
        }
        let ids = Arc::clone(&self.ids);
        self.transact(&[Work::new(move |connection| ids.reserve(connection))])?;
        self.transact(std::slice::from_ref(work))
    }

    /// Says once that nothing is recorded any more.
    fn tell(&mut self, message: String) {
        if !std::mem::replace(&mut self.is_trouble_told, true) {
            self.queue.note(message);
        }
    }
}

fn answer(work: Work, result: Result<(), crate::model::Failure>) {
    if let Some(answer) = work.answer {
        answer(result);
    }
}
