//! Segments on disk: where they are, what is in them, and what a kill left of them.

use super::record::{Record, WIDTH, decode_header, valid_records};
use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

/// Where a segment is.
pub(super) struct SegmentPath {
    folder: PathBuf,
    number: u64,
}

impl SegmentPath {
    pub(super) fn new(folder: &Path, number: u64) -> Self {
        Self { folder: folder.to_owned(), number }
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn data(&self) -> PathBuf {
        self.folder.join(format!("{:08}.log", self.number))
    }

    pub(super) fn index(&self) -> PathBuf {
        self.folder.join(format!("{:08}.idx", self.number))
    }

    /// Removes both files. The index goes first: without it there is no segment.
    pub(super) fn remove(&self) {
        fs::remove_file(self.index()).and_then(|()| fs::remove_file(self.data())).unwrap_or_default();
    }

    /// How many bytes it takes on disk, and when it was last written in microseconds since 1970.
    pub(super) fn measure(&self) -> (u64, u64) {
        let data = fs::metadata(self.data()).map_or(0, |found| found.len());
        let index = fs::metadata(self.index()).ok();
        let written = index.as_ref().map_or(0, |found| found.mtime() * 1_000_000 + found.mtime_nsec() / 1_000);
        (data + index.map_or(0, |found| found.len()), written.cast_unsigned())
    }
}

/// The numbers of a log's segments, ascending. A log without a folder has none.
#[expect(clippy::disallowed_methods, reason = "the folders of logs are owned here")]
pub(super) fn numbers(folder: &Path) -> BTreeSet<u64> {
    let Ok(entries) = fs::read_dir(folder) else { return BTreeSet::new() };
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.strip_suffix(".idx")?.parse().ok();
    entries.filter_map(Result::ok).filter_map(number).collect()
}

/// Removes the bytes of segments whose index is gone: a removal was cut short.
#[expect(clippy::disallowed_methods, reason = "the folders of logs are owned here")]
pub(super) fn remove_orphans(folder: &Path, numbers: &BTreeSet<u64>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok) {
        let number = entry.file_name().to_str().and_then(|name| name.strip_suffix(".log")?.parse::<u64>().ok());
        if number.is_some_and(|number| !numbers.contains(&number)) {
            fs::remove_file(entry.path()).unwrap_or_default();
        }
    }
}

/// Lines next to each other in a segment.
pub(super) struct Chunk {
    /// How many lines of the log began before the segment.
    pub first_line: u64,
    pub records: Vec<Record>,
    /// The bytes from the first record's on.
    pub data: Vec<u8>,
}

/// Reads the records from number `from`, whose text is at `offset`, to before `limit`: at least one if there is one, about
/// `budget` bytes of them.
pub(super) fn read(path: &SegmentPath, (from, offset): (u32, u64), limit: u32, budget: usize) -> io::Result<Chunk> {
    let index = File::open(path.index())?;
    let first_line = read_header(&index)?;
    let wanted = (budget / 32).clamp(16, 8192).min(limit.saturating_sub(from) as usize);
    let place = (u64::from(from) + 1) * WIDTH as u64;
    let bytes = read_at(&index, place, wanted * WIDTH)?;
    let mut records: Vec<Record> = valid_records(&bytes, offset).collect();
    let Some(start) = records.first().map(|record| u64::from(record.offset)) else {
        return Ok(Chunk { first_line, records, data: Vec::new() });
    };
    let fitting = records.partition_point(|record| record.end() - start <= budget as u64);
    records.truncate(fitting.max(1));
    let length = records.last().map_or(0, |last| last.end() - start);
    let data = read_at(&File::open(path.data())?, start, usize::try_from(length).unwrap_or(0))?;
    let there = records.partition_point(|record| record.end() - start <= data.len() as u64);
    records.truncate(there);
    Ok(Chunk { first_line, records, data })
}

/// What is in a segment as a whole.
pub(super) struct Content {
    /// How many lines of the log began before it.
    pub first_line: u64,
    /// All valid records.
    pub records: Vec<Record>,
}

/// Reads the whole index of a segment.
pub(super) fn content(path: &SegmentPath) -> io::Result<Content> {
    let index = File::open(path.index())?;
    let first_line = read_header(&index)?;
    let length = usize::try_from(index.metadata()?.len()).unwrap_or(usize::MAX).saturating_sub(WIDTH);
    let bytes = read_at(&index, WIDTH as u64, length)?;
    let data = fs::metadata(path.data())?.len();
    let records = valid_records(&bytes, 0).take_while(|record| record.end() <= data).collect();
    Ok(Content { first_line, records })
}

/// When the first line of a segment came, in microseconds since 1970.
pub(super) fn first_time(path: &SegmentPath) -> Option<u64> {
    let bytes = read_at(&File::open(path.index()).ok()?, WIDTH as u64, WIDTH).ok()?;
    valid_records(&bytes, 0).next().map(|record| record.mark.at)
}

/// Cuts off what is not valid at the end of a segment, so that it can be written on.
pub(super) fn repair(path: &SegmentPath, content: &Content) -> io::Result<()> {
    let index = (content.records.len() as u64 + 1) * WIDTH as u64;
    let data = content.records.last().map_or(0, Record::end);
    for (file, length) in [(path.index(), index), (path.data(), data)] {
        if fs::metadata(&file)?.len() != length {
            OpenOptions::new().write(true).open(&file)?.set_len(length)?;
        }
    }
    Ok(())
}

fn read_header(index: &File) -> io::Result<u64> {
    let mut header = [0; WIDTH];
    index.read_exact_at(&mut header, 0)?;
    decode_header(&header).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
}

/// What is there of `length` bytes at `place`.
fn read_at(file: &File, place: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        match file.read_at(&mut bytes[filled..], place + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}
