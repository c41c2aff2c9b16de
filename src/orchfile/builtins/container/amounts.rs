//! Amounts: memory, cores, time.

use crate::orchfile::builtins::{
    duration,
    unpack::{Either, Kind, Unfit},
};
use starlark::values::{Heap, UnpackValue, Value, float::UnpackFloat};
use std::time::Duration;

/// The least memory that Docker gives a container.
pub(super) const MEMORY_MIN: u64 = 6 << 20;

const UNITS: [(&str, u64); 5] = [("b", 1), ("k", 1 << 10), ("m", 1 << 20), ("g", 1 << 30), ("t", 1 << 40)];

/// Bytes: a number, or a text such as `512m`.
pub(super) enum Bytes {}

impl Kind for Bytes {
    type Out = u64;
    type Shown = Either<i64, String>;
    const TAKES: &'static str = "a number of bytes, or a string such as \"512m\"";

    fn take<'v>(value: Value<'v>, _heap: Heap<'v>) -> Result<u64, Unfit> {
        let text = match value.unpack_str() {
            Some(text) => text.to_owned(),
            None if value.get_type() == "int" => value.to_str(),
            None => return Err(Unfit::Type),
        };
        let help = || Some("write it as \"512m\" or \"2g\"".to_owned());
        bytes(&text).ok_or_else(|| Unfit::Content(format!("`{text}` is no amount of memory"), help()))
    }
}

/// Reads an amount as Docker does: `b`, `k`, `m`, `g`, `t` in either case, `mb` and `mib` as `m`; without one it is bytes.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "in range")]
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim().to_lowercase();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim();
    let unit =
        unit.strip_suffix("ib").or_else(|| unit.strip_suffix('b').filter(|rest| !rest.is_empty())).unwrap_or(unit);
    let scale = if unit.is_empty() { 1 } else { UNITS.iter().find(|(name, _)| *name == unit)?.1 };
    let amount = number.parse::<f64>().ok()? * scale as f64;
    (1.0..9.2e18).contains(&amount).then_some(amount as u64)
}

/// Cores, in thousandths: a number, or a text such as `0.5`.
pub(super) enum Cpus {}

impl Kind for Cpus {
    type Out = u64;
    type Shown = Either<f64, String>;
    const TAKES: &'static str = "a number of cores";

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
    fn take<'v>(value: Value<'v>, _heap: Heap<'v>) -> Result<u64, Unfit> {
        let number = match value.unpack_str() {
            Some(text) => text.parse::<f64>().ok(),
            None if matches!(value.get_type(), "int" | "float") => {
                UnpackFloat::unpack_value(value).ok().flatten().map(|number| number.0)
            }
            None => return Err(Unfit::Type),
        };
        let millis = number.map(|number| (number * 1000.0).round());
        let shown = value.to_str();
        let unfit = || Unfit::Content(format!("`{shown}` is no number of cores"), Some("write it as `0.5`".to_owned()));
        millis.filter(|millis| (1.0..1e9).contains(millis)).map(|millis| millis as u64).ok_or_else(unfit)
    }
}

/// How long: a number of seconds, or a text such as `1m30s`.
pub(super) enum Seconds {}

impl Kind for Seconds {
    type Out = Duration;
    type Shown = Either<i64, String>;
    const TAKES: &'static str = "a number of seconds, or a string such as \"30s\"";

    fn take<'v>(value: Value<'v>, _heap: Heap<'v>) -> Result<Duration, Unfit> {
        let shown = value.to_str();
        let duration = match value.unpack_str() {
            Some(text) => duration::parse(text),
            None if value.get_type() == "int" => {
                let seconds = i64::unpack_value(value).ok().flatten();
                seconds.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs)
            }
            None => return Err(Unfit::Type),
        };
        let help = Some("write it as \"30s\", \"5m\" or \"1h30m\"".to_owned());
        duration.ok_or_else(|| Unfit::Content(format!("`{shown}` is no duration"), help))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_as_docker_reads_it() {
        for (text, expected) in [
            ("512m", Some(512 << 20)),
            ("512MB", Some(512 << 20)),
            ("512MiB", Some(512 << 20)),
            ("1.5g", Some(3 << 29)),
            ("100", Some(100)),
            ("100b", Some(100)),
            ("64 k", Some(64 << 10)),
            ("", None),
            ("m", None),
            ("-1m", None),
            ("1x", None),
            ("0", None),
            ("1.2.3m", None),
        ] {
            assert_eq!(bytes(text), expected, "{text}");
        }
    }
}
