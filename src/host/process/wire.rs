//! What orch and a shim say to each other over their socket.
//!
//! orch sends one order, and then the grace of each stop. The shim sends reports. Numbers are little-endian. Both sides are
//! the same binary, so the form may change at any time.

use super::spawn::Kind;
use std::{
    ffi::{CString, c_char},
    io::{self, Read},
    ptr,
    time::Duration,
};

/// The bytes of one report and of one stop.
pub(super) const FRAME: usize = 8;

/// What a shim runs: nothing is left to look up or decide.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// How its tree is treated.
    pub(super) terms: Terms,
    /// The working directory.
    pub(super) dir: CString,
    /// Where the program may lie; the first that can be executed is.
    pub(super) candidates: Vec<CString>,
    /// Program and arguments.
    pub(super) argv: Vec<CString>,
    /// `NAME=value`, all of them.
    pub(super) env: Vec<CString>,
}

/// How a tree is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Terms {
    /// Whose end ends the tree.
    pub(super) kind: Kind,
    /// Whether processes in a session of their own belong to the tree.
    pub(super) own_sessions: bool,
    /// How long the tree may take to end when nobody says otherwise: after a failure, or when orch is gone.
    pub(super) grace: Duration,
}

/// The numbers of an order's head: bytes that follow, three terms, three lengths of lists.
const HEAD: usize = 7;

impl Order {
    /// The bytes to send.
    pub(super) fn encode(&self) -> Vec<u8> {
        let texts = || [&self.dir].into_iter().chain(&self.candidates).chain(&self.argv).chain(&self.env);
        let body: usize = texts().map(|text| text.as_bytes_with_nul().len()).sum();
        let mut bytes = Vec::with_capacity(HEAD * 8 + body);
        let terms = [u64::from(self.terms.kind == Kind::Server), u64::from(self.terms.own_sessions)];
        let counts = [self.candidates.len(), self.argv.len(), self.env.len()].map(|count| count as u64);
        for number in [body as u64].into_iter().chain(terms).chain([millis(self.terms.grace)]).chain(counts) {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        texts().for_each(|text| bytes.extend_from_slice(text.as_bytes_with_nul()));
        bytes
    }
}

/// An order as the shim got it. Its texts stay in one buffer, ready to be handed to the kernel.
pub(super) struct ReceivedOrder {
    /// How the tree is treated.
    pub(super) terms: Terms,
    texts: Vec<u8>,
    counts: [usize; 3],
}

impl ReceivedOrder {
    /// Reads an order.
    pub(super) fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut head = [0; HEAD * 8];
        from.read_exact(&mut head)?;
        let numbers: Vec<u64> = head.chunks_exact(8).map(number).collect();
        let [body, server, own_sessions, grace, counts @ ..] = numbers.as_slice() else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let mut texts = vec![0; size(*body)];
        from.read_exact(&mut texts)?;
        let counts = [size(counts[0]), size(counts[1]), size(counts[2])];
        if texts.split(|byte| *byte == 0).skip(1).count() != 1 + counts.iter().sum::<usize>() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let kind = if *server == 1 { Kind::Server } else { Kind::Command };
        let terms = Terms { kind, own_sessions: *own_sessions == 1, grace: Duration::from_millis(*grace) };
        Ok(Self { terms, texts, counts })
    }

    /// The texts as the kernel takes them: the directory, and three lists that end with a null pointer. They point into this
    /// order.
    pub(super) fn pointers(&self) -> (*const c_char, [Vec<*const c_char>; 3]) {
        let mut texts = self.texts.split_inclusive(|byte| *byte == 0).map(|text| text.as_ptr().cast::<c_char>());
        let dir = texts.next().unwrap_or(ptr::null());
        let lists = self.counts.map(|count| {
            let mut list: Vec<_> = texts.by_ref().take(count).collect();
            list.push(ptr::null());
            list
        });
        (dir, lists)
    }
}

/// What a shim tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Report {
    /// The command runs and has this pid.
    Started(u32),
    /// It does not, because this step failed with this error number.
    NotStarted(Step, i32),
    /// It ended. Unless processes are left over, so has its whole tree; else that is told by the socket's end.
    Ended {
        /// How the command itself ended.
        status: Status,
        /// It was still running when the shim was told to stop.
        stopped: bool,
        /// It succeeded and processes of its tree are still there.
        leftovers: bool,
    },
}

/// A step of starting a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Making a process.
    Fork,
    /// Going to the working directory.
    Dir,
    /// Executing the program.
    Exec,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// With this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

impl Report {
    /// The bytes to send.
    pub(super) fn encode(self) -> [u8; FRAME] {
        let (kind, flags, number) = match self {
            Self::Started(pid) => (0, 0, pid.cast_signed()),
            Self::NotStarted(step, errno) => (1, step as u8, errno),
            Self::Ended { status, stopped, leftovers } => {
                let (kind, number) = match status {
                    Status::Code(code) => (2, code),
                    Status::Signal(signal) => (3, signal),
                };
                (kind, u8::from(stopped) | u8::from(leftovers) << 1, number)
            }
        };
        let [a, b, c, d] = number.to_le_bytes();
        [kind, flags, 0, 0, a, b, c, d]
    }

    /// The report that these bytes are; `None` if they are none.
    pub(super) fn decode(bytes: [u8; FRAME]) -> Option<Self> {
        let [kind, flags, _, _, a, b, c, d] = bytes;
        let number = i32::from_le_bytes([a, b, c, d]);
        let ended = |status| Self::Ended { status, stopped: flags & 1 != 0, leftovers: flags & 2 != 0 };
        match (kind, flags) {
            (0, _) => Some(Self::Started(number.cast_unsigned())),
            (1, 0) => Some(Self::NotStarted(Step::Fork, number)),
            (1, 1) => Some(Self::NotStarted(Step::Dir, number)),
            (1, 2) => Some(Self::NotStarted(Step::Exec, number)),
            (2, _) => Some(ended(Status::Code(number))),
            (3, _) => Some(ended(Status::Signal(number))),
            _ => None,
        }
    }
}

/// The bytes of a stop.
pub(super) fn encode_stop(grace: Duration) -> [u8; FRAME] {
    millis(grace).to_le_bytes()
}

/// The grace of a stop.
pub(super) fn decode_stop(bytes: [u8; FRAME]) -> Duration {
    Duration::from_millis(u64::from_le_bytes(bytes))
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Rounded up, so that no grace but zero is none. A year is for ever.
fn millis(duration: Duration) -> u64 {
    const YEAR: u128 = 365 * 24 * 3600 * 1000;
    u64::try_from(duration.as_nanos().div_ceil(1_000_000).min(YEAR)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_arrives_as_it_was_sent() {
        let text = |text: &str| CString::new(text).unwrap();
        let terms = Terms { kind: Kind::Server, own_sessions: true, grace: Duration::from_millis(1500) };
        let order = Order {
            terms,
            dir: text("/tmp"),
            candidates: vec![text("/bin/a"), text("/usr/bin/a")],
            argv: vec![text("a"), text(""), text("c")],
            env: vec![],
        };
        let bytes = order.encode();
        let received = ReceivedOrder::read(&mut bytes.as_slice()).unwrap();
        assert_eq!(received.terms, terms);
        assert_eq!(received.counts, [2, 3, 0]);
        assert_eq!(received.texts, b"/tmp\0/bin/a\0/usr/bin/a\0a\0\0c\0");
        assert!(ReceivedOrder::read(&mut &bytes[..bytes.len() - 1]).is_err());
    }

    #[test]
    fn reports_arrive_as_they_were_sent() {
        let ended = |status, stopped, leftovers| Report::Ended { status, stopped, leftovers };
        for report in [
            Report::Started(4_000_000),
            Report::NotStarted(Step::Dir, 2),
            Report::NotStarted(Step::Exec, 13),
            ended(Status::Code(255), false, true),
            ended(Status::Signal(9), true, false),
        ] {
            assert_eq!(Report::decode(report.encode()), Some(report));
        }
    }
}
