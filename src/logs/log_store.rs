//! All logs of a project, for the session that writes them.

use super::{Follower, From, Limits, LogName, LogReader, LogWriter, Redactor, keeper::keep, shared::Shared};
use crate::model::{Attempt, Level, ResourceName, Secret};
use std::{
    fs, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

/// The logs of a project. Cheap to clone; only one session may have them open.
#[derive(Clone)]
pub struct LogStore {
    keeper: Arc<Keeper>,
}

/// Ends the keeper's thread with the last clone of the store and of its writers.
struct Keeper {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.shared.pending.end();
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        // A keeper that panicked has said so already, and the lines are written all the same.
        thread.map_or(Ok(()), JoinHandle::join).unwrap_or_default();
        self.shared.logs().iter().for_each(|log| log.close(&self.shared));
        self.shared.notice.close();
    }
}

impl LogStore {
    /// Opens the logs in the folder `dir`, which is made if it is not there. Logs of earlier sessions are continued, and what
    /// a kill tore is cut off.
    pub fn open(dir: &Path, limits: Limits) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let shared = Arc::new(Shared::new(dir, limits));
        let kept = Arc::clone(&shared);
        let thread = thread::Builder::new().name("logs".into()).spawn(move || keep(&kept))?;
        Ok(Self { keeper: Arc::new(Keeper { shared, thread: Mutex::new(Some(thread)) }) })
    }

    /// A writer of what a run or an instance prints.
    #[must_use]
    pub fn writer(&self, log: &LogName, attempt: Option<Attempt>) -> LogWriter {
        LogWriter::new(self.clone(), log, attempt)
    }

    /// Writes a line of orch's own (several, where `text` has newlines).
    pub fn say(&self, log: &LogName, attempt: Option<Attempt>, level: Level, text: &str) {
        let shared = self.shared();
        shared.log(log).say(shared, attempt, level, text);
    }

    /// Replaces the value of `secret` by `[redacted NAME]` in all that is written from now on; see [`super::redact`].
    pub fn redact(&self, secret: &Secret) {
        self.shared().add_secret(secret);
    }

    /// What redacts all secrets so far, for what is shown elsewhere; `None` when there are none.
    #[must_use]
    pub fn redactor(&self) -> Option<Arc<Redactor>> {
        self.shared().redactor()
    }

    /// Follows the logs of these resources, or all logs, the session's own included.
    #[must_use]
    pub fn follow(&self, names: Option<Vec<ResourceName>>, from: From) -> Follower {
        Follower::new(Arc::clone(self.shared()), names, from)
    }

    /// Reads what has been said until now.
    #[must_use]
    pub fn reader(&self) -> LogReader {
        self.flush();
        LogReader::new(&self.shared().dir)
    }

    /// Writes to disk all that is gathered in memory.
    pub fn flush(&self) {
        let shared = self.shared();
        shared.logs().iter().for_each(|log| log.write_out(shared));
        // The keeper looks at the limits after its own writing alone.
        shared.trim();
    }

    /// Ends all unfinished lines, writes all to disk, and lets followers end once they have read it.
    pub fn close(&self) {
        let shared = self.shared();
        shared.logs().iter().for_each(|log| log.close(shared));
        shared.notice.close();
    }

    /// What keeps logs from being written, in the user's words, if something did. The session's log has it too.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.shared().trouble()
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.keeper.shared
    }
}

impl std::fmt::Debug for LogStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogStore").field("dir", &self.shared().dir).finish_non_exhaustive()
    }
}
