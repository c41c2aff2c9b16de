//! What the compose tool says is wrong, in orch's form: without what only a terminal needs, and with the place in the compose
//! file where it tells one.

use crate::{
    diag::Label,
    orchfile::{
        Fault,
        builtins::yaml,
        context::Context,
        draft::ComposeText,
        text::{OffsetMap, SourceText},
    },
};
use regex::{Captures, Regex};
use std::{ops::Range, sync::LazyLock};

/// So many lines of what the tool says are shown.
const LINES_MAX: usize = 12;

/// `yaml: line 3: …`.
static LINE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\bline (\d+)\b").ok());
/// `services.web.image`, `services[web].mem_limit`.
static FIELD: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\b(?:services|networks|volumes|configs|secrets)(?:\.[\w-]+|\[[\w-]+\])+").ok());
/// `Additional property imagee is not allowed`; `service "a" depends on undefined service "b"`; `Invalid hostPort: 99951`.
static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let words = [
        r"[Aa]dditional propert(?:y|ies) '?([\w-]+)",
        r#"undefined \w+ "?([\w.-]+\b)"?"#,
        r"Invalid (?:hostPort|containerPort|proto): (\S+)",
        r"Invalid ip address (\S+?): ",
        r"^open (\S+): no such file",
    ];
    Regex::new(&words.join("|")).ok()
});
/// `service "a" has neither an image nor a build context specified`; `dependency cycle detected: a -> b -> a`.
static KEY: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"service "([^"]+)" has neither|cycle detected: ([\w.-]+)"#).ok());

/// The tool is nowhere to be found.
pub(super) fn no_tool() -> Fault {
    let message =
        "compose files need Docker's compose tool, and neither `docker compose` nor `docker-compose` is there";
    Fault::new("orchfile::no_compose", message).help(
        "install the package `docker-compose-plugin` (Docker's own), or `docker-compose` of version 2 (Debian 13, Fedora, Homebrew)",
    )
}

/// What the tool printed on its standard error.
pub(super) struct Said {
    /// What it warned of.
    pub warnings: Vec<String>,
    /// The rest.
    lines: Vec<String>,
}

impl Said {
    /// Reads it; paths are shown as orch shows them.
    pub(super) fn of(stderr: &str, context: &Context<'_>) -> Self {
        let shown = stderr.replace(&format!("{}/", context.root), "");
        let mut said = Self { warnings: Vec::new(), lines: Vec::new() };
        for line in shown.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
            match warning(line) {
                // Every older file has it, and it says itself that it does not matter.
                Some(text) if text.contains("`version` is obsolete") => {}
                Some(text) => said.warnings.push(text),
                None if line.starts_with("time=") => {}
                None => said.lines.push(line.to_owned()),
            }
        }
        said
    }

    /// Why the files were refused.
    pub(super) fn refusal(&self, code: i32, texts: &[ComposeText], context: &Context<'_>) -> Fault {
        let from = self.lines.len().saturating_sub(LINES_MAX);
        let text = self.lines[from..].join("\n");
        let reason = if text.is_empty() { format!("it ended with exit code {code}") } else { text };
        let fault = Fault::new("orchfile::invalid_compose_file", format!("docker compose refuses this: {reason}"));
        fault.further(place(&reason, texts, context))
    }
}

/// The text of `time="…" level=warning msg="…"`.
fn warning(line: &str) -> Option<String> {
    let (_, text) = line.strip_prefix("time=")?.split_once("level=warning msg=")?;
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    Some(text.replace("\\\"", "\"").replace("\\n", " ").trim_end_matches('.').to_owned())
}

/// Where in the texts the message points to, if it says.
fn place(message: &str, texts: &[ComposeText], context: &Context<'_>) -> Option<Label> {
    let shown = |text: &ComposeText| text.path.as_ref().map(|path| context.display(path));
    let label = |text: &ComposeText, range| {
        let name = shown(text).unwrap_or_else(|| "(inline)".to_owned());
        SourceText::new(text.path.clone(), name, text.text.clone(), OffsetMap::default()).label(range, "here")
    };
    if message.starts_with("yaml:") {
        // The tool's reader counts lines from where the thing began that it could not finish: orch's own tells better.
        let own = |text: &ComposeText| Some((text.clone(), yaml::parse_stream(&text.text).err()?));
        let (text, error) = texts.iter().find_map(own)?;
        return line_of(&error, &text.text).map(|range| label(&text, range));
    }
    let named = texts.iter().find(|text| shown(text).is_some_and(|name| message.contains(&name)));
    if let Some(text) = named.or_else(|| Some(texts).filter(|texts| texts.len() == 1)?.first()) {
        let range = line_of(message, &text.text).or_else(|| named_in(message, &text.text));
        return Some(label(text, range.or_else(|| field_of(message, &text.text))?));
    }
    texts.iter().find_map(|text| Some(label(text, named_in(message, &text.text)?)))
}

/// The place of the word or the key that the message is about.
fn named_in(message: &str, text: &str) -> Option<Range<usize>> {
    if let Some(key) = KEY.as_ref()?.captures(message).and_then(first) {
        return key_after(text, 0, key);
    }
    let from = field_of(message, text).map_or(0, |field| field.end);
    word_after(text, from, WORD.as_ref()?.captures(message).and_then(first)?)
}

/// What the first group holds that matched.
fn first(found: Captures<'_>) -> Option<&str> {
    found.iter().skip(1).flatten().next().map(|found| found.as_str())
}

fn line_of(message: &str, text: &str) -> Option<Range<usize>> {
    let number: usize = LINE.as_ref()?.captures(message)?.get(1)?.as_str().parse().ok()?;
    let before: usize = text.split_inclusive('\n').take(number.checked_sub(1)?).map(str::len).sum();
    let line = text.get(before..)?.lines().next()?;
    let indent = line.len() - line.trim_start().len();
    Some(before + indent..before + line.trim_end().len())
}

/// The place of the last key that the message names, found by looking for one key after the other.
fn field_of(message: &str, text: &str) -> Option<Range<usize>> {
    let path = FIELD.as_ref()?.find(message).map_or("", |found| found.as_str());
    let mut found = None;
    let mut from = 0;
    for key in path.split(['.', '[', ']']).filter(|key| !key.is_empty()) {
        let Some(place) = key_after(text, from, key) else { break };
        from = place.end;
        found = Some(place);
    }
    found
}

fn key_after(text: &str, from: usize, key: &str) -> Option<Range<usize>> {
    find_after(text, from, &format!(r#"(?m)(?:^|[\s{{,"'])({}["']?)\s*:"#, regex::escape(key)))
}

fn word_after(text: &str, from: usize, word: &str) -> Option<Range<usize>> {
    find_after(text, from, &format!(r"\b({})\b", regex::escape(word)))
}

fn find_after(text: &str, from: usize, pattern: &str) -> Option<Range<usize>> {
    let found = Regex::new(pattern).ok()?.captures(text.get(from..)?)?.get(1)?.range();
    Some(from + found.start..from + found.end)
}
