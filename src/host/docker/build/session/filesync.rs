//! The files of a build, as BuildKit asks for them: the protocol of fsutil. The list of all entries goes first; the engine, which
//! keeps what it got the last time, asks for those whose list entry is another.

use super::super::{
    context::{Context, Entry, EntryKind},
    follow,
    log::Log,
};
use crate::model::Digest;
use bollard_buildkit_proto::{
    fsutil::types::{Packet, Stat, packet::PacketType},
    moby::filesync::v1::file_sync_server::FileSync,
};
use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{
    sync::mpsc,
    task::{JoinHandle, spawn_blocking},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming, metadata::MetadataMap};

/// How many packets wait for the engine: with `CHUNK_BYTES`, all that is held of a context.
const QUEUE_PACKETS: usize = 64;
/// How much of a file goes in one packet. An old engine takes 4 MiB at most.
const CHUNK_BYTES: usize = 64 * 1024;
/// How many files are read at the same time.
const READERS: usize = 4;

/// The bits that Go's file modes have above the permissions.
const GO_FOLDER: u32 = 1 << 31;
const GO_LINK: u32 = 1 << 27;
const GO_DEVICE: u32 = 1 << 26;
const GO_FIFO: u32 = 1 << 25;
const GO_CHARACTER_DEVICE: u32 = 1 << 21;
const GO_SPECIAL: [(u32, u32); 3] = [(0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)];

/// What the files of one build are.
#[derive(Debug)]
pub(in super::super) struct Files {
    context: Context,
    /// The Dockerfile and what belongs to it: names with their texts.
    dockerfile: Vec<(String, Vec<u8>)>,
    log: Log,
    /// Why a file could not be sent.
    trouble: Mutex<Option<String>>,
}

impl Files {
    /// The files of one build.
    pub(in super::super) fn new(context: Context, dockerfile: Vec<(String, Vec<u8>)>, log: Log) -> Self {
        Self { context, dockerfile, log, trouble: Mutex::default() }
    }

    /// Why a file could not be sent, in the user's words.
    pub(in super::super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// How much of the context goes over: what a user can make less.
#[derive(Debug, Default)]
struct Sent {
    listed: AtomicU64,
    files: AtomicU64,
    bytes: AtomicU64,
}

impl Sent {
    fn report(&self, log: &Log) {
        let count = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let (listed, files, bytes) = (count(&self.listed), count(&self.files), count(&self.bytes));
        log.line(&format!("context: {files} of {listed} entries sent ({})", size(bytes)));
    }
}

/// Bytes as people read them.
pub(in super::super) fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    match UNITS.iter().find(|(_, unit)| bytes >= *unit) {
        // Tenths, in whole numbers.
        Some((name, unit)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} B"),
    }
}

/// The service.
#[derive(Debug, Clone)]
pub(super) struct Service(pub(super) Arc<Files>);

#[tonic::async_trait]
impl FileSync for Service {
    type DiffCopyStream = ReceiverStream<Result<Packet, Status>>;
    type TarStreamStream = ReceiverStream<Result<Packet, Status>>;

    async fn diff_copy(&self, request: Request<Streaming<Packet>>) -> Result<Response<Self::DiffCopyStream>, Status> {
        let source = self.source(request.metadata())?;
        let (out, packets) = mpsc::channel(QUEUE_PACKETS);
        let transfer = Transfer { files: self.0.clone(), asked: Arc::default(), sent: Arc::default(), out };
        tokio::spawn(transfer.run(source, request.into_inner()));
        Ok(Response::new(ReceiverStream::new(packets)))
    }

    async fn tar_stream(&self, _: Request<Streaming<Packet>>) -> Result<Response<Self::TarStreamStream>, Status> {
        Err(Status::unimplemented("files are sent by DiffCopy"))
    }
}

/// Where the entries of one request come from.
enum Source {
    Folder {
        context: Context,
        /// It is not only looked for `.dockerignore`, which orch knows already.
        is_context: bool,
    },
    Texts,
}

impl Service {
    /// What the engine asks for.
    fn source(&self, metadata: &MetadataMap) -> Result<Source, Status> {
        match values(metadata, "dir-name").first().map(String::as_str) {
            Some("dockerfile") => Ok(Source::Texts),
            Some("context") => {
                let mut context = self.0.context.clone();
                let root = context.root.clone();
                let (include, follow) = (values(metadata, "include-patterns"), values(metadata, "followpaths"));
                context.rules.extend(follow::only(&root, &include, &follow).map(Arc::new));
                context.rules.extend(follow::without(&root, values(metadata, "exclude-patterns")).map(Arc::new));
                Ok(Source::Folder { context, is_context: follow != [".dockerignore"] })
            }
            name => Err(Status::not_found(format!("no folder {name:?} in this build"))),
        }
    }
}

/// All values of a header. One that is not ASCII comes with its bytes escaped, and a second header that says so.
fn values(metadata: &MetadataMap, name: &str) -> Vec<String> {
    let is_encoded = metadata.contains_key(format!("{name}-encoded"));
    let texts = metadata.get_all(name).iter().filter_map(|value| value.to_str().ok());
    texts.map(|text| if is_encoded { unescape(text) } else { text.to_owned() }).collect()
}

/// Reads what Go's `url.QueryEscape` wrote.
fn unescape(text: &str) -> String {
    let pair = format!("x={text}");
    let read = serde_urlencoded::from_str::<Vec<(String, String)>>(&pair);
    read.ok().and_then(|pairs| pairs.into_iter().next()).map_or_else(|| text.to_owned(), |(_, value)| value)
}

/// One answer to the engine.
#[derive(Clone)]
struct Transfer {
    files: Arc<Files>,
    /// The files that the engine may ask for, by their number in the list.
    asked: Arc<Mutex<HashMap<u32, PathBuf>>>,
    sent: Arc<Sent>,
    out: mpsc::Sender<Result<Packet, Status>>,
}

impl Transfer {
    async fn run(self, source: Source, mut requests: Streaming<Packet>) {
        let is_folder = matches!(source, Source::Folder { .. });
        let is_context = matches!(source, Source::Folder { is_context: true, .. });
        let lister = self.clone();
        let listing = spawn_blocking(move || lister.list(source));
        let (wanted, readers) = if is_folder { self.readers() } else { (self.texts(), Vec::new()) };
        loop {
            let Ok(Some(packet)) = requests.message().await else { break };
            match packet.r#type() {
                PacketType::PacketReq => drop(wanted.send(packet.id)),
                PacketType::PacketFin => {
                    if is_context {
                        self.sent.report(&self.files.log);
                    }
                    self.out.send(Ok(of_type(PacketType::PacketFin))).await.ok();
                    break;
                }
                // The engine's own trouble, which its answer names.
                PacketType::PacketErr => break,
                PacketType::PacketStat | PacketType::PacketData => {}
            }
        }
        drop(wanted);
        drop(self.out);
        listing.await.ok();
        for reader in readers {
            reader.await.ok();
        }
    }

    /// Sends the list. Blocks.
    fn list(self, source: Source) {
        let mut number = 0;
        let result = match source {
            Source::Folder { context, .. } => context.walk(|entry| {
                self.sent.listed.fetch_add(1, Ordering::Relaxed);
                self.list_entry(entry, &mut number)
            }),
            Source::Texts => {
                self.files.dockerfile.iter().all(|(name, text)| self.list_entry(entry_of(name, text), &mut number));
                Ok(())
            }
        };
        match result {
            Ok(()) => drop(self.send(of_type(PacketType::PacketStat))),
            Err(unreadable) => self.fail(unreadable.to_string()),
        }
    }

    fn list_entry(&self, entry: Entry, number: &mut u32) -> bool {
        let Some(stat) = stat(&entry) else {
            let name = entry.path.to_string_lossy();
            self.files.log.line(&format!("warning: `{name}` is left out of the build: its name is no UTF-8"));
            return true;
        };
        if let EntryKind::File { .. } = entry.kind {
            self.lock().insert(*number, entry.path);
        }
        *number += 1;
        self.send(Packet { stat: Some(stat), ..of_type(PacketType::PacketStat) })
    }

    /// Threads that read the files whose numbers come through the channel.
    fn readers(&self) -> (std::sync::mpsc::Sender<u32>, Vec<JoinHandle<()>>) {
        let (wanted, numbers) = std::sync::mpsc::channel();
        let numbers = Arc::new(Mutex::new(numbers));
        let readers = (0..READERS).map(|_| {
            let (transfer, numbers) = (self.clone(), numbers.clone());
            spawn_blocking(move || {
                let next = || numbers.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
                let mut buffer = vec![0; CHUNK_BYTES];
                while let Some(number) = next() {
                    if !transfer.send_file(number, &mut buffer) {
                        break;
                    }
                }
            })
        });
        (wanted, readers.collect())
    }

    /// The same for texts.
    fn texts(&self) -> std::sync::mpsc::Sender<u32> {
        let (wanted, numbers) = std::sync::mpsc::channel::<u32>();
        let transfer = self.clone();
        spawn_blocking(move || {
            while let Ok(number) = numbers.recv() {
                let text = transfer.files.dockerfile.get(number as usize).map_or(&[][..], |(_, text)| text);
                let sent = text.chunks(CHUNK_BYTES).all(|chunk| transfer.send_chunk(number, chunk));
                if !sent || !transfer.send_chunk(number, &[]) {
                    break;
                }
            }
        });
        wanted
    }

    fn send_file(&self, number: u32, buffer: &mut [u8]) -> bool {
        let Some(path) = self.lock().remove(&number) else {
            self.fail(format!("the engine asked for the file {number}, which is not in the list"));
            return false;
        };
        let full = self.files.context.root.join(&path);
        self.sent.files.fetch_add(1, Ordering::Relaxed);
        match self.send_content(number, full.as_path(), buffer) {
            Ok(going) => going,
            // It went since it was listed; the save that took it away makes the next build.
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.send_chunk(number, &[]),
            Err(error) => {
                self.fail(format!("`{}` cannot be read: {error}", path.display()));
                false
            }
        }
    }

    fn send_content(&self, number: u32, path: &Path, buffer: &mut [u8]) -> io::Result<bool> {
        let mut file = File::open(path)?;
        loop {
            let length = match file.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                length => length?,
            };
            self.sent.bytes.fetch_add(length as u64, Ordering::Relaxed);
            // An empty packet ends the file.
            if !self.send_chunk(number, &buffer[..length]) {
                return Ok(false);
            }
            if length == 0 {
                return Ok(true);
            }
        }
    }

    fn send_chunk(&self, number: u32, data: &[u8]) -> bool {
        self.send(Packet { id: number, data: data.to_vec(), ..of_type(PacketType::PacketData) })
    }

    /// Whether anybody still listens.
    fn send(&self, packet: Packet) -> bool {
        self.out.blocking_send(Ok(packet)).is_ok()
    }

    fn fail(&self, text: String) {
        self.files.trouble.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| text.clone());
        self.send(Packet { data: text.into_bytes(), ..of_type(PacketType::PacketErr) });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u32, PathBuf>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn of_type(kind: PacketType) -> Packet {
    Packet { r#type: kind.into(), ..Packet::default() }
}

/// The entry of a text that is in no folder. The engine takes a file for the same as long as its size and time are.
fn entry_of(name: &str, text: &[u8]) -> Entry {
    let modified = Digest::of(text).0.iter().take(7).fold(0, |sum, byte| (sum << 8) | i64::from(*byte));
    let kind = EntryKind::File { size: text.len() as u64 };
    Entry { path: name.into(), kind, permissions: 0o644, modified }
}

/// An entry as the protocol has it; all belongs to root. `None` if its name cannot be told.
fn stat(entry: &Entry) -> Option<Stat> {
    let mut stat = Stat {
        path: entry.path.to_str()?.to_owned(),
        mode: entry.permissions & 0o777,
        mod_time: entry.modified,
        ..Stat::default()
    };
    for (unix, go) in GO_SPECIAL {
        stat.mode |= if entry.permissions & unix == 0 { 0 } else { go };
    }
    match &entry.kind {
        EntryKind::Folder => stat.mode |= GO_FOLDER,
        EntryKind::File { size } => stat.size = i64::try_from(*size).ok()?,
        EntryKind::HardLink(first) => first.to_str()?.clone_into(&mut stat.linkname),
        EntryKind::SymbolicLink(target) => {
            stat.mode |= GO_LINK;
            target.to_str()?.clone_into(&mut stat.linkname);
            stat.size = i64::try_from(stat.linkname.len()).ok()?;
        }
        EntryKind::Fifo => stat.mode |= GO_FIFO,
        EntryKind::Device { character, number } => {
            stat.mode |= GO_DEVICE | if *character { GO_CHARACTER_DEVICE } else { 0 };
            stat.devmajor = nix::libc::major(*number).into();
            stat.devminor = nix::libc::minor(*number).into();
        }
    }
    Some(stat)
}
