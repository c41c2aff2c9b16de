//! A context as one archive, made while it is sent: what the classic builder takes.

use super::context::{Context, Entry, EntryKind};
use bytes::Bytes;
use std::{
    fs::File,
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
};
use tar::{Builder, EntryType, Header};
use tokio::{sync::mpsc, task::spawn_blocking};
use tokio_stream::wrappers::ReceiverStream;

/// How many parts wait to be sent: with `PART_BYTES`, all that is held of a context.
const QUEUE_PARTS: usize = 16;
/// How much is sent at once.
const PART_BYTES: usize = 64 * 1024;

/// The archive of a context. In the place of the files of `texts`, or at its end, come these.
pub(super) fn stream(context: Context, texts: Vec<(PathBuf, Vec<u8>)>) -> ReceiverStream<io::Result<Bytes>> {
    let (out, parts) = mpsc::channel(QUEUE_PARTS);
    spawn_blocking(move || {
        let writer = BufWriter::with_capacity(PART_BYTES, Parts(out.clone()));
        if let Err(error) = write(&context, &texts, writer) {
            out.blocking_send(Err(error)).ok();
        }
    });
    ReceiverStream::new(parts)
}

/// Sends what is written to it.
struct Parts(mpsc::Sender<io::Result<Bytes>>);

impl Write for Parts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map(|()| bytes.len()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write(context: &Context, texts: &[(PathBuf, Vec<u8>)], writer: impl Write) -> io::Result<()> {
    let mut archive = Builder::new(writer);
    let mut failed = None;
    let walked = context.walk(|entry| {
        let replaced = texts.iter().any(|(path, _)| *path == entry.path);
        let written = if replaced { Ok(()) } else { append(&mut archive, context, &entry) };
        failed = written.err();
        failed.is_none()
    });
    walked.map_err(|unreadable| io::Error::other(unreadable.to_string()))?;
    failed.map_or(Ok(()), Err)?;
    for (path, text) in texts {
        let mut header = Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, text.as_slice())?;
    }
    archive.into_inner()?.flush()
}

fn append(archive: &mut Builder<impl Write>, context: &Context, entry: &Entry) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_mode(entry.permissions);
    header.set_mtime(u64::try_from(entry.modified / 1_000_000_000).unwrap_or_default());
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(0);
    let mut link = |kind, target: &Path| {
        header.set_entry_type(kind);
        archive.append_link(&mut header, &entry.path, target)
    };
    let kind = match &entry.kind {
        EntryKind::HardLink(first) => return link(EntryType::Link, first),
        EntryKind::SymbolicLink(target) => return link(EntryType::Symlink, target),
        EntryKind::File { size } => return append_file(archive, context, entry, header, *size),
        EntryKind::Folder => EntryType::Directory,
        EntryKind::Fifo => EntryType::Fifo,
        EntryKind::Device { character, number } => {
            let part = |part: u64| u32::try_from(part).map_err(io::Error::other);
            header.set_device_major(part(nix::sys::stat::major(*number))?)?;
            header.set_device_minor(part(nix::sys::stat::minor(*number))?)?;
            if *character { EntryType::Char } else { EntryType::Block }
        }
    };
    header.set_entry_type(kind);
    archive.append_data(&mut header, &entry.path, io::empty())
}

/// A file of which less is there than its size says is filled up with zeros, one of which more is there is cut: somebody writes
/// it just now, and the save makes the next build.
fn append_file(
    archive: &mut Builder<impl Write>,
    context: &Context,
    entry: &Entry,
    mut header: Header,
    size: u64,
) -> io::Result<()> {
    let full = context.root.join(&entry.path);
    let file = match File::open(full.as_path()) {
        Ok(file) => Some(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(io::Error::new(error.kind(), format!("`{full}` cannot be read: {error}"))),
    };
    header.set_entry_type(EntryType::Regular);
    header.set_size(size);
    let there: Box<dyn Read> = file.map_or_else(|| Box::new(io::empty()) as Box<dyn Read>, |file| Box::new(file));
    archive.append_data(&mut header, &entry.path, there.chain(io::repeat(0)).take(size))
}
