//! Where a build says what it does.

use crate::host::process::{OutputSink, Stream};
use std::{fmt, sync::Arc};

/// The log of one build. Cheap to clone.
#[derive(Clone)]
pub struct Log(Arc<dyn OutputSink>);

impl Log {
    /// A log that writes there.
    pub fn new(sink: Arc<dyn OutputSink>) -> Self {
        Self(sink)
    }

    /// Writes a line, which has no end yet.
    pub fn line(&self, text: &str) {
        self.0.write(Stream::Out, format!("{text}\n").as_bytes());
    }

    /// Where a command of the build writes.
    #[must_use]
    pub fn sink(&self) -> Arc<dyn OutputSink> {
        self.0.clone()
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Log")
    }
}
