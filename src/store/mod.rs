//! What outlives a session, in one SQLite file: successes, digests of known files, what images were made of and what was changed
//! in containers, how far their output was read, ids, ended runs, the last rows shown.
//!
//! One thread writes; callers hand it work and wait only where they say so. What is committed survives the death of orch
//! (not always a loss of power). A file that cannot be used is set aside and begun anew, never fatal. The store holds no
//! project (secrets are in it), no logs and no events.

mod docker;
mod ids;
mod known;
mod packed;
mod queue;
mod records;
mod schema;
mod stored;
mod words;
mod work;

pub use docker::{MadeImage, ReadMark};
pub use known::KnownFiles;
pub use stored::StoreReader;

use crate::model::{
    ContainerId, Failure, ImageId, ImageKey, ImageRecord, InstanceId, KnownFile, Overlay, ResourceName, RunId, Success,
};
use ids::Ids;
use queue::{Queue, Work};
use rusqlite::Connection;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::{self, JoinHandle},
    time::SystemTime,
};

/// How many ended runs of a resource are kept.
pub const RUNS_KEPT: u32 = 20;

/// The store of a project, for its session. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    queue: Arc<Queue>,
    ids: Arc<Ids>,
    successes: BTreeMap<ResourceName, Success>,
    images: BTreeMap<ImageKey, Arc<ImageRecord>>,
    overlays: BTreeMap<ResourceName, Arc<Overlay>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Inner {
    fn close(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let ids = Arc::clone(&self.ids);
            self.queue.add(Work::new(move |connection| ids.give_back(connection)));
            self.queue.end();
            // A thread that panicked has said so already.
            thread.join().unwrap_or_default();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

impl Store {
    /// Opens the store in the folder `dir` (a project's `.orch`), which is made if it is not there. Gives also what there is
    /// to tell: a file that could not be used and was set aside.
    ///
    /// # Errors
    /// The folder or the file cannot be written.
    pub fn open(dir: &Path) -> Result<(Self, Vec<String>), Failure> {
        let mut notes = Vec::new();
        let path = schema::prepare_folder(dir)?;
        let (connection, begun) = schema::open(&path, &mut notes)?;
        let ids = Arc::new(Ids::new(begun.next_run, begun.next_instance));
        let queue = Arc::new(Queue::default());
        let reserving = Arc::clone(&ids);
        queue.add(Work::new(move |connection| reserving.reserve(connection)));
        let thread = work::start(connection, path.clone(), Arc::clone(&queue), Arc::clone(&ids))
            .map_err(|error| words::io("the store cannot be opened", &error))?;
        let thread = Mutex::new(Some(thread));
        let schema::Begun { successes, images, overlays, .. } = begun;
        let inner = Inner { path, queue, ids, successes, images, overlays, thread };
        Ok((Self { inner: Arc::new(inner) }, notes))
    }

    /// Opens the store to read what the last session left; `None` if there never was one.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn open_read_only(dir: &Path) -> Result<Option<StoreReader>, Failure> {
        StoreReader::open(&schema::store_path(dir))
    }

    /// The successes that were recorded when the store was opened.
    pub fn successes(&self) -> BTreeMap<ResourceName, Success> {
        self.inner.successes.clone()
    }

    /// Records a success, soon.
    pub fn remember(&self, name: &ResourceName, success: &Success) {
        let (name, success) = (name.clone(), success.clone());
        self.later(move |connection| records::remember(connection, &name, &success));
    }

    /// Voids the record of a success; returns when that survives the death of orch.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn forget(&self, name: &ResourceName) -> Result<(), Failure> {
        let name = name.clone();
        self.ask(move |connection| records::forget(connection, &name))
    }

    /// What the images were made of that were recorded when the store was opened.
    pub fn images(&self) -> BTreeMap<ImageKey, Arc<ImageRecord>> {
        self.inner.images.clone()
    }

    /// Records what an image was made of, soon. `now` is the wall clock.
    pub fn remember_image(&self, image: &ImageKey, record: &Arc<ImageRecord>, now: SystemTime) {
        let (image, record) = (image.clone(), Arc::clone(record));
        let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now_secs = since_1970.as_secs().cast_signed();
        self.later(move |connection| docker::remember_image(connection, &image, &record, now_secs));
    }

    /// All images that this project made and that were not forgotten since, the oldest first.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn made_images(&self) -> Result<Vec<MadeImage>, Failure> {
        self.ask(docker::made_images)
    }

    /// Forgets images that were removed, soon.
    pub fn forget_images(&self, gone: Vec<ImageId>) {
        self.later(move |connection| docker::forget_images(connection, &gone));
    }

    /// What had been changed in containers when the store was opened.
    pub fn overlays(&self) -> BTreeMap<ResourceName, Arc<Overlay>> {
        self.inner.overlays.clone()
    }

    /// Records what was changed in the containers of a resource; one of no container is forgotten. Returns when that survives the
    /// death of orch.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn remember_overlay(&self, name: &ResourceName, overlay: &Arc<Overlay>) -> Result<(), Failure> {
        let (name, overlay) = (name.clone(), Arc::clone(overlay));
        self.ask(move |connection| docker::remember_overlay(connection, &name, &overlay))
    }

    /// Records how far the output of a container was read, soon.
    pub fn remember_read(&self, container: &ContainerId, mark: ReadMark) {
        let container = container.clone();
        self.later(move |connection| docker::remember_read(connection, &container, mark));
    }

    /// How far the last session read the output of its containers; forgotten from then on.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn take_read(&self) -> Result<BTreeMap<ContainerId, ReadMark>, Failure> {
        self.ask(docker::take_read)
    }

    /// The first ids that no session used before.
    pub fn next_ids(&self) -> (RunId, InstanceId) {
        self.inner.ids.first()
    }

    /// Says that a run is about to get this id; returns when no later session can give it to another.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn use_run(&self, run: RunId) -> Result<(), Failure> {
        self.reserve(self.inner.ids.use_run(run))
    }

    /// Says that an instance is about to get this id; returns when no later session can give it to another.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn use_instance(&self, instance: InstanceId) -> Result<(), Failure> {
        self.reserve(self.inner.ids.use_instance(instance))
    }

    /// All files whose digests are known, in no order, read while they are asked for.
    pub fn known_files(&self) -> KnownFiles {
        KnownFiles::read(&self.inner.path, Arc::clone(&self.inner.queue))
    }

    /// Records known files and forgets others, when there is time.
    pub fn save_known_files(&self, known: Vec<KnownFile>, removed: Vec<crate::model::FilePath>) {
        known::save(&self.inner.queue, known, removed);
    }

    /// Records how a run ended; the last [`RUNS_KEPT`] of a resource are kept.
    pub fn record_run(&self, name: &ResourceName, run: RunId, json: String) {
        let name = name.clone();
        self.later(move |connection| records::record_run(connection, &name, run, &json));
    }

    /// The runs of a resource that were recorded, newest first.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn runs(&self, name: &ResourceName) -> Result<Vec<String>, Failure> {
        let name = name.clone();
        self.ask(move |connection| records::runs(connection, &name))
    }

    /// Records the last rows shown of resources, and removes those of others.
    pub fn save_rows(&self, rows: Vec<(ResourceName, String)>, removed: Vec<ResourceName>) {
        self.later(move |connection| records::save_rows(connection, &rows, &removed));
    }

    /// The last rows shown.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn rows(&self) -> Result<BTreeMap<ResourceName, String>, Failure> {
        self.ask(records::rows)
    }

    /// Records what is to be known of this session once it is over.
    pub fn save_session(&self, json: String) {
        self.later(move |connection| records::save_session(connection, &json));
    }

    /// What was recorded of the last session, or of this one.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn session(&self) -> Result<Option<String>, Failure> {
        self.ask(records::session)
    }

    /// Waits until all that was handed over is written.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn flush(&self) -> Result<(), Failure> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.inner
            .queue
            .add_bulk(Work::answered(|_| Ok(()), move |result| sender.try_send(result).unwrap_or_default()));
        receiver.recv().unwrap_or(Ok(()))
    }

    /// What went wrong since the last time this was asked, in the user's words.
    pub fn notes(&self) -> Vec<String> {
        self.inner.queue.take_notes()
    }

    /// Writes all that was handed over and closes the file. What is handed over later is lost.
    pub fn close(&self) {
        self.inner.close();
    }

    fn later(&self, work: impl Fn(&Connection) -> rusqlite::Result<()> + Send + 'static) {
        self.inner.queue.add(Work::new(work));
    }

    fn ask<T: Send + 'static>(
        &self,
        question: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let (answers, answer) = mpsc::sync_channel(4);
        let (ends, end) = mpsc::sync_channel(1);
        let work = move |connection: &Connection| {
            // Asked again after an error, only the last answer counts.
            answers.try_send(question(connection)?).unwrap_or_default();
            Ok(())
        };
        self.inner.queue.add(Work::answered(work, move |result| ends.try_send(result).unwrap_or_default()));
        let closed = || Failure { message: "the store is closed".into(), help: None };
        end.recv().map_err(|_| closed())??;
        answer.try_iter().last().ok_or_else(closed)
    }

    fn reserve(&self, wanted: ids::Wanted) -> Result<(), Failure> {
        let ids = Arc::clone(&self.inner.ids);
        match wanted {
            ids::Wanted::Nothing => Ok(()),
            ids::Wanted::Soon => {
                self.later(move |connection| ids.reserve(connection));
                Ok(())
            }
            ids::Wanted::Now => self.ask(move |connection| ids.reserve(connection)),
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.inner.path).finish_non_exhaustive()
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.into()).spawn(run)
}
