//! Watching: which files of the watch set were written, made, moved or removed. It tells of paths and never of contents:
//! what a file holds is asked of [`files`](super::files), and what a change means the engine decides.
//!
//! A thread of its own keeps one kernel watch for each folder that some set reaches into, and for the folders that lead to
//! the roots. A folder is first watched and then listed, so that nothing falls between. Folders that all sets leave out are
//! neither walked nor watched. Links to folders are not followed, except where a root is one; a file behind a link is
//! watched as the link alone. Where the kernel has no more watches, folders are polled.

mod batch;
mod git;
mod interest;
mod kernel;
mod names;
mod poll;
mod tree;
mod visit;

pub use git::git_dirs_of;

use crate::model::{Failure, FilePath, Level, WatchSet};
use batch::Batch;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};
use tree::Tree;

/// What the watcher has to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchNews {
    /// These were written, made, moved or removed; or may have been. Each is in a set of the watch set.
    Changed(Vec<FilePath>),
    /// Whether one of the watched repositories has an `index.lock`; told when it changes.
    GitLock(bool),
    /// The set given last is now watched. What changed before that, since the moment given, was told before.
    Established,
    /// Something that the user should know.
    Notice {
        /// How important it is.
        level: Level,
        /// One line.
        text: String,
    },
}

/// How much a watcher may ask of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many folders the kernel may be asked to watch; the kernel's own limit comes on top.
    pub watches_max: usize,
    /// The least time between two looks at folders that the kernel does not watch.
    pub poll_period: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { watches_max: usize::MAX, poll_period: Duration::from_secs(1) }
    }
}

/// Watches files until it is dropped. One is enough for a session, and the system allows few.
#[derive(Debug)]
pub struct Watcher {
    inbox: Sender<Input>,
    watches: Arc<AtomicUsize>,
}

/// What the watcher's thread hears.
#[derive(Debug)]
enum Input {
    /// From the kernel.
    Event(notify::Event),
    /// Events were lost.
    Rescan,
    /// Watch this, and tell what changed since.
    Set(Arc<WatchSet>, SystemTime),
    /// The watcher is gone.
    End,
}

impl Watcher {
    /// Starts a watcher that watches nothing yet. `sink` is called from the watcher's own thread.
    pub fn start(sink: impl Fn(WatchNews) + Send + 'static) -> Result<Self, Failure> {
        Self::start_within(Limits::default(), sink)
    }

    /// Starts a watcher that keeps to `limits`.
    pub fn start_within(limits: Limits, sink: impl Fn(WatchNews) + Send + 'static) -> Result<Self, Failure> {
        let (inbox, heard) = mpsc::channel();
        let watches = Arc::new(AtomicUsize::new(0));
        let (own_inbox, own_watches) = (inbox.clone(), Arc::clone(&watches));
        let run = move || {
            let tree = Tree::new(kernel::Kernel::new(own_inbox, limits.watches_max, own_watches), limits.poll_period);
            Worker { tree, heard, sink, quiet_at: now(), told_at: None }.run();
        };
        let started = thread::Builder::new().name("watch".to_owned()).spawn(run);
        started.map(|_| Self { inbox, watches }).map_err(|error| Failure {
            message: format!("cannot start the thread that watches files: {error}"),
            help: Some("raise the number of processes that this user may have (`ulimit -u`)".to_owned()),
        })
    }

    /// Watches exactly `set` from now on, and tells what of the newly watched changed since `since`. Returns at once.
    pub fn set(&self, set: Arc<WatchSet>, since: SystemTime) {
        self.tell(Input::Set(set, since));
    }

    /// Looks at all that is watched again, as it does by itself when the kernel lost events.
    pub fn rescan(&self) {
        self.tell(Input::Rescan);
    }

    /// How many folders the kernel watches.
    #[must_use]
    pub fn watches(&self) -> usize {
        self.watches.load(Ordering::Relaxed)
    }

    fn tell(&self, input: Input) {
        // The thread ends before the watcher only if it panicked.
        drop(self.inbox.send(input));
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.tell(Input::End);
    }
}

/// So many events are handled before what they say is told.
const BATCH_MAX: usize = 4096;
/// For how long after news the next ones are gathered.
const GATHERING: Duration = Duration::from_millis(2);
/// Between a loss of events and the word of it, no more time goes by than this.
const LOSS_DELAY_MAX: Duration = Duration::from_secs(2);

/// The watcher's thread.
struct Worker<Sink> {
    tree: Tree,
    heard: Receiver<Input>,
    sink: Sink,
    /// When nothing was left to be heard.
    quiet_at: SystemTime,
    /// When something was told last.
    told_at: Option<Instant>,
}

impl<Sink: Fn(WatchNews)> Worker<Sink> {
    fn run(mut self) {
        while let Ok(first) = self.next() {
            let inputs = self.gather(first);
            let mut batch = Batch::default();
            let mut lost = false;
            for input in inputs {
                match input {
                    Input::Event(event) => self.tree.on_event(&event, &mut batch),
                    Input::Rescan => lost = true,
                    Input::Set(set, since) => {
                        self.tree.set(&set, since, &mut batch);
                        self.flush(&mut batch);
                        (self.sink)(WatchNews::Established);
                    }
                    Input::End => return,
                }
            }
            if lost {
                self.tree.rescan(self.quiet_at - LOSS_DELAY_MAX, &mut batch);
            }
            self.tree.poll_if_due(instant, &mut batch);
            self.flush(&mut batch);
        }
    }

    /// What is heard next; nothing when it is time to poll.
    fn next(&mut self) -> Result<Option<Input>, RecvTimeoutError> {
        if let Ok(input) = self.heard.try_recv() {
            return Ok(Some(input));
        }
        self.quiet_at = now();
        let Some(at) = self.tree.next_poll() else {
            return self.heard.recv().map(Some).map_err(|_| RecvTimeoutError::Disconnected);
        };
        match self.heard.recv_timeout(at.saturating_duration_since(instant())) {
            Err(RecvTimeoutError::Timeout) => Ok(None),
            other => other.map(Some),
        }
    }

    /// What there is to be heard with `first`. News after a pause are told at once; those that follow are gathered for a
    /// moment, so that a burst is told in few pieces.
    fn gather(&self, first: Option<Input>) -> Vec<Input> {
        let until = self.told_at.map(|told_at| told_at + GATHERING);
        let mut inputs: Vec<Input> = first.into_iter().collect();
        while !inputs.is_empty() && inputs.len() < BATCH_MAX {
            let left = until.map_or(Duration::ZERO, |until| until.saturating_duration_since(instant()));
            match self.heard.recv_timeout(left) {
                Ok(input) => inputs.push(input),
                Err(_) => break,
            }
        }
        inputs
    }

    fn flush(&mut self, batch: &mut Batch) {
        let news = std::mem::take(batch).into_news();
        if !news.is_empty() {
            self.told_at = Some(instant());
        }
        news.into_iter().for_each(&self.sink);
    }
}

#[expect(clippy::disallowed_methods, reason = "compared with the times of files, which are wall times")]
fn now() -> SystemTime {
    SystemTime::now()
}

#[expect(clippy::disallowed_methods, reason = "says when to look again at what the kernel does not watch")]
fn instant() -> Instant {
    Instant::now()
}
