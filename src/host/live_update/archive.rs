//! The archive that carries a batch of files into containers: written as it is sent, never held.
//!
//! Modes are those of the files here, times too, to the nanosecond: a program that looks at times would miss the second of two
//! saves within a second. Folders are only in it where the container has none: others would get a new owner and mode.

use super::source::is_gone;
use crate::model::{Failure, FilePath};
use std::{
    fs::{self, File, Metadata},
    io::{self, Read, Write},
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::Path,
};
use tar::{Builder, EntryType, Header};

/// Files up to this size are read before they are sent, so that one that is just being written is sent as long as it is.
const READ_FIRST_BYTES: u64 = 1 << 20;
const FOLDER_MODE: u32 = 0o755;

/// A user and a group, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::host) struct Owner {
    pub(in crate::host) uid: u64,
    pub(in crate::host) gid: u64,
}

/// What an archive holds. Paths in containers are absolute.
#[derive(Debug)]
pub(in crate::host) struct Contents {
    /// The folder of the container that the archive is unpacked in.
    pub(in crate::host) base: FilePath,
    pub(in crate::host) owner: Owner,
    /// Folders that are made, each after those it lies in.
    pub(in crate::host) folders: Vec<FilePath>,
    /// Files of this machine with their places in the container.
    pub(in crate::host) files: Vec<(FilePath, FilePath)>,
}

/// Why an archive was not written to its end.
#[derive(Debug)]
pub(in crate::host) enum Cut {
    /// Nobody takes it.
    Unread,
    /// A file cannot be read.
    Unreadable(Failure),
}

impl Contents {
    /// Writes the archive. Blocks.
    pub(in crate::host) fn write(&self, out: impl Write) -> Result<(), Cut> {
        let mut builder = Builder::new(out);
        for folder in &self.folders {
            self.folder(&mut builder, folder).map_err(|_| Cut::Unread)?;
        }
        for (file, remote) in &self.files {
            match Content::open(file) {
                Ok(content) => self.file(&mut builder, content, remote).map_err(|_| Cut::Unread)?,
                // It went after it was looked at: that is told as a change of its own.
                Err(error) if is_gone(&error) => {}
                Err(error) => return Err(Cut::Unreadable(unreadable(file, &error))),
            }
        }
        builder.into_inner().and_then(|mut out| out.flush()).map_err(|_| Cut::Unread)
    }

    fn folder(&self, builder: &mut Builder<impl Write>, folder: &FilePath) -> io::Result<()> {
        let mut header = self.header(EntryType::Directory, FOLDER_MODE);
        self.append(builder, &mut header, folder, io::empty())
    }

    fn file(&self, builder: &mut Builder<impl Write>, content: Content, remote: &FilePath) -> io::Result<()> {
        let metadata = match &content {
            Content::Link(_, metadata) | Content::Small(_, metadata) | Content::Large(_, metadata) => metadata,
        };
        extend(builder, EntryType::XHeader, &mtime_record(metadata))?;
        let kind = if matches!(content, Content::Link(..)) { EntryType::Symlink } else { EntryType::Regular };
        let mut header = self.header(kind, metadata.mode() & 0o7777);
        // For programs that know no such records.
        header.set_mtime(metadata.mtime().try_into().unwrap_or_default());
        match content {
            Content::Link(to, _) => {
                let to = to.as_os_str().as_bytes();
                if header.set_link_name_literal(to).is_err() {
                    extend(builder, EntryType::GNULongLink, &[to, b"\0"].concat())?;
                }
                self.append(builder, &mut header, remote, io::empty())
            }
            Content::Small(bytes, _) => {
                header.set_size(bytes.len() as u64);
                self.append(builder, &mut header, remote, bytes.as_slice())
            }
            Content::Large(file, metadata) => {
                header.set_size(metadata.len());
                // One that is cut off meanwhile is changed again, and copied again.
                self.append(builder, &mut header, remote, file.chain(io::repeat(0)).take(metadata.len()))
            }
        }
    }

    fn header(&self, kind: EntryType, mode: u32) -> Header {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(self.owner.uid);
        header.set_gid(self.owner.gid);
        header.set_size(0);
        header
    }

    fn append(
        &self,
        builder: &mut Builder<impl Write>,
        header: &mut Header,
        remote: &FilePath,
        content: impl Read,
    ) -> io::Result<()> {
        let name = remote.as_path().strip_prefix(&self.base).unwrap_or(remote.as_path());
        if header.set_path(name).is_err() {
            header.set_path("long")?;
            extend(builder, EntryType::GNULongName, &[name.as_os_str().as_bytes(), b"\0"].concat())?;
        }
        header.set_cksum();
        builder.append(header, content)
    }
}

/// Writes an entry that says more of the next one. It has a name and all numbers: busybox takes one without for the archive's end.
/// Long names are written as GNU does, since busybox reads no other.
fn extend(builder: &mut Builder<impl Write>, kind: EntryType, content: &[u8]) -> io::Result<()> {
    let mut header = Header::new_ustar();
    header.set_path("more")?;
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(content.len() as u64);
    header.set_cksum();
    builder.append(&header, content)
}

/// A file, as it is when it is read.
enum Content {
    Link(Box<Path>, Metadata),
    Small(Vec<u8>, Metadata),
    Large(File, Metadata),
}

impl Content {
    fn open(path: &FilePath) -> io::Result<Self> {
        let metadata = fs::symlink_metadata(path)?;
        if metadata.is_symlink() {
            return Ok(Self::Link(fs::read_link(path)?.into(), metadata));
        }
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.len() > READ_FIRST_BYTES {
            return Ok(Self::Large(file, metadata));
        }
        let mut bytes = Vec::new();
        Read::by_ref(&mut file).take(READ_FIRST_BYTES).read_to_end(&mut bytes)?;
        Ok(Self::Small(bytes, metadata))
    }
}

/// When a file was written, in seconds since 1970 with nine digits after the point, as a record of an archive: its length, which counts
/// itself, and then the field.
fn mtime_record(metadata: &Metadata) -> Vec<u8> {
    let nanos = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    let field = format!(" mtime={sign}{}.{:09}\n", nanos / 1_000_000_000, nanos % 1_000_000_000);
    // Two digits: such a record has from 20 to 50 bytes.
    format!("{}{field}", field.len() + 2).into_bytes()
}

fn unreadable(file: &FilePath, error: &io::Error) -> Failure {
    let reason = error.to_string();
    let reason = reason.split(" (os error").next().unwrap_or_default().to_lowercase();
    Failure { message: format!("`{file}` cannot be read: {reason}"), help: Some("see who may read the file".into()) }
}
