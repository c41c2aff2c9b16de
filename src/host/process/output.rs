//! Where the output of a process goes.

use std::sync::{Arc, Mutex, PoisonError};

/// One of the two outputs of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Takes what a process writes. Called from one thread that reads for all processes: what blocks here holds up the output of
/// others (but never orch itself).
pub trait OutputSink: Send + Sync {
    /// Takes bytes as they came: anywhere cut, any bytes. Those of one stream come in their order; between the two streams the
    /// order is nearly that of writing.
    fn write(&self, stream: Stream, bytes: &[u8]);

    /// There will be no more. Called once: before `Running::ended` returns, unless leftovers or processes that were let go may
    /// still write.
    fn close(&self);
}

/// A sink that keeps everything in memory.
#[derive(Debug, Default)]
pub struct Capture {
    written: Mutex<[Vec<u8>; 2]>,
}

impl Capture {
    /// What was written to `stream` since it was last taken.
    pub fn take(&self, stream: Stream) -> Vec<u8> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut written[stream as usize])
    }
}

impl OutputSink for Capture {
    fn write(&self, stream: Stream, bytes: &[u8]) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written[stream as usize].extend_from_slice(bytes);
    }

    fn close(&self) {}
}

/// A sink that keeps nothing.
#[derive(Debug)]
pub struct Discard;

impl OutputSink for Discard {
    fn write(&self, _: Stream, _: &[u8]) {}

    fn close(&self) {}
}

/// A sink that passes everything on to two.
pub struct Tee(pub Arc<dyn OutputSink>, pub Arc<dyn OutputSink>);

impl OutputSink for Tee {
    fn write(&self, stream: Stream, bytes: &[u8]) {
        self.0.write(stream, bytes);
        self.1.write(stream, bytes);
    }

    fn close(&self) {
        self.0.close();
        self.1.close();
    }
}
