//! By how much an engine's clock differs from ours: what it notes of containers and logs is in its own time.

use super::stamp;
use std::{sync::OnceLock, time::SystemTime};

/// The clocks of one machine are one, and the engine tells whole seconds: a lesser difference is none.
const LEAST_NS: i64 = 2_000_000_000;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// What the first answer of an engine told of its clock.
#[derive(Debug, Default)]
pub(super) struct Skew(OnceLock<i64>);

impl Skew {
    /// Takes the `Date` of an answer that came just now.
    pub(super) fn take(&self, date: &str) {
        let Some((engine, here)) = parse(date).zip(now()) else { return };
        self.0.get_or_init(|| beyond(engine - here));
    }

    /// So many nanoseconds is the engine ahead of us.
    pub(super) fn ahead_ns(&self) -> i64 {
        self.0.get().copied().unwrap_or_default()
    }
}

fn beyond(difference: i64) -> i64 {
    if difference.abs() < LEAST_NS { 0 } else { difference }
}

#[expect(clippy::disallowed_methods, reason = "the engine's clock is compared with ours")]
fn now() -> Option<i64> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(now.as_nanos()).ok()
}

/// Reads a moment as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn parse(date: &str) -> Option<i64> {
    let mut words = date.split_whitespace().skip(1);
    let (day, month, year, clock) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    stamp::parse(&format!("{year}-{month}-{day}T{clock}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_an_answer_is_read() {
        assert_eq!(parse("Thu, 01 Jan 1970 00:01:02 GMT"), Some(62_000_000_000));
        assert_eq!(parse("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777_000_000_000));
        for text in ["", "now", "Sun, 06 Foo 1994 08:49:37 GMT", "784111777"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_first_answer_counts_and_little_is_nothing() {
        let skew = Skew::default();
        assert_eq!(skew.ahead_ns(), 0);
        skew.take("nonsense");
        skew.take("Thu, 01 Jan 1970 00:00:00 GMT");
        let ahead = skew.ahead_ns();
        assert!(ahead < -1_700_000_000_000_000_000, "{ahead}");
        skew.take("Thu, 01 Jan 2037 00:00:00 GMT");
        assert_eq!(skew.ahead_ns(), ahead);
        assert_eq!([beyond(-1_999_999_999), beyond(LEAST_NS)], [0, LEAST_NS]);
    }
}
