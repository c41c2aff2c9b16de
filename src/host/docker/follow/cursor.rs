//! How far the log of a container was read, so that nothing of it is lost or doubled when the reading breaks off.

use crate::{logs::Stream, model::ContainerId, store::ReadMark};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Pieces of one stream are told in order. Those of two streams may be told in another order than that of their moments, by far less
/// than this, in nanoseconds.
const DISORDER_NS: i64 = 1_000_000_000;

/// How far one log was read.
#[derive(Debug, Default)]
pub struct Cursor {
    marks: [Mark; 2],
    /// It is of an earlier session.
    is_old: bool,
}

/// How far one stream was read: the moment of its last piece, and how many pieces had that very moment.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    at: i64,
    pieces: u32,
    /// So many pieces of that moment still come again; `None` once what comes is new.
    again: Option<u32>,
}

impl Cursor {
    /// The log is read anew: the moment from which on it is asked for, in nanoseconds since 1970. What was read before comes again.
    pub(in crate::host) fn rewind(&mut self) -> i64 {
        let last = self.marks.iter().map(|mark| mark.at).max().unwrap_or_default();
        for mark in &mut self.marks {
            mark.again = Some(mark.pieces);
        }
        (last - DISORDER_NS).max(0)
    }

    /// Where an earlier session ended.
    fn old(ReadMark(marks): ReadMark) -> Self {
        Self { marks: marks.map(|(at, pieces)| Mark { at, pieces, again: None }), is_old: true }
    }

    /// Where it is; `None` where nothing was to be read so far.
    pub(in crate::host) fn mark(&self) -> Option<ReadMark> {
        let is_begun = self.marks.iter().any(|mark| mark.at != 0);
        is_begun.then(|| ReadMark(self.marks.map(|mark| (mark.at, mark.pieces))))
    }

    /// Tells once whether it is where an earlier session ended.
    pub(super) fn was_old(&mut self) -> bool {
        std::mem::take(&mut self.is_old)
    }

    /// Nothing that was written before that moment is wanted, if nothing was read so far.
    pub(in crate::host) fn begin_at(&mut self, at: i64) {
        if self.marks.iter().all(|mark| mark.at == 0) {
            self.marks = [Mark { at, ..Mark::default() }; 2];
        }
    }

    /// Takes the next piece of a stream. Tells whether it is new.
    pub(in crate::host) fn take(&mut self, stream: Stream, at: i64) -> bool {
        let mark = &mut self.marks[usize::from(stream == Stream::Err)];
        match mark.again {
            Some(_) if at < mark.at => return false,
            Some(left) if at == mark.at && left > 0 => {
                mark.again = Some(left - 1);
                return false;
            }
            _ => {}
        }
        let pieces = if at == mark.at { mark.pieces + 1 } else { 1 };
        *mark = Mark { at, pieces, again: None };
        true
    }
}

/// The cursors of a session's containers. Whoever reads a log holds its cursor. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Cursors(Arc<Mutex<BTreeMap<ContainerId, Arc<tokio::sync::Mutex<Cursor>>>>>);

impl Cursors {
    /// Those that go on where an earlier session ended.
    pub(in crate::host) fn go_on(&self, marks: BTreeMap<ContainerId, ReadMark>) {
        let old = |(id, mark)| (id, Arc::new(tokio::sync::Mutex::new(Cursor::old(mark))));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(marks.into_iter().map(old));
    }

    /// How far the log of a container was read that nobody reads now.
    pub(in crate::host) fn mark(&self, container: &ContainerId) -> Option<ReadMark> {
        self.of(container).try_lock().ok()?.mark()
    }

    /// That of one container.
    #[must_use]
    pub fn of(&self, container: &ContainerId) -> Arc<tokio::sync::Mutex<Cursor>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(container.clone()).or_default().clone()
    }

    /// The container is gone.
    pub(in crate::host) fn forget(&self, container: &ContainerId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(container);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    /// What of these pieces is new.
    fn new(cursor: &mut Cursor, pieces: &[(Stream, i64)]) -> Vec<bool> {
        pieces.iter().map(|(stream, at)| cursor.take(*stream, *at)).collect()
    }

    #[test]
    fn what_was_read_is_dropped_when_it_comes_again() {
        let (mut cursor, out, err) = (Cursor::default(), Stream::Out, Stream::Err);
        let read = [(out, 5 * SECOND), (out, 6 * SECOND), (out, 6 * SECOND), (err, 6 * SECOND - 1)];
        assert_eq!(new(&mut cursor, &read), [true; 4]);
        assert_eq!(cursor.rewind(), 5 * SECOND);
        assert_eq!(new(&mut cursor, &read), [false; 4]);
        // One more of the same moment, one of the other stream that is older than what was read of this one.
        assert_eq!(new(&mut cursor, &[(out, 6 * SECOND), (err, 6 * SECOND), (out, 7 * SECOND)]), [true; 3]);
    }

    #[test]
    fn a_clock_that_is_set_back_loses_nothing() {
        let mut cursor = Cursor::default();
        assert_eq!(new(&mut cursor, &[(Stream::Out, 9), (Stream::Out, 3), (Stream::Out, 4)]), [true; 3]);
    }

    #[test]
    fn a_later_session_goes_on_where_one_ended() {
        let mut cursor = Cursor::default();
        assert_eq!(cursor.mark(), None);
        new(&mut cursor, &[(Stream::Out, 5), (Stream::Out, 5), (Stream::Err, 3)]);
        let mut later = Cursor::old(cursor.mark().unwrap());
        later.begin_at(90 * SECOND);
        assert_eq!([later.was_old(), later.was_old()], [true, false]);
        later.rewind();
        let pieces = [(Stream::Out, 5), (Stream::Out, 5), (Stream::Out, 5), (Stream::Err, 3), (Stream::Err, 4)];
        assert_eq!(new(&mut later, &pieces), [false, false, true, false, true]);
    }

    #[test]
    fn what_is_older_than_the_beginning_is_not_wanted() {
        let mut cursor = Cursor::default();
        cursor.begin_at(5 * SECOND);
        assert_eq!(cursor.rewind(), 4 * SECOND);
        let pieces = [(Stream::Out, 5 * SECOND - 1), (Stream::Out, 5 * SECOND), (Stream::Err, 5 * SECOND + 1)];
        assert_eq!(new(&mut cursor, &pieces), [false, true, true]);
        cursor.begin_at(90 * SECOND);
        assert_eq!(cursor.rewind(), 4 * SECOND + 1, "it was begun before");
    }
}
