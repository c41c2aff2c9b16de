//! Moments as the engine writes them: `2026-11-20T15:04:05.123456789Z`.

const SECONDS_A_DAY: i64 = 86_400;
const NANOS_A_SECOND: i64 = 1_000_000_000;

/// Nanoseconds since 1970, if it is a moment; what lies before that (the engine's "never") is 0.
pub(super) fn parse(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T')?;
    let mut date = date.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let at = time.find(['Z', '+', '-'])?;
    let (clock, zone) = time.split_at(at);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let seconds = days(year, month, day)?.checked_mul(SECONDS_A_DAY)? + seconds_of(clock)? - offset(zone)?;
    if seconds < 0 {
        return Some(0);
    }
    seconds.checked_mul(NANOS_A_SECOND)?.checked_add(nanos(fraction)?)
}

/// Days since 1970 in the calendar of today.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years begin in March, so that the leap day is a year's last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

fn seconds_of(clock: &str) -> Option<i64> {
    let mut parts = clock.splitn(3, ':').map(str::parse::<i64>);
    let (hours, minutes) = (parts.next()?.ok()?, parts.next()?.ok()?);
    let seconds = parts.next().unwrap_or(Ok(0)).ok()?;
    Some(hours * 3600 + minutes * 60 + seconds)
}

/// Seconds by which a zone is before the world's: `Z`, `+02:00`.
fn offset(zone: &str) -> Option<i64> {
    match zone.split_at_checked(1)? {
        ("Z", _) => Some(0),
        ("+", clock) => seconds_of(clock),
        (_, clock) => seconds_of(clock).map(|seconds| -seconds),
    }
}

fn nanos(fraction: &str) -> Option<i64> {
    let digits = fraction.get(..fraction.len().min(9))?;
    format!("{digits:0<9}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_to_the_nanosecond() {
        for (text, nanos) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-02T00:00:01.5Z", 86_401_500_000_000),
            ("2024-02-29T12:00:00.000000001Z", 1_709_208_000_000_000_001),
            ("2026-11-20T15:04:05.123456789Z", 1_795_187_045_123_456_789),
            ("2026-11-20T17:04:05.123456789+02:00", 1_795_187_045_123_456_789),
            ("0001-01-01T00:00:00Z", 0),
        ] {
            assert_eq!(parse(text), Some(nanos), "{text}");
        }
        for text in ["", "yesterday", "2026-13-01T00:00:00Z", "2026-11-20T15:04:05", "2026-11-20 15:04:05Z"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
