//! The segment that a log is writing: what of it is on disk and what still waits in memory.

use super::{
    LogName,
    cursor::{Cursor, Window},
    files::OpenFiles,
    folder::name_file,
    record::{Mark, Record, WIDTH, encode_header, valid_records},
    segment::{Content, SegmentPath},
};
use std::{fs, io, os::unix::fs::FileExt as _, path::Path, sync::Arc};

/// The segment at the end of a log.
pub(super) struct Active {
    pub number: u64,
    pub first_line: u64,
    /// When its last line came.
    pub until: u64,
    on_disk: bool,
    flushed_records: u32,
    flushed_bytes: u64,
    begun: u64,
    data: Vec<u8>,
    index: Vec<u8>,
}

impl Active {
    /// A segment that is not there yet.
    pub(super) fn new(number: u64, first_line: u64) -> Self {
        Self {
            number,
            first_line,
            until: 0,
            on_disk: false,
            flushed_records: 0,
            flushed_bytes: 0,
            begun: 0,
            data: Vec::new(),
            index: Vec::new(),
        }
    }

    /// Writes on in a segment that has this content.
    pub(super) fn resume(number: u64, content: &Content) -> Self {
        Self {
            until: content.records.last().map_or(0, |record| record.mark.at),
            on_disk: true,
            flushed_records: u32::try_from(content.records.len()).unwrap_or(u32::MAX),
            flushed_bytes: content.records.last().map_or(0, Record::end),
            begun: content.records.iter().filter(|record| record.begins).count() as u64,
            ..Self::new(number, content.first_line)
        }
    }

    /// The segment after this one; what is not on disk of this one is lost, and counted where it is read.
    pub(super) fn next(&self) -> Self {
        Self { until: self.until, ..Self::new(self.number + 1, self.first_line + self.begun) }
    }

    /// The place behind its last line.
    pub(super) fn end(&self) -> Cursor {
        let line = Some(self.first_line + self.begun);
        Cursor { number: self.number, record: self.records(), offset: self.bytes(), line }
    }

    /// How many records are on disk, and how many bytes of text.
    pub(super) fn flushed(&self) -> (u32, u64) {
        (self.flushed_records, self.flushed_bytes)
    }

    /// How much of it is in memory only.
    pub(super) fn buffered(&self) -> usize {
        self.data.len().max(self.index.len())
    }

    pub(super) fn bytes_on_disk(&self) -> u64 {
        if self.on_disk { self.flushed_bytes + (u64::from(self.flushed_records) + 1) * WIDTH as u64 } else { 0 }
    }

    /// Whether `length` bytes of text go in; one line always does.
    pub(super) fn has_room(&self, length: usize, segment: u64) -> bool {
        let fits = self.bytes() + length as u64 <= segment;
        self.records() == 0 || (fits && u64::from(self.records()) * (WIDTH as u64) < segment)
    }

    /// How far (microseconds) a stamp is moved so that it is behind the one before; a clock that was set back further is believed.
    const DRIFT: u64 = 60_000_000;

    /// Adds a line, or a piece of one. Each gets a moment of its own, later than the one before: bytes that were read at once
    /// have one time, and a reader has to be able to go on behind any of them.
    pub(super) fn push(&mut self, mut mark: Mark, text: &[u8], begins: bool, ends: bool) {
        if mark.at <= self.until && self.until - mark.at < Self::DRIFT {
            mark.at = self.until + 1;
        }
        let offset = u32::try_from(self.bytes()).unwrap_or(u32::MAX);
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        self.index.extend_from_slice(&Record { mark, offset, length, begins, ends }.encode());
        self.data.extend_from_slice(text);
        if ends {
            self.data.push(b'\n');
        }
        self.begun += u64::from(begins);
        self.until = mark.at;
    }

    /// Writes what is in memory: first the bytes, then the records that speak of them. Gives how much more is on disk.
    pub(super) fn flush(&mut self, files: &OpenFiles, id: u64, log: &LogName, folder: &Path) -> io::Result<u64> {
        if self.buffered() == 0 { Ok(0) } else { self.write(files, id, log, folder) }
    }

    /// Like [`Self::flush`], but makes the segment also when it has no line yet.
    pub(super) fn write(&mut self, files: &OpenFiles, id: u64, log: &LogName, folder: &Path) -> io::Result<u64> {
        let before = self.bytes_on_disk();
        let pair = self.open(files, id, log, folder)?;
        pair.data.write_all_at(&self.data, self.flushed_bytes)?;
        if !self.on_disk {
            pair.index.write_all_at(&encode_header(self.first_line), 0)?;
        }
        pair.index.write_all_at(&self.index, (u64::from(self.flushed_records) + 1) * WIDTH as u64)?;
        (self.flushed_records, self.flushed_bytes, self.on_disk) = (self.records(), self.bytes(), true);
        self.empty();
        Ok(self.bytes_on_disk() - before)
    }

    /// Reads lines that are only in memory.
    pub(super) fn read(&self, cursor: &mut Cursor, log: &LogName, budget: usize, window: &mut Window) {
        cursor.enter(self.first_line, window);
        let skipped = cursor.record.saturating_sub(self.flushed_records) as usize;
        let index = self.index.get(skipped * WIDTH..).unwrap_or_default();
        let mut records: Vec<Record> = valid_records(index, cursor.offset).collect();
        let Some(start) = records.first().map(|record| u64::from(record.offset)) else { return };
        let fitting = records.partition_point(|record| record.end() - start <= budget as u64);
        records.truncate(fitting.max(1));
        let data = usize::try_from(start - self.flushed_bytes).ok().and_then(|from| self.data.get(from..));
        window.add(log, &records, data.unwrap_or_default());
        cursor.advance(&records);
    }

    fn records(&self) -> u32 {
        self.flushed_records + u32::try_from(self.index.len() / WIDTH).unwrap_or(0)
    }

    fn bytes(&self) -> u64 {
        self.flushed_bytes + self.data.len() as u64
    }

    fn open(&self, files: &OpenFiles, id: u64, log: &LogName, folder: &Path) -> io::Result<Arc<super::files::Pair>> {
        let path = SegmentPath::new(folder, self.number);
        match files.get(id, &path, !self.on_disk) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !self.on_disk => {
                // The state of a project that was moved away is not begun anew where it was.
                if folder.ancestors().nth(2).is_some_and(|state| !state.is_dir()) {
                    return Err(io::ErrorKind::NotFound.into());
                }
                fs::create_dir_all(folder)?;
                if let Some((file, name)) = name_file(log) {
                    fs::write(folder.join(file), name)?;
                }
                files.get(id, &path, true)
            }
            opened => opened,
        }
    }

    /// Empties the buffers and gives back what only a burst needed.
    fn empty(&mut self) {
        for buffer in [&mut self.data, &mut self.index] {
            let used = buffer.len();
            buffer.clear();
            buffer.shrink_to(used.max(1024));
        }
    }
}
