//! Patterns that leave files out, in the syntax of `.dockerignore`.

use super::FilePath;
use globset::{GlobBuilder, GlobMatcher};
use serde::{Deserialize, Serialize};
use std::{path::Path, sync::OnceLock};

/// Patterns anchored at a folder: `#` comments, `**`, `!` re-includes, the last match wins, `foo` matches only `foo` at the
/// base and all below it. No patterns leave out all of `base`. Compiled at the first use, since most rules never meet a path.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IgnoreRule {
    /// What the patterns are relative to.
    pub base: FilePath,
    /// As written, without comments and blank lines.
    pub patterns: Vec<String>,
    #[serde(skip)]
    compiled: OnceLock<Vec<Pattern>>,
}

#[derive(Debug, Clone)]
struct Pattern {
    /// The pattern starts with `!`.
    includes: bool,
    /// `None` for a pattern that is no glob: it matches its own text only.
    glob: Option<GlobMatcher>,
    text: String,
}

impl PartialEq for IgnoreRule {
    fn eq(&self, other: &Self) -> bool {
        self.base == other.base && self.patterns == other.patterns
    }
}
impl Eq for IgnoreRule {}

impl IgnoreRule {
    /// The rule of these patterns below `base`.
    #[must_use]
    pub fn new(base: FilePath, patterns: Vec<String>) -> Self {
        Self { base, patterns, compiled: OnceLock::new() }
    }

    /// The rule of the text of a file like `.dockerignore` or `.tiltignore`.
    #[must_use]
    pub fn of_text(base: FilePath, text: &str) -> Self {
        let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
        let patterns = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self::new(base, patterns.map(str::to_owned).collect())
    }

    /// Whether the file at `path` is left out.
    #[must_use]
    pub fn ignores(&self, path: &FilePath) -> bool {
        let Ok(relative) = path.as_path().strip_prefix(self.base.as_path()) else { return false };
        if self.patterns.is_empty() {
            return true;
        }
        let decides = |pattern: &&Pattern| pattern.matches_at_or_above(relative);
        self.compiled().iter().rev().find(decides).is_some_and(|pattern| !pattern.includes)
    }

    /// Whether all that lies below the folder `dir` is left out, so that it need not be walked.
    #[must_use]
    pub fn prunes(&self, dir: &FilePath) -> bool {
        self.ignores(dir) && (self.patterns.is_empty() || !self.compiled().iter().any(|pattern| pattern.includes))
    }

    fn compiled(&self) -> &[Pattern] {
        self.compiled.get_or_init(|| self.patterns.iter().map(|text| Pattern::new(text, &self.base)).collect())
    }
}

impl Pattern {
    fn new(text: &str, base: &FilePath) -> Self {
        let (includes, text) = match text.trim().strip_prefix('!') {
            Some(rest) => (true, rest.trim()),
            None => (false, text.trim()),
        };
        let below_base = Path::new(text).strip_prefix(base.as_path()).ok().and_then(Path::to_str);
        let text = clean(below_base.unwrap_or(text));
        let glob = GlobBuilder::new(&text).literal_separator(true).backslash_escape(true).build().ok();
        Self { includes, glob: glob.map(|glob| glob.compile_matcher()), text }
    }

    /// A pattern that matches a folder takes all that is below it.
    fn matches_at_or_above(&self, relative: &Path) -> bool {
        relative.ancestors().any(|path| match &self.glob {
            Some(glob) => glob.is_match(path) && (!path.as_os_str().is_empty() || self.text.is_empty()),
            None => path == Path::new(&self.text),
        })
    }
}

/// Without a leading `/`, `.` and empty parts, as moby cleans a pattern.
fn clean(text: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
