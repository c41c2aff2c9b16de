//! The output of processes into the logs.

use crate::{
    host::process::{OutputSink, Stream},
    logs::{self, LogWriter},
};

/// A log as the place where a process's output goes.
pub(super) struct LogSink(pub(super) LogWriter);

impl OutputSink for LogSink {
    fn write(&self, stream: Stream, bytes: &[u8]) {
        let stream = match stream {
            Stream::Out => logs::Stream::Out,
            Stream::Err => logs::Stream::Err,
        };
        self.0.write(stream, bytes);
    }

    fn close(&self) {
        self.0.close();
    }
}
