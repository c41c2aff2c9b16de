//! The index on disk: a header and then one record for each line or piece of one, all of the same width.
//!
//! Numbers are little-endian. A record is only valid where the one before it ends, which tells torn and garbled ones.

use super::line::Stream;
use crate::model::{Attempt, InstanceId, Level, RunId};

/// The width of the header and of each record, in bytes.
pub(super) const WIDTH: usize = 24;
const MAGIC: [u8; 8] = *b"orchlog1";
const ID_MASK: u64 = (1 << 62) - 1;
const TIME_MASK: u64 = (1 << 56) - 1;

/// What all records of one piece of writing share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// Microseconds since 1970.
    pub at: u64,
    pub attempt: Option<Attempt>,
    pub stream: Stream,
    pub level: Option<Level>,
}

/// One line, or a piece of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    pub mark: Mark,
    /// Where its text begins in the segment.
    pub offset: u32,
    /// How long its text is, without the newline.
    pub length: u32,
    pub begins: bool,
    pub ends: bool,
}

impl Record {
    /// Where the next record's text begins: after the newline, if this one has it.
    pub(super) fn end(&self) -> u64 {
        u64::from(self.offset) + u64::from(self.length) + u64::from(self.ends)
    }

    pub(super) fn encode(&self) -> [u8; WIDTH] {
        let flags =
            self.stream_bits() | self.level_bits() << 2 | u64::from(self.begins) << 4 | u64::from(self.ends) << 5;
        let attempt = match self.mark.attempt {
            None => 0,
            Some(Attempt::Run(RunId(id))) => 1 << 62 | (id & ID_MASK),
            Some(Attempt::Instance(InstanceId(id))) => 2 << 62 | (id & ID_MASK),
        };
        let mut bytes = [0; WIDTH];
        bytes[..8].copy_from_slice(&(flags << 56 | (self.mark.at & TIME_MASK)).to_le_bytes());
        bytes[8..16].copy_from_slice(&attempt.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.offset.to_le_bytes());
        bytes[20..].copy_from_slice(&self.length.to_le_bytes());
        bytes
    }

    /// The record in these bytes; `None` if no record looks like that.
    pub(super) fn decode(bytes: &[u8; WIDTH]) -> Option<Self> {
        let [time, attempt, _] = words(bytes);
        let place = halves(bytes);
        let flags = time >> 56;
        let stream = [Stream::Out, Stream::Err, Stream::Orch].into_iter().nth((flags & 3) as usize)?;
        let level = [None, Some(Level::Info), Some(Level::Warning), Some(Level::Error)][(flags >> 2 & 3) as usize];
        let attempt = match attempt >> 62 {
            0 => None,
            1 => Some(Attempt::Run(RunId(attempt & ID_MASK))),
            2 => Some(Attempt::Instance(InstanceId(attempt & ID_MASK))),
            _ => return None,
        };
        Some(Self {
            mark: Mark { at: time & TIME_MASK, attempt, stream, level },
            offset: place.0,
            length: place.1,
            begins: flags >> 4 & 1 == 1,
            ends: flags >> 5 & 1 == 1,
        })
    }

    fn stream_bits(&self) -> u64 {
        match self.mark.stream {
            Stream::Out => 0,
            Stream::Err => 1,
            Stream::Orch => 2,
        }
    }

    fn level_bits(&self) -> u64 {
        match self.mark.level {
            None => 0,
            Some(Level::Info) => 1,
            Some(Level::Warning) => 2,
            Some(Level::Error) => 3,
        }
    }
}

/// The valid records among these bytes, up to the first that is none: each begins where the one before ends, the first at
/// `offset`.
pub(super) fn valid_records(bytes: &[u8], offset: u64) -> impl Iterator<Item = Record> {
    let mut expected = offset;
    let records = bytes.as_chunks::<WIDTH>().0.iter();
    records.map_while(Record::decode).take_while(move |record| {
        let follows = expected == u64::from(record.offset);
        expected = record.end();
        follows
    })
}

/// The header of an index: how many lines of this log began before the segment.
pub(super) fn encode_header(first_line: u64) -> [u8; WIDTH] {
    let mut bytes = [0; WIDTH];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..16].copy_from_slice(&first_line.to_le_bytes());
    bytes
}

/// What [`encode_header`] wrote; `None` if this is no header.
pub(super) fn decode_header(bytes: &[u8; WIDTH]) -> Option<u64> {
    let [_, first_line, _] = words(bytes);
    (bytes[..8] == MAGIC).then_some(first_line)
}

/// The last word of a record: offset and length.
fn halves(bytes: &[u8; WIDTH]) -> (u32, u32) {
    let mut halves = bytes[16..].as_chunks::<4>().0.iter().copied().map(u32::from_le_bytes);
    (halves.next().unwrap_or(0), halves.next().unwrap_or(0))
}

fn words(bytes: &[u8; WIDTH]) -> [u64; 3] {
    let mut words = [0; 3];
    for (word, chunk) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*chunk);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_survive_the_disk() {
        for (attempt, stream, level) in [
            (None, Stream::Orch, Some(Level::Error)),
            (Some(Attempt::Run(RunId(7))), Stream::Out, None),
            (Some(Attempt::Instance(InstanceId(u64::MAX >> 2))), Stream::Err, Some(Level::Info)),
        ] {
            let mark = Mark { at: 1_800_000_000_123_456, attempt, stream, level };
            let record = Record { mark, offset: 17, length: 4_000_000_000, begins: true, ends: false };
            assert_eq!(Record::decode(&record.encode()), Some(record));
        }
        assert_eq!(decode_header(&encode_header(42)), Some(42));
        assert_eq!(decode_header(&[0; WIDTH]), None);
    }
}
