//! What lies at one path: its kind, the stamp that tells whether it is still the same, and the digest of its content.

use crate::model::{Digest, FilePath, KnownFile};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{ErrorKind, Read},
    os::unix::{
        ffi::OsStrExt,
        fs::{FileTypeExt, MetadataExt, OpenOptionsExt},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The kernel stamps files with a clock that ticks each 4 to 10 ms: two moments closer than this are not told apart.
pub(in crate::host) const CLOCK_TICK: Duration = Duration::from_millis(20);

/// What tells, without reading it, that a file has the content it had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::host) struct Stamp {
    mtime_ns: i64,
    ctime_ns: i64,
    size: u64,
    inode: u64,
}

impl Stamp {
    pub(in crate::host) fn of(metadata: &Metadata) -> Self {
        let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
        Self {
            mtime_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            ctime_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
            size: metadata.size(),
            inode: metadata.ino(),
        }
    }

    pub(super) fn of_known(known: &KnownFile) -> Self {
        Self { mtime_ns: known.mtime_ns, ctime_ns: known.ctime_ns, size: known.size, inode: known.inode }
    }

    pub(super) fn known(self, path: FilePath, digest: Digest) -> KnownFile {
        let Self { mtime_ns, ctime_ns, size, inode } = self;
        KnownFile { path, mtime_ns, ctime_ns, size, inode, digest }
    }

    /// Whether nothing was written to the file, nor its status changed, at `moment` or later.
    pub(in crate::host) fn is_older_than(self, moment: SystemTime) -> bool {
        let moment = moment.checked_sub(CLOCK_TICK).and_then(|moment| moment.duration_since(UNIX_EPOCH).ok());
        moment.is_some_and(|moment| i128::from(self.ctime_ns) < i128::try_from(moment.as_nanos()).unwrap_or(i128::MAX))
    }

    /// Whether `after`, taken of the open file, is still this one. The stamp of a link counts the link's own ctime too.
    fn holds(self, after: Self) -> bool {
        Self { ctime_ns: self.ctime_ns, ..after } == self && after.ctime_ns <= self.ctime_ns
    }

    /// A digest that changes with the content as far as can be told without reading it.
    fn digest(self) -> Digest {
        let Self { mtime_ns, ctime_ns: _, size, inode } = self;
        Digest::of_parts([b"unreadable".as_slice(), &mtime_ns.to_le_bytes(), &size.to_le_bytes(), &inode.to_le_bytes()])
    }
}

/// What lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A folder itself, not a link to one.
    Folder,
    /// A regular file, maybe behind links: its content must be read, unless its stamp is known.
    File,
    /// Anything else has its digest without reading.
    Other(Digest),
}

/// Looks at `path` without opening it; `None` where nothing is.
pub(super) fn look(path: &FilePath) -> Option<(Kind, Stamp)> {
    fs::symlink_metadata(path).ok().map(|metadata| look_at(path, &metadata))
}

/// As [`look`], where the metadata of what is at `path`, links not followed, is there already.
pub(super) fn look_at(path: &FilePath, metadata: &Metadata) -> (Kind, Stamp) {
    let kind = metadata.file_type();
    let found = if kind.is_symlink() {
        return look_through(path, Stamp::of(metadata));
    } else if kind.is_dir() {
        Kind::Folder
    } else if kind.is_file() {
        Kind::File
    } else {
        Kind::Other(digest_of_kind(metadata))
    };
    (found, Stamp::of(metadata))
}

/// A link to a folder counts by its text, so that a tree that lies elsewhere is not taken in; so does one that leads nowhere.
fn look_through(path: &FilePath, link: Stamp) -> (Kind, Stamp) {
    let text = || fs::read_link(path).map(|text| Digest::of_parts([b"link".as_slice(), text.as_os_str().as_bytes()]));
    match fs::metadata(path) {
        Ok(target) if target.is_file() => {
            let stamp = Stamp::of(&target);
            (Kind::File, Stamp { ctime_ns: stamp.ctime_ns.max(link.ctime_ns), ..stamp })
        }
        Ok(target) if !target.is_dir() => (Kind::Other(digest_of_kind(&target)), link),
        Ok(_) | Err(_) => (Kind::Other(text().unwrap_or_else(|_| link.digest())), link),
    }
}

/// The digest of what has no content of its own.
pub(super) fn digest_of_folder() -> Digest {
    Digest::of_parts([b"folder".as_slice()])
}

fn digest_of_kind(metadata: &Metadata) -> Digest {
    let kind = metadata.file_type();
    let name: &[u8] = if kind.is_fifo() {
        b"fifo"
    } else if kind.is_socket() {
        b"socket"
    } else {
        b"device"
    };
    Digest::of_parts([name])
}

/// The content of a file, as reading it gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) digest: Digest,
    /// Whether the digest may be kept under the stamp: nothing can have been written within the same tick of the clock.
    pub(super) settled: bool,
}

/// Digests the content of the file that `look` found with `stamp`; `None` if it is gone. What cannot be read is digested by
/// its stamp, so that it counts as something stable.
pub(super) fn read(path: &FilePath, stamp: Stamp) -> Option<Content> {
    #[expect(clippy::disallowed_methods, reason = "compared with the times of files, which are wall times")]
    let began = SystemTime::now();
    // Without O_NONBLOCK a fifo that took the place of the file would block until somebody writes to it.
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    let unreadable = || Content { digest: stamp.digest(), settled: false };
    let mut file = match opened {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return None,
        Err(_) => return Some(unreadable()),
    };
    let read = digest_of_content(&mut file).map(|digest| {
        let after = file.metadata();
        let digest = after.as_ref().map_or(digest, |after| with_mode(digest, after));
        let same = after.is_ok_and(|after| stamp.holds(Stamp::of(&after)));
        Content { digest, settled: same && stamp.is_older_than(began) }
    });
    Some(read.unwrap_or_else(|_| unreadable()))
}

/// A file that may be executed is another than one that may not, as for git: images and scripts differ by that.
fn with_mode(content: Digest, metadata: &Metadata) -> Digest {
    let is_executable = metadata.mode() & 0o100 != 0;
    if is_executable { Digest::of_parts([b"executable".as_slice(), &content.0]) } else { content }
}

fn digest_of_content(file: &mut File) -> std::io::Result<Digest> {
    let mut hasher = Sha256::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(Digest::finish(hasher)),
            Ok(count) => hasher.update(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
