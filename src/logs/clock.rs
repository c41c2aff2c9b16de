//! The wall clock, as lines are stamped with it: microseconds since 1970.
#![expect(clippy::disallowed_methods, reason = "lines are stamped where they arrive, with the time that people read")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time now.
pub(super) fn now() -> u64 {
    micros(SystemTime::now())
}

/// A time as it is kept.
pub(super) fn micros(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}

/// A time as it is shown.
pub(super) fn time(micros: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(micros)
}
