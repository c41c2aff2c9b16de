//! The session's clock: the only place that reads the time for the engine.

#![expect(clippy::disallowed_methods, reason = "this is where the clock is read")]

use crate::model::Time;
use std::time::{Instant, SystemTime};

/// Translates between the session's time, the monotonic clock and the wall clock.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
    started_wall: SystemTime,
}

impl Clock {
    /// A clock whose zero is now.
    pub fn start() -> Self {
        Self { started: Instant::now(), started_wall: SystemTime::now() }
    }

    /// The time since the session began.
    pub fn now(&self) -> Time {
        Time(self.started.elapsed())
    }

    /// The instant of the monotonic clock at which it is `time`.
    pub fn instant(&self, time: Time) -> Instant {
        self.started + time.0
    }

    /// The wall clock's reading at `time`, as far as nobody set the clock since.
    pub fn wall(&self, time: Time) -> SystemTime {
        self.started_wall + time.0
    }

    /// When it was zero, in milliseconds since 1970.
    pub fn began_ms(&self) -> u64 {
        let since_1970 = self.started_wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
    }
}
