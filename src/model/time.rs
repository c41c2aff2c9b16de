//! Time as the engine knows it.

use serde::{Deserialize, Serialize};
use std::{fmt, ops, time::Duration};

/// The time since the session began. Never a wall clock: whoever shows a date adds the session's own start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub Duration);

impl Time {
    /// The moment the session began.
    pub const ZERO: Time = Time(Duration::ZERO);

    /// A time that many milliseconds after the session began.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Time(Duration::from_millis(millis))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub fn since(self, earlier: Time) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl ops::Add<Duration> for Time {
    type Output = Time;
    fn add(self, delay: Duration) -> Time {
        Time(self.0.saturating_add(delay))
    }
}

impl fmt::Display for Time {
    /// Seconds with three decimals, as traces print it: `12.250s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}s", self.0.as_secs(), self.0.subsec_millis())
    }
}
