//! Durations as Go writes and reads them: `1h30m`, `1.5s`, `300ms`.

use std::time::Duration;

const UNITS: [(&str, f64); 7] =
    [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];

/// Reads a duration; `None` for a text that is none, or one below zero.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let number = &rest[..rest.find(|c: char| !c.is_ascii_digit() && c != '.')?];
        rest = &rest[number.len()..];
        let unit = &rest[..rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len())];
        rest = &rest[unit.len()..];
        let scale = UNITS.iter().find(|(name, _)| *name == unit)?.1;
        seconds += number.parse::<f64>().ok()? * scale;
    }
    // Go counts nanoseconds in 64 bits.
    (seconds < 9.2e9).then(|| Duration::from_secs_f64(seconds))
}

/// Writes a duration as Go does: `5m0s`, `1.5s`, `10ms`, `0s`.
pub(crate) fn print(duration: Duration) -> String {
    let nanos = duration.subsec_nanos();
    if duration.as_secs() == 0 && nanos > 0 {
        return match nanos {
            1_000_000.. => format!("{}ms", f64::from(nanos) / 1e6),
            1_000.. => format!("{}µs", f64::from(nanos) / 1e3),
            _ => format!("{nanos}ns"),
        };
    }
    let (hours, minutes, seconds) = (duration.as_secs() / 3600, duration.as_secs() / 60 % 60, duration.as_secs() % 60);
    let fraction = format!(".{nanos:09}");
    let seconds = format!("{seconds}{}s", fraction.trim_end_matches('0').trim_end_matches('.'));
    match (hours, minutes) {
        (0, 0) => seconds,
        (0, _) => format!("{minutes}m{seconds}"),
        _ => format!("{hours}h{minutes}m{seconds}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written_as_in_go() {
        for (text, printed) in
            [("90s", "1m30s"), ("5m", "5m0s"), ("1h", "1h0m0s"), ("1.5s", "1.5s"), ("0", "0s"), ("250ms", "250ms")]
        {
            assert_eq!(parse(text).map(print).as_deref(), Some(printed), "{text}");
        }
        for text in ["", "10", "ten minutes", "1x", "-5s", ".s", "1h 5m", "s"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
