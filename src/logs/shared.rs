//! What all logs of a session share: limits, open files, secrets, and the list of those that have something to do.

use super::{Limits, LogName, files::OpenFiles, folder::log_name, log::Log, notice::Notice, redact::Redactor};
use crate::model::Secret;
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

/// The state that writers, followers and the keeper share.
pub(super) struct Shared {
    pub dir: PathBuf,
    pub limits: Limits,
    pub files: OpenFiles,
    pub notice: Notice,
    pub pending: Pending,
    logs: RwLock<BTreeMap<LogName, Arc<Log>>>,
    log_count: AtomicUsize,
    ids: AtomicU64,
    total: AtomicU64,
    secrets: Mutex<Vec<Secret>>,
    has_secrets: AtomicBool,
    redactor: RwLock<Option<Arc<Redactor>>>,
    trimming: Mutex<()>,
    trouble: Mutex<Option<String>>,
}

impl Shared {
    pub(super) fn new(dir: &Path, limits: Limits) -> Self {
        let segment = limits.segment.min(limits.resource / 4).clamp(1, u64::from(u32::MAX) / 2);
        Self {
            dir: dir.to_owned(),
            limits: Limits { segment, ..limits },
            files: OpenFiles::default(),
            notice: Notice::default(),
            pending: Pending::default(),
            logs: RwLock::default(),
            log_count: AtomicUsize::new(0),
            ids: AtomicU64::new(1),
            total: AtomicU64::new(0),
            secrets: Mutex::default(),
            has_secrets: AtomicBool::new(false),
            redactor: RwLock::default(),
            trimming: Mutex::default(),
            trouble: Mutex::default(),
        }
    }

    /// A number that nothing else of this session has.
    pub(super) fn new_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    /// A piece of a line is not longer than this.
    pub(super) fn longest_piece(&self) -> usize {
        usize::try_from(self.limits.segment / 2).unwrap_or(usize::MAX).max(1)
    }

    /// The log of that name, found on disk or begun.
    pub(super) fn log(&self, name: &LogName) -> Arc<Log> {
        if let Some(log) = self.logs.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Arc::clone(log);
        }
        let mut logs = self.logs.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(log) = logs.get(name) {
            return Arc::clone(log);
        }
        let (log, bytes) = Log::load(name.clone(), &self.dir, self.new_id());
        let log = Arc::new(log);
        logs.insert(name.clone(), Arc::clone(&log));
        self.grew(bytes);
        self.log_count.store(logs.len(), Ordering::Release);
        log
    }

    /// Finds all logs that are on disk.
    pub(super) fn find_all(&self) {
        for name in names(&self.dir) {
            self.log(&name);
        }
    }

    pub(super) fn logs(&self) -> Vec<Arc<Log>> {
        self.logs.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub(super) fn log_count(&self) -> usize {
        self.log_count.load(Ordering::Acquire)
    }

    /// More bytes are on disk.
    pub(super) fn grew(&self, bytes: u64) {
        self.total.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Fewer bytes are on disk.
    pub(super) fn shrank(&self, bytes: u64) {
        self.total.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Drops the oldest segments of all until the project is within its limit.
    pub(super) fn trim(&self) {
        // One at a time: two would drop more than is needed.
        let _turn = self.trimming.lock().unwrap_or_else(PoisonError::into_inner);
        let mut logs = self.logs();
        while self.total.load(Ordering::Relaxed) > self.limits.project {
            let ends = logs.iter().enumerate().filter_map(|(place, log)| Some((log.oldest_until()?, place)));
            let Some((_, place)) = ends.min() else { return };
            // A log that has nothing left but its header is left alone.
            if !logs[place].drop_oldest(self) {
                logs.swap_remove(place);
            }
        }
    }

    /// Keeps in mind the first thing that went wrong.
    pub(super) fn note<T>(&self, result: io::Result<T>) -> Option<T> {
        let error = match result {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble.is_none() {
            let dir = self.dir.display();
            *trouble =
                Some(format!("logs cannot be written to `{dir}` ({error}); only the newest lines are kept, in memory"));
        }
        None
    }

    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Hides a value from now on.
    pub(super) fn add_secret(&self, secret: &Secret) {
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        if secrets.contains(secret) {
            return;
        }
        secrets.push(secret.clone());
        let redactor = Redactor::new(&*secrets).map(Arc::new);
        self.has_secrets.store(redactor.is_some(), Ordering::Release);
        *self.redactor.write().unwrap_or_else(PoisonError::into_inner) = redactor;
    }

    /// What hides secrets; `None`, at no cost, when there are none.
    pub(super) fn redactor(&self) -> Option<Arc<Redactor>> {
        if !self.has_secrets.load(Ordering::Acquire) {
            return None;
        }
        self.redactor.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The logs that are on disk.
#[expect(clippy::disallowed_methods, reason = "the folders of logs are owned here")]
pub(super) fn names(dir: &Path) -> Vec<LogName> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut names: Vec<LogName> = entries.filter_map(|entry| log_name(&entry.ok()?.path())).collect();
    names.sort();
    names
}

/// Logs that wait for the keeper.
#[derive(Default)]
pub(super) struct Pending {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    logs: Vec<Arc<Log>>,
    ended: bool,
}

impl Pending {
    pub(super) fn add(&self, log: Arc<Log>) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.logs.push(log);
        if queue.logs.len() == 1 {
            self.changed.notify_all();
        }
    }

    /// No more work is wanted.
    pub(super) fn end(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.changed.notify_all();
    }

    /// Waits until a log has something to do, gives it `tick` to gather more, and takes all; `None` at the end.
    pub(super) fn take(&self, tick: Duration) -> Option<Vec<Arc<Log>>> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let is_idle = |queue: &mut Queue| queue.logs.is_empty() && !queue.ended;
        let queue = self.changed.wait_while(queue, is_idle).unwrap_or_else(PoisonError::into_inner);
        let goes_on = |queue: &mut Queue| !queue.ended;
        let waited = self.changed.wait_timeout_while(queue, tick, goes_on).unwrap_or_else(PoisonError::into_inner);
        let mut queue = waited.0;
        (!queue.ended).then(|| std::mem::take(&mut queue.logs))
    }
}
