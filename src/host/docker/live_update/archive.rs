//! The archive that carries a batch of files into containers: written as it is sent, never held.
//!
//! Modes are those of the files here, times too, to the nanosecond: a program that looks at times would miss the second of two
//! saves within a second. Folders are only in it where the container has none: others would get a new owner and mode.

use super::{owner::Owner, source::is_gone};
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
        self.append(builder, &mut header, folder, Vec::new(), io::empty())
    }

    fn file(&self, builder: &mut Builder<impl Write>, content: Content, remote: &FilePath) -> io::Result<()> {
        let metadata = match &content {
            Content::Link(_, metadata) | Content::Small(_, metadata) | Content::Large(_, metadata) => metadata,
        };
        let mut records = vec![("mtime", mtime(metadata).into_bytes())];
        let kind = if matches!(content, Content::Link(..)) { EntryType::Symlink } else { EntryType::Regular };
        let mut header = self.header(kind, metadata.mode() & 0o7777);
        match content {
            Content::Link(to, _) => {
                if header.set_link_name_literal(to.as_os_str().as_bytes()).is_err() {
                    records.push(("linkpath", to.as_os_str().as_bytes().to_vec()));
                }
                self.append(builder, &mut header, remote, records, io::empty())
            }
            Content::Small(bytes, _) => {
                header.set_size(bytes.len() as u64);
                self.append(builder, &mut header, remote, records, bytes.as_slice())
            }
            Content::Large(file, metadata) => {
                header.set_size(metadata.len());
                // One that is cut off meanwhile is changed again, and copied again.
                self.append(builder, &mut header, remote, records, file.chain(io::repeat(0)).take(metadata.len()))
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
        mut records: Vec<(&'static str, Vec<u8>)>,
        content: impl Read,
    ) -> io::Result<()> {
        let name = remote.as_path().strip_prefix(&self.base).unwrap_or(remote.as_path());
        if header.set_path(name).is_err() {
            header.set_path("long")?;
            records.push(("path", name.as_os_str().as_bytes().to_vec()));
        }
        header.set_cksum();
        if !records.is_empty() {
            builder.append_pax_extensions(records.iter().map(|(name, value)| (*name, value.as_slice())))?;
        }
        builder.append(header, content)
    }
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

/// Seconds since 1970 with nine digits after the point, as archives have it.
fn mtime(metadata: &Metadata) -> String {
    let nanos = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    format!("{sign}{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
}

fn unreadable(file: &FilePath, error: &io::Error) -> Failure {
    let reason = error.to_string();
    let reason = reason.split(" (os error").next().unwrap_or_default().to_lowercase();
    Failure { message: format!("`{file}` cannot be read: {reason}"), help: Some("see who may read the file".into()) }
}
