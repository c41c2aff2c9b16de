//! The one format of all golden files, and the harness that runs a folder of them.
//!
//! A case is a text file: a comment, then sections that begin with a line `-- NAME --`. Some sections are files of the case's
//! folder, some are its input (`args`, `script`), the last ones are what is expected (`diagnostics`, `trace`). With
//! `ORCH_UPDATE=1` the expected sections are written anew; `ORCH_CASE=TEXT` runs only the files whose path holds it.
//!
//! `-- NAME (escaped) --` is for bytes that an editor spoils: `\t`, `\r`, `\n`, `\\`, `\xNN` stand for themselves, and a
//! backslash at the end of a line takes the newline away.

use similar::TextDiff;
use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

/// One golden file.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// Where it is.
    pub(crate) path: PathBuf,
    comment: String,
    sections: Vec<Section>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Section {
    /// As written, with its ` (escaped)`.
    header: String,
    text: String,
}

impl Section {
    fn name(&self) -> &str {
        self.header.strip_suffix(" (escaped)").unwrap_or(&self.header)
    }

    fn bytes(&self) -> Vec<u8> {
        if self.header.ends_with(" (escaped)") { unescape(&self.text) } else { self.text.clone().into_bytes() }
    }
}

impl Case {
    /// Reads a case from its text.
    #[must_use]
    pub(crate) fn parse(path: &Path, text: &str) -> Self {
        let mut case = Self { path: path.to_owned(), comment: String::new(), sections: Vec::new() };
        for line in text.split_inclusive('\n') {
            let header = line.trim_end().strip_prefix("-- ").and_then(|rest| rest.strip_suffix(" --"));
            match (header, case.sections.last_mut()) {
                (Some(header), _) => case.sections.push(Section { header: header.to_owned(), text: String::new() }),
                (None, Some(section)) => section.text.push_str(line),
                (None, None) => case.comment.push_str(line),
            }
        }
        case
    }

    /// The text of a section.
    #[must_use]
    pub(crate) fn section(&self, name: &str) -> Option<&str> {
        self.sections.iter().find(|section| section.name() == name).map(|section| section.text.as_str())
    }

    /// The lines of a section that is a list; none when it is not there.
    #[must_use]
    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        self.section(name).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// All sections but those named, as files with their content.
    pub(crate) fn files<'a>(&'a self, but: &'a [&str]) -> impl Iterator<Item = (&'a str, Vec<u8>)> {
        let is_file = move |section: &&Section| !but.contains(&section.name());
        self.sections.iter().filter(is_file).map(|section| (section.name(), section.bytes()))
    }

    /// Writes the files into a folder.
    pub(crate) fn write_files(&self, folder: &Path, but: &[&str]) {
        for (name, bytes) in self.files(but) {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }

    /// This case with these expected sections: those that are empty are left out, new ones come last.
    fn with_expected(mut self, expected: &BTreeMap<&'static str, String>, names: &[&'static str]) -> Self {
        for name in names {
            let text = expected.get(name).filter(|text| !text.is_empty()).map(|text| ending_in_newline(text));
            let place = self.sections.iter().position(|section| section.header == *name);
            match (place, text) {
                (Some(place), Some(text)) => self.sections[place].text = text,
                (Some(place), None) => drop(self.sections.remove(place)),
                (None, Some(text)) => self.sections.push(Section { header: (*name).to_owned(), text }),
                (None, None) => {}
            }
        }
        self
    }

    fn text(&self) -> String {
        let sections = self.sections.iter().map(|section| format!("-- {} --\n{}", section.header, section.text));
        self.comment.clone() + &sections.collect::<String>()
    }
}

fn ending_in_newline(text: &str) -> String {
    if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            bytes.extend(c.encode_utf8(&mut [0; 4]).bytes());
            continue;
        }
        match chars.next() {
            Some('t') => bytes.push(b'\t'),
            Some('r') => bytes.push(b'\r'),
            Some('n') => bytes.push(b'\n'),
            Some('x') => {
                let digits: String = chars.by_ref().take(2).collect();
                bytes.push(u8::from_str_radix(&digits, 16).expect("two hexadecimal digits after \\x"));
            }
            Some('\n') | None => {}
            Some(other) => bytes.push(u8::try_from(other).expect("an ASCII letter after the backslash")),
        }
    }
    bytes
}

/// Runs all cases in `tests/cases/FOLDER`. `run` gives what came of a case, by the names of the expected sections; a section
/// that it does not give, or gives empty, must not be there.
pub(crate) fn check_folder(
    folder: &str,
    expected: &[&'static str],
    run: impl Fn(&Case) -> BTreeMap<&'static str, String>,
) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(folder);
    let only = env::var("ORCH_CASE").unwrap_or_default();
    let update = env::var_os("ORCH_UPDATE").is_some();
    let mut failures = Vec::new();
    for path in case_files(&root).into_iter().filter(|path| path.to_string_lossy().contains(&only)) {
        let text = fs::read_to_string(&path).unwrap();
        let case = Case::parse(&path, &text);
        let actual = case.clone().with_expected(&run(&case), expected).text();
        if actual == text {
            continue;
        }
        if update {
            fs::write(&path, actual).unwrap();
            continue;
        }
        let diff = TextDiff::from_lines(&text, &actual).unified_diff().context_radius(3).to_string();
        failures.push(format!("{}:\n{diff}", case.path.strip_prefix(&root).unwrap().display()));
    }
    let advice = "ORCH_UPDATE=1 rewrites what is expected";
    assert!(failures.is_empty(), "{} of {folder} differ ({advice})\n\n{}", failures.len(), failures.join("\n"));
}

fn case_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files.extend(case_files(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[test]
fn a_case_that_is_written_again_is_the_same_text() {
    let text = "A comment.\n-- Orchfile --\nx = 1\n\n-- sub/b (escaped) --\n\\tb\\xff\\\n-- trace --\none\n";
    let case = Case::parse(Path::new("a"), text);
    assert_eq!(case.text(), text);
    assert_eq!(case.files(&["trace"]).nth(1), Some(("sub/b", b"\tb\xff".to_vec())));
    let expected = BTreeMap::from([("diagnostics", "bad".to_owned())]);
    let updated = case.with_expected(&expected, &["trace", "diagnostics"]).text();
    assert_eq!(updated, text.replace("-- trace --\none\n", "-- diagnostics --\nbad\n"));
}
