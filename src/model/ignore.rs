//! Patterns that leave files out, in the syntax of `.dockerignore`.

use super::{FilePath, glob::Glob};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, sync::OnceLock};

/// Patterns anchored at a folder: `#` comments, `**`, `!` re-includes, the last match wins, `foo` matches only `foo` at the
/// base and all below it. No patterns leave out all of `base`. Compiled at the first use, since most rules never meet a path.
///
/// What moby's pattern matcher makes of a pattern holds here, with what Tilt adds: an absolute pattern is just that, `..`
/// leads out of the base, and `.` is the base itself.
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
    /// What it is relative to, where that is not the base of the rule.
    base: Option<FilePath>,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    /// The base itself.
    All,
    Matching(Glob),
    /// The pattern is malformed.
    Nothing,
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

    /// The rule of the text of a file like `.dockerignore` or `.tiltignore`, where a leading `/` means the base. A text
    /// without patterns is no rule: as a rule without patterns it would leave out all.
    #[must_use]
    pub fn of_text(base: FilePath, text: &str) -> Self {
        let lines = text.trim_start_matches('\u{feff}').lines();
        let lines = lines.filter(|line| !line.starts_with('#')).map(str::trim).filter(|line| !line.is_empty());
        let pattern = |line: &str| match line.strip_prefix('!') {
            Some(rest) => format!("!{}", rest.trim().trim_start_matches('/')),
            None => line.trim_start_matches('/').to_owned(),
        };
        Self::new(base, lines.map(pattern).collect())
    }

    /// Whether the file at `path` is left out.
    #[must_use]
    pub fn ignores(&self, path: &FilePath) -> bool {
        if self.patterns.is_empty() {
            return path.is_within(&self.base);
        }
        self.last_match(path).is_some_and(|(_, pattern)| !pattern.includes)
    }

    /// Whether all that lies below the folder `dir` is left out, so that it need not be walked.
    #[must_use]
    pub fn prunes(&self, dir: &FilePath) -> bool {
        if self.patterns.is_empty() {
            return dir.is_within(&self.base);
        }
        // What leaves out the folder leaves out all below it, unless a later pattern includes some of that again.
        let Some((index, Pattern { includes: false, .. })) = self.last_match(dir) else { return false };
        let later = self.compiled().iter().skip(index + 1).filter(|pattern| pattern.includes);
        !later.into_iter().any(|pattern| pattern.may_match_below(dir, &self.base))
    }

    /// The patterns that are malformed, and so match nothing.
    pub fn malformed(&self) -> impl Iterator<Item = &str> {
        let is_malformed = |(_, pattern): &(&String, &Pattern)| matches!(pattern.what, What::Nothing);
        self.patterns.iter().zip(self.compiled()).filter(is_malformed).map(|(text, _)| text.as_str())
    }

    fn last_match(&self, path: &FilePath) -> Option<(usize, &Pattern)> {
        let relative = path.below(&self.base);
        let matches = |(_, pattern): &(usize, &Pattern)| match &pattern.base {
            None => relative.as_deref().is_some_and(|path| pattern.what.matches_at_or_above(path)),
            Some(base) => path.below(base).is_some_and(|path| pattern.what.matches_at_or_above(&path)),
        };
        self.compiled().iter().enumerate().rev().find(matches)
    }

    fn compiled(&self) -> &[Pattern] {
        self.compiled.get_or_init(|| self.patterns.iter().map(|text| Pattern::new(text, &self.base)).collect())
    }
}

impl Pattern {
    fn new(text: &str, rule_base: &FilePath) -> Self {
        let text = text.trim();
        let (includes, text) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest.trim()));
        let (base, text) = Self::anchor(text, rule_base);
        let what = match text {
            Some(text) if text.is_empty() => What::All,
            Some(text) => Glob::parse(&text).map_or(What::Nothing, What::Matching),
            None => What::Nothing,
        };
        Self { includes, base: (base != *rule_base).then_some(base), what }
    }

    /// What a pattern is relative to, and its cleaned text from there; no text if there was none.
    fn anchor(text: &str, rule_base: &FilePath) -> (FilePath, Option<String>) {
        if text.is_empty() {
            return (rule_base.clone(), None);
        }
        let mut base = if text.starts_with('/') { FilePath::new("/") } else { rule_base.clone() };
        let mut parts: Vec<&str> = Vec::new();
        for part in text.split('/').filter(|part| !matches!(*part, "" | ".")) {
            if part != ".." {
                parts.push(part);
            } else if parts.pop().is_none() {
                base = base.parent().unwrap_or(base);
            }
        }
        (base, Some(parts.join("/")))
    }

    fn may_match_below(&self, dir: &FilePath, rule_base: &FilePath) -> bool {
        let base = self.base.as_ref().unwrap_or(rule_base);
        match (&self.what, dir.below(base)) {
            (What::Nothing, _) => false,
            (What::All, relative) => relative.is_none(),
            (What::Matching(glob), Some(relative)) => relative.is_empty() || glob.may_match_below(&relative),
            (What::Matching(_), None) => base.is_within(dir),
        }
    }
}

impl What {
    /// Whether it matches the path, relative to the pattern's base, or a folder above it.
    fn matches_at_or_above(&self, path: &str) -> bool {
        match self {
            Self::All => true,
            Self::Matching(glob) => !path.is_empty() && glob.matches_at_or_above(path),
            Self::Nothing => false,
        }
    }
}

impl FilePath {
    /// The path relative to `base`, empty for `base` itself; `None` if it is not within it. Bytes that are no UTF-8 are
    /// replaced, since no pattern can name them.
    fn below(&self, base: &FilePath) -> Option<Cow<'_, str>> {
        let base = if base.as_bytes() == b"/" { b"" } else { base.as_bytes() };
        let rest = self.as_bytes().strip_prefix(base)?;
        match rest.split_first() {
            None => Some(Cow::Borrowed("")),
            Some((b'/', relative)) => Some(String::from_utf8_lossy(relative)),
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FilePath, IgnoreRule};

    fn rule(patterns: &[&str]) -> IgnoreRule {
        IgnoreRule::new(FilePath::new("/p"), patterns.iter().map(|text| (*text).to_owned()).collect())
    }

    fn path(relative: &str) -> FilePath {
        FilePath::new("/p").join(relative)
    }

    /// Checks what these patterns leave out and what they do not.
    #[track_caller]
    fn check(patterns: &[&str], out: &[&str], kept: &[&str]) {
        let rule = rule(patterns);
        out.iter().for_each(|name| assert!(rule.ignores(&path(name)), "{patterns:?} must leave out {name}"));
        kept.iter().for_each(|name| assert!(!rule.ignores(&path(name)), "{patterns:?} must keep {name}"));
    }

    #[test]
    fn plain_patterns_are_anchored_and_take_what_is_below() {
        check(&["foo"], &["foo", "foo/a", "foo/a/b"], &["food", "a/foo", "fo", ""]);
        check(&["a/b"], &["a/b", "a/b/c"], &["a", "a/bc", "b", "x/a/b"]);
        check(&["foo/"], &["foo", "foo/a"], &["food"]);
        check(&["./a//b/"], &["a/b", "a/b/c"], &["a"]);
        check(&["a/../b"], &["b"], &["a"]);
    }

    #[test]
    fn a_star_stays_within_a_name() {
        check(&["*/temp*"], &["a/temp", "a/temporary.txt", "a/temp/x"], &["temp", "a/b/temp", "atemp"]);
        check(&["*/*/temp*"], &["a/b/temporary.txt"], &["a/temp", "a/b/c/temp"]);
        check(&["*.md"], &["README.md", ".md", "x.md/y"], &["a/README.md", "README.mdx"]);
        check(&["*"], &["a", "a/b", ".hidden"], &[""]);
        check(&["a*c/d"], &["ac/d", "abc/d"], &["ab/c/d", "a/c/d"]);
    }

    #[test]
    fn a_question_mark_is_one_character() {
        check(&["temp?"], &["tempa", "tempb/x", "tempä"], &["temp", "tempab", "temp/"]);
        check(&["a?b"], &["axb"], &["a/b", "ab"]);
    }

    #[test]
    fn two_stars_cross_folders() {
        check(&["**/*.go"], &["a.go", "a/b.go", "a/b/c.go"], &["a.goo", "a/go"]);
        check(&["**"], &["a", "a/b", ".a"], &[]);
        check(&["**/foo"], &["foo", "a/foo", "a/b/foo/c"], &["xfoo", "a/xfoo", "foox"]);
        check(&["**foo"], &["foo", "xfoo", "a/xfoo", "a/xfoo/b"], &["foox"]);
        check(&["foo/**"], &["foo/a", "foo/a/b"], &["foo", "food"]);
        check(&["foo**"], &["foo", "food", "food/x"], &["fo", "a/foo"]);
        check(&["a/**/b"], &["a/b", "a/x/b", "a/x/y/b", "a/b/c"], &["ab", "a/xb", "x/a/b"]);
        check(&["a**/b"], &["ab", "a/b", "axx/b", "a/x/b"], &["a", "axb"]);
        check(&["**/a/**"], &["a/x", "b/a/x/y"], &["a", "b/a", "xa/y"]);
        check(&["**/**"], &["a", "a/b"], &[]);
        check(&["**/node_modules"], &["node_modules/x", "a/node_modules/b/c"], &["a/node_modules2"]);
        check(&["docs/**/*.txt"], &["docs/a.txt", "docs/a/b/c.txt"], &["a.txt", "docs/a.md"]);
    }

    #[test]
    fn classes() {
        check(&["[a-c]x"], &["ax", "cx/y"], &["dx", "x", "aax"]);
        check(&["[^a-c]x"], &["dx"], &["ax", "x"]);
        check(&["v[0-9].[0-9]*"], &["v1.2", "v1.23"], &["v1x2", "va.1"]);
        check(&["[\\]]"], &["]"], &["\\"]);
        check(&["x[*?.]"], &["x*", "x?", "x."], &["xa", "x"]);
    }

    #[test]
    fn a_backslash_takes_the_next_character_as_it_is() {
        check(&["a\\*b"], &["a*b"], &["axb", "a\\*b"]);
        check(&["\\!x"], &["!x"], &["x"]);
        check(&["\\#x"], &["#x"], &[]);
        check(&["a\\b"], &["ab"], &[]);
        check(&["a\\*/**"], &["a*/x"], &["a/x", "a*"]);
    }

    #[test]
    fn characters_of_regular_expressions_are_plain() {
        check(&["a.b"], &["a.b"], &["axb"]);
        check(&["a+(b)|{c}$^*"], &["a+(b)|{c}$^x"], &["aab"]);
    }

    #[test]
    fn the_last_match_wins() {
        check(&["*.md", "!README.md"], &["a.md"], &["README.md", "a.txt"]);
        let (out, kept) = (&["a.md", "README-secret.md"], &["README.md", "README-x.md"]);
        check(&["*.md", "!README*.md", "README-secret.md"], out, kept);
        check(&["*.md", "README-secret.md", "!README*.md"], &["a.md"], &["README.md", "README-secret.md"]);
        check(&["!a", "a"], &["a"], &[]);
        check(&["a", "!a/b", "a/b/c"], &["a/x", "a/b/c", "a/b/c/d"], &["a/b", "a/b/x"]);
        check(&["*", "! src"], &["a"], &["src", "src/x"]);
        check(&["!", "a"], &["a"], &["b"]);
    }

    #[test]
    fn patterns_may_lead_out_of_the_base_or_name_it() {
        let rule = rule(&["../q/x", "/abs/*.o", "/p/own"]);
        for out in ["/q/x", "/q/x/y", "/abs/a.o", "/p/own/z"] {
            assert!(rule.ignores(&FilePath::new(out)), "{out}");
        }
        for kept in ["/p/q/x", "/p/abs/a.o", "/abs/d/a.o", "/q", "/p/p/own", "/"] {
            assert!(!rule.ignores(&FilePath::new(kept)), "{kept}");
        }
        check(&["."], &["", "a", "a/b"], &[]);
        check(&[".", "!a"], &["", "b"], &["a", "a/b"]);
        assert!(!self::rule(&["."]).ignores(&FilePath::new("/pp")));
    }

    #[test]
    fn malformed_patterns_match_nothing_and_are_named() {
        let rule = rule(&["[", "a[]", "[b-a]", "x\\", "[-a]", "[a-]", "good", "!"]);
        assert_eq!(rule.malformed().collect::<Vec<_>>(), ["[", "a[]", "[b-a]", "x\\", "[-a]", "[a-]", "!"]);
        check(&["[", "x"], &["x"], &["["]);
    }

    #[test]
    fn a_rule_without_patterns_leaves_out_its_base() {
        check(&[], &["", "a", "a/b"], &[]);
        assert!(!rule(&[]).ignores(&FilePath::new("/q")));
    }

    #[test]
    fn a_file_of_patterns() {
        let text = "\u{feff}# comment\n\n  a  \n/b\n !/c\r\n #d\n! e\n";
        let rule = IgnoreRule::of_text(FilePath::new("/p"), text);
        assert_eq!(rule.patterns, ["a", "b", "!c", "#d", "!e"]);
        assert!(rule.ignores(&path("b/x")) && rule.ignores(&path("#d")));
    }

    #[test]
    fn bytes_that_are_no_text_are_matched_too() {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
        let file = path("logs").child(OsStr::from_bytes(b"\xff.log"));
        assert!(rule(&["**/*.log"]).ignores(&file));
        assert!(rule(&["logs"]).ignores(&file));
        assert!(!rule(&["*.log"]).ignores(&file));
    }

    #[test]
    fn a_folder_is_pruned_unless_something_below_it_is_kept() {
        #[track_caller]
        fn prunes(patterns: &[&str], dir: &str) -> bool {
            rule(patterns).prunes(&path(dir))
        }
        assert!(prunes(&["node_modules"], "node_modules") && prunes(&["node_modules"], "node_modules/a/b"));
        assert!(!prunes(&["*.log"], "a"));
        assert!(!prunes(&["a/**"], "a"), "a itself is not left out");
        assert!(!prunes(&["a", "!a/b"], "a") && !prunes(&["a", "!a/b/c"], "a/b") && prunes(&["a", "!a/b"], "a/c"));
        assert!(!prunes(&["a", "!a/b"], "a/b/d"), "kept is not left out");
        assert!(!prunes(&["*", "!**/*.go"], "x/y"), "any folder may hold such a file");
        assert!(!prunes(&["*", "!a/*.go"], "a") && prunes(&["*", "!a/*.go"], "b"));
        assert!(!prunes(&["*", "!a/b/**"], "a") && prunes(&["*", "!a/b/**"], "a/c"));
        assert!(!prunes(&["*", "!a*/x"], "ab") && !prunes(&["*", "!a*/x"], "abc/d"));
        assert!(prunes(&["!a/b", "a"], "a"), "only what comes later includes again");
        assert!(prunes(&["a", "!b"], "a") && prunes(&["a", "!ab"], "a"));
        assert!(prunes(&[], "") && prunes(&["."], "a") && !prunes(&[".", "!a/x"], "a"));
    }

    #[test]
    fn many_stars_take_no_long_time() {
        let pattern = "**/a*".repeat(40) + "b";
        let name = "a/".repeat(500);
        assert!(!rule(&[&pattern]).ignores(&path(&name)));
    }
}
