//! Reading what engines say when something fails: they say it in prose, and in other words from version to version.

use regex::Regex;
use std::sync::LazyLock;

/// A message is cut after so many characters.
const LONGEST: usize = 240;
/// What shows that somebody else does not answer: a registry, a server that a file is fetched from.
const AWAY: [&str; 8] = [
    "no such host",
    "connection refused",
    "connection reset",
    "i/o timeout",
    "TLS handshake",
    "network is unreachable",
    "context deadline exceeded",
    "Temporary failure in name resolution",
];
/// What shows that a registry does not let the user in.
const DENIED: [&str; 7] = [
    "pull access denied",
    "authorization failed",
    "unauthorized",
    "401 Unauthorized",
    "denied: ",
    "no basic auth credentials",
    "authentication required",
];

fn has(said: &str, signs: &[&str]) -> bool {
    signs.iter().any(|sign| said.contains(sign))
}

/// Whether somebody else does not answer.
pub(super) fn is_away(said: &str) -> bool {
    has(said, &AWAY)
}

/// Whether a registry does not let the user in.
pub(super) fn is_denied(said: &str) -> bool {
    has(said, &DENIED)
}

/// Whether the engine has no room left.
pub(super) fn is_full(said: &str) -> bool {
    said.contains("no space left on device")
}

/// Whether the engine ended the build itself: it is being stopped.
pub(super) fn is_interrupted(said: &str) -> bool {
    has(
        said,
        &["context canceled", "no active session", "session healthcheck failed", "error reading from server: EOF"],
    )
}

/// Whether a line on standard error may say what is wrong: what `set -x` writes there does not.
pub(super) fn is_complaint(line: &str) -> bool {
    !line.trim().is_empty() && !line.starts_with("+ ")
}

/// The code of a command that failed.
pub(super) fn exit_code(error: &str) -> Option<i32> {
    static CODE: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?:exit code: |returned a non-zero code: )(-?\d+)").ok());
    CODE.as_ref()?.captures(error)?.get(1)?.as_str().parse().ok()
}

/// The path that a `COPY` or `ADD` did not find in the context.
pub(super) fn missing_file(error: &str) -> Option<&str> {
    static PATH: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r#""/([^"]*)"(?: not found)?: not found|excluded by \.dockerignore: stat ([^:]*):"#).ok()
    });
    let found = PATH.as_ref()?.captures(error)?;
    found.get(1).or_else(|| found.get(2)).map(|path| path.as_str())
}

/// The image whose description a step of BuildKit's own is to get.
pub(super) fn wanted_image(step: &str) -> Option<&str> {
    Some(step.split_once("load metadata for ")?.1.trim())
}

/// The image that is to read the Dockerfile.
pub(super) fn wanted_syntax(step: &str) -> Option<&str> {
    Some(step.split_once("resolve image config for ")?.1.trim_start_matches("docker-image://").trim())
}

/// The line that a parser complains of, counted from 1, and its complaint.
pub(super) fn parse_error(said: &str) -> (Option<usize>, &str) {
    static LINE: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?i)(?:dockerfile )?parse error (?:on )?line (\d+): ").ok());
    let found = LINE.as_ref().and_then(|regex| regex.captures(said));
    if let Some((all, line)) = found.and_then(|found| Some((found.get(0)?, found.get(1)?.as_str().parse().ok()))) {
        return (line, &said[all.end()..]);
    }
    // Both builders name parts of their own that the complaint went through.
    let own = said.rsplit("failed to create LLB definition: ").next().unwrap_or(said);
    (None, own.strip_prefix("failed to parse Dockerfile: ").unwrap_or(own))
}

/// One line, not too long, without what only the engine understands.
pub(super) fn shortened(text: &str) -> String {
    static INNER: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let shell = r#"(?:executor failed running \[.*?\]|process ".*?" did not complete successfully): "#;
        Regex::new(&format!(r"{shell}|/var/lib/\S*?/merged|(?:failed to solve: )+|(?:COPY|ADD) failed: ")).ok()
    });
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = INNER.as_ref().map_or_else(|| text.clone(), |regex| regex.replace_all(&text, "").into_owned());
    let text = text.trim_end_matches('.');
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_parse_error_is_read() {
        let said = "failed to solve: dockerfile parse error on line 3: unknown instruction: RUM";
        assert_eq!(parse_error(said), (Some(3), "unknown instruction: RUM"));
        let said = "failed to create LLB definition: dockerfile parse error line 12: FROM requires";
        assert_eq!(parse_error(said), (Some(12), "FROM requires"));
        assert_eq!(parse_error("x: failed to create LLB definition: no stage"), (None, "no stage"));
        assert_eq!(parse_error("failed to parse Dockerfile: ENV must"), (None, "ENV must"));
    }

    #[test]
    fn the_exit_code_is_read_from_all_builders() {
        assert_eq!(exit_code("executor failed running [/bin/sh -c x]: exit code: 3"), Some(3));
        assert_eq!(exit_code("process \"/bin/sh -c x\" did not complete successfully: exit code: 1"), Some(1));
        assert_eq!(exit_code("The command '/bin/sh -c x' returned a non-zero code: 127"), Some(127));
        assert_eq!(exit_code("not found"), None);
    }

    #[test]
    fn a_missing_file_is_read_from_all_builders() {
        for said in [
            "failed to compute cache key: \"/a/b.txt\" not found: not found",
            "failed to calculate checksum of ref x::y: \"/a/b.txt\": not found",
            "COPY failed: file not found in build context or excluded by .dockerignore: stat a/b.txt: file does not exist",
        ] {
            assert_eq!(missing_file(said), Some("a/b.txt"), "{said}");
        }
        assert_eq!(missing_file("no"), None);
    }

    #[test]
    fn what_only_the_engine_understands_is_left_out() {
        for (said, short) in [
            ("executor failed running [/bin/sh -c true]: unable to find user x.", "unable to find user x"),
            ("lstat /var/lib/docker/overlay2/a0b/merged/nope:\n no such file", "lstat /nope: no such file"),
            ("ADD failed: Get x", "Get x"),
        ] {
            assert_eq!(shortened(said), short);
        }
        assert_eq!(shortened(&"é".repeat(500)).chars().count(), LONGEST + 1);
    }
}
