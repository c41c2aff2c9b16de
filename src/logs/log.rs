//! One log: its segments, and the streams that write it.

use super::{
    LogName,
    active::Active,
    clock,
    cursor::{Bounds, Cursor, Window},
    folder::folder_name,
    line::Stream,
    record::Mark,
    segment::{self, SegmentPath},
    shared::Shared,
    tail::Tail,
};
use crate::model::{Attempt, Level};
use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// How much is gathered in memory before it is written.
const CHUNK: usize = 64 << 10;
/// How much is kept in memory when it cannot be written.
const UNWRITABLE: usize = 2 * CHUNK;

/// A log that this session may write.
pub(super) struct Log {
    pub name: LogName,
    pub folder: PathBuf,
    id: u64,
    /// Where the lines of this session begin.
    pub origin: Cursor,
    written: AtomicU64,
    state: Mutex<State>,
}

struct State {
    closed: VecDeque<Closed>,
    active: Active,
    tails: Vec<Tail>,
    /// Whether the keeper will look at it.
    scheduled: bool,
    /// Whether the last attempt to write failed.
    failing: bool,
}

/// A segment that is not written any more.
struct Closed {
    number: u64,
    bytes: u64,
    until: u64,
}

impl Log {
    /// Finds what earlier sessions left of a log, and mends what a kill tore. Gives also how many bytes it has on disk.
    pub(super) fn load(name: LogName, dir: &Path, id: u64) -> (Self, u64) {
        let folder = dir.join(folder_name(&name));
        let numbers = segment::numbers(&folder);
        segment::remove_orphans(&folder, &numbers);
        let active = resumed(&folder, numbers.iter().copied());
        let closed = numbers.into_iter().filter(|number| *number != active.number);
        let closed: VecDeque<Closed> = closed.map(|number| measured(&folder, number)).collect();
        let bytes = closed.iter().map(|segment| segment.bytes).sum::<u64>() + active.bytes_on_disk();
        let origin = active.end();
        let state = State { closed, active, tails: Vec::new(), scheduled: false, failing: false };
        (Self { name, folder, id, origin, written: AtomicU64::new(0), state: Mutex::new(state) }, bytes)
    }

    /// Takes bytes of a stream.
    pub(super) fn write(
        self: &Arc<Self>,
        shared: &Shared,
        (writer, attempt): (u64, Option<Attempt>),
        stream: Stream,
        bytes: &[u8],
    ) {
        let redactor = shared.redactor();
        let mut state = self.lock();
        let now = clock::now();
        let place = state.tails.iter().position(|tail| (tail.writer, tail.stream) == (writer, stream));
        let mut tail = match place {
            Some(place) => state.tails.swap_remove(place),
            None => Tail::new(writer, attempt, stream, None),
        };
        let longest = shared.longest_piece();
        tail.write(now, bytes, redactor.as_deref(), longest, &mut |mark, text, begins, ends| {
            self.append(&mut state, shared, mark, text, begins, ends);
        });
        state.tails.push(tail);
        self.tell(&mut state, shared, now);
    }

    /// Writes a line of orch's own.
    pub(super) fn say(self: &Arc<Self>, shared: &Shared, attempt: Option<Attempt>, level: Level, text: &str) {
        let redactor = shared.redactor();
        let text = redactor.as_ref().map_or(text.into(), |redactor| redactor.redact_text(text));
        let mut state = self.lock();
        let now = clock::now();
        let longest = shared.longest_piece();
        let mut append = |mark: Mark, text: &[u8], begins: bool, ends: bool| {
            self.append(&mut state, shared, mark, text, begins, ends);
        };
        for line in text.split('\n') {
            let mut tail = Tail::new(0, attempt, Stream::Orch, Some(level));
            tail.write(now, line.as_bytes(), None, longest, &mut append);
            tail.write(now, b"\n", None, longest, &mut append);
        }
        self.tell(&mut state, shared, now);
    }

    /// Ends the lines that a writer left unfinished.
    pub(super) fn close_writer(self: &Arc<Self>, shared: &Shared, writer: u64) {
        let mut state = self.lock();
        let (closing, others) = std::mem::take(&mut state.tails).into_iter().partition(|tail| tail.writer == writer);
        state.tails = others;
        self.close_tails(&mut state, shared, closing);
    }

    /// Ends all lines that are unfinished and writes all to disk.
    pub(super) fn close(self: &Arc<Self>, shared: &Shared) {
        let mut state = self.lock();
        let closing = std::mem::take(&mut state.tails);
        self.close_tails(&mut state, shared, closing);
        self.flush(&mut state, shared);
    }

    /// Writes to disk what is gathered, and shows lines that stand unfinished. Gives whether it has to be called again.
    pub(super) fn tick(&self, shared: &Shared) -> bool {
        let mut state = self.lock();
        let now = clock::now();
        let mut tails = std::mem::take(&mut state.tails);
        for tail in &mut tails {
            tail.show_unfinished(now, &mut |mark, text, begins, ends| {
                self.append(&mut state, shared, mark, text, begins, ends);
                shared.notice.tell(now);
            });
        }
        state.scheduled = tails.iter().any(Tail::is_unfinished);
        state.tails = tails;
        self.flush(&mut state, shared);
        state.scheduled
    }

    /// Writes to disk what is gathered.
    pub(super) fn write_out(&self, shared: &Shared) {
        self.flush(&mut self.lock(), shared);
    }

    /// The place behind the last line.
    pub(super) fn end(&self) -> Cursor {
        self.lock().active.end()
    }

    /// Counts the lines of this session.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// Reads on from `cursor`, from disk and then from memory.
    pub(super) fn read(&self, cursor: &mut Cursor, budget: usize, window: &mut Window) {
        loop {
            let has_read = cursor.read(&self.name, &self.folder, self.bounds(), budget, window);
            let state = self.lock();
            let is_in_memory = cursor.number == state.active.number && cursor.record >= state.active.flushed().0;
            if is_in_memory {
                state.active.read(cursor, &self.name, budget, window);
            }
            if has_read || is_in_memory {
                return;
            }
        }
    }

    /// When the last line of the oldest segment came; `None` if nothing is on disk.
    pub(super) fn oldest_until(&self) -> Option<u64> {
        let state = self.lock();
        let active = (state.active.bytes_on_disk() > 0 && !state.failing).then_some(state.active.until);
        state.closed.front().map(|segment| segment.until).or(active)
    }

    /// Drops the oldest segment, also if it is the only one. Tells whether that freed anything.
    pub(super) fn drop_oldest(&self, shared: &Shared) -> bool {
        let mut state = self.lock();
        let mut header = 0;
        if state.closed.is_empty() {
            self.roll(&mut state, shared);
            // The new segment's header is what still tells how many lines there were.
            let State { active, .. } = &mut *state;
            let written = active.write(&shared.files, self.id, &self.name, &self.folder);
            if let Some(bytes) = shared.note(written) {
                shared.grew(bytes);
                header = bytes;
            }
        }
        let freed = state.closed.front().is_some_and(|segment| segment.bytes > header);
        self.remove_oldest(&mut state, shared);
        freed
    }

    pub(super) fn bounds(&self) -> Bounds {
        let state = self.lock();
        let newest = state.active.number;
        let oldest = state.closed.front().map_or(newest, |segment| segment.number);
        let (flushed, flushed_bytes) = state.active.flushed();
        Bounds { oldest, newest, flushed, flushed_bytes }
    }

    fn close_tails(self: &Arc<Self>, state: &mut State, shared: &Shared, closing: Vec<Tail>) {
        let (now, redactor, longest) = (clock::now(), shared.redactor(), shared.longest_piece());
        for tail in closing {
            tail.close(now, redactor.as_deref(), longest, &mut |mark, text, begins, ends| {
                self.append(state, shared, mark, text, begins, ends);
            });
        }
        self.tell(state, shared, now);
    }

    /// Followers are told under the lock: whoever clears `scheduled` wakes them afterwards, so that none is forgotten.
    fn tell(self: &Arc<Self>, state: &mut State, shared: &Shared, now: u64) {
        shared.notice.tell(now);
        if !state.scheduled {
            state.scheduled = true;
            shared.pending.add(Arc::clone(self));
        }
    }

    fn append(&self, state: &mut State, shared: &Shared, mark: Mark, text: &[u8], begins: bool, ends: bool) {
        if !state.active.has_room(text.len() + 1, shared.limits.segment) {
            self.roll(state, shared);
        }
        state.active.push(mark, text, begins, ends);
        self.written.fetch_add(1, Ordering::Release);
        if state.active.buffered() >= if state.failing { UNWRITABLE } else { CHUNK } {
            self.flush(state, shared);
        }
    }

    fn flush(&self, state: &mut State, shared: &Shared) {
        let flushed = state.active.flush(&shared.files, self.id, &self.name, &self.folder);
        state.failing = flushed.is_err();
        match shared.note(flushed) {
            Some(bytes) => shared.grew(bytes),
            None if state.active.buffered() >= UNWRITABLE => self.start_segment(state, shared),
            None => {}
        }
        let closed = |state: &State| state.closed.iter().map(|segment| segment.bytes).sum::<u64>();
        while !state.closed.is_empty() && closed(state) + state.active.bytes_on_disk() > shared.limits.resource {
            self.remove_oldest(state, shared);
        }
    }

    /// Ends the active segment.
    fn roll(&self, state: &mut State, shared: &Shared) {
        self.flush(state, shared);
        self.start_segment(state, shared);
    }

    fn start_segment(&self, state: &mut State, shared: &Shared) {
        let next = state.active.next();
        let ended = std::mem::replace(&mut state.active, next);
        shared.files.forget(self.id);
        if ended.bytes_on_disk() > 0 {
            let (number, bytes, until) = (ended.number, ended.bytes_on_disk(), ended.until);
            state.closed.push_back(Closed { number, bytes, until });
        }
    }

    fn remove_oldest(&self, state: &mut State, shared: &Shared) {
        if let Some(segment) = state.closed.pop_front() {
            SegmentPath::new(&self.folder, segment.number).remove();
            shared.shrank(segment.bytes);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The segment to write on in: the newest, or a new one behind it if that cannot be used.
fn resumed(folder: &Path, numbers: impl DoubleEndedIterator<Item = u64>) -> Active {
    let mut numbers = numbers.rev().peekable();
    let newest = numbers.peek().copied();
    let readable = numbers.find_map(|number| Some((number, segment::content(&SegmentPath::new(folder, number)).ok()?)));
    match (newest, readable) {
        (None, _) => Active::new(1, 0),
        (Some(newest), None) => Active::new(newest + 1, 0),
        (Some(newest), Some((number, content))) => {
            let resumed = Active::resume(number, &content);
            let is_usable = number == newest && segment::repair(&SegmentPath::new(folder, number), &content).is_ok();
            if is_usable { resumed } else { Active::new(newest + 1, resumed.next().first_line) }
        }
    }
}

fn measured(folder: &Path, number: u64) -> Closed {
    let (bytes, until) = SegmentPath::new(folder, number).measure();
    Closed { number, bytes, until }
}
