//! Dockerfiles, as far as orch must read them: which instruction is on which lines, and which images it is made of. Reads any
//! text and complains of nothing: whether it is a Dockerfile says the engine that builds it.

use std::{
    collections::{BTreeMap, BTreeSet},
    iter::Peekable,
    ops::RangeInclusive,
};

/// The instructions of a Dockerfile, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dockerfile {
    /// All of them.
    pub instructions: Vec<Instruction>,
}

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// `FROM`, `RUN`, …, in capitals.
    pub keyword: String,
    /// What follows it, continued lines joined, without comments and without here-documents.
    pub rest: String,
    /// Its lines, counted from 1, here-documents included.
    pub lines: RangeInclusive<usize>,
}

/// An image that a Dockerfile names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedImage {
    /// The reference, variables replaced.
    pub reference: String,
    /// The index of the instruction.
    pub instruction: usize,
    /// The word as it is written there.
    word: String,
}

impl Dockerfile {
    /// Reads a text.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let escape = escape_character(text);
        let mut lines = (1..).zip(text.lines()).peekable();
        let mut instructions = Vec::new();
        while let Some((first, line)) = lines.next() {
            if !is_blank_or_comment(line) {
                instructions.push(instruction(first, line, escape, &mut lines));
            }
        }
        Self { instructions }
    }

    /// The images of `FROM`, `COPY --from` and `RUN --mount=from=`, in their order, but stages of the Dockerfile itself and
    /// `scratch`. `arguments` are the build arguments; `None` is one whose value is not known.
    #[must_use]
    pub fn images(&self, arguments: &BTreeMap<String, Option<String>>) -> Vec<NamedImage> {
        let mut variables = BTreeMap::new();
        let mut stages = BTreeSet::new();
        let mut images = Vec::new();
        for (index, instruction) in self.instructions.iter().enumerate() {
            if instruction.keyword == "ARG" && stages.is_empty() {
                declare(&instruction.rest, arguments, &mut variables);
            }
            let is_stage = |name: &str| stages.contains(&name.to_lowercase()) || name.parse::<usize>().is_ok();
            for (word, name) in instruction.named() {
                // Variables are replaced in `FROM` alone, but elsewhere those of the first lines may be meant.
                let reference = expand(name, &variables);
                if reference != "scratch" && !reference.is_empty() && !is_stage(&reference) {
                    images.push(NamedImage { reference, instruction: index, word: word.to_owned() });
                }
            }
            if instruction.keyword == "FROM" {
                // A stage without a name still ends the first lines.
                stages.insert(instruction.stage().unwrap_or_default().to_lowercase());
            }
        }
        images
    }

    /// `text`, the one that was parsed, with other references for some of its `images`. Lines stay where they are.
    #[must_use]
    pub fn with_images(&self, text: &str, replaced: &[(NamedImage, String)]) -> String {
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        for (image, reference) in replaced {
            let Some(instruction) = self.instructions.get(image.instruction) else { continue };
            let word = replaced_word(&image.word, reference, &instruction.keyword);
            for number in instruction.lines.clone() {
                let Some(line) = lines.get_mut(number - 1) else { break };
                if let Some(at) = find_word(line, &image.word) {
                    line.replace_range(at..at + image.word.len(), &word);
                    break;
                }
            }
        }
        lines.concat()
    }
}

impl Instruction {
    /// The words that are no flags.
    fn operands(&self) -> impl Iterator<Item = &str> {
        self.rest.split_whitespace().skip_while(|word| word.starts_with("--"))
    }

    /// The images or stages that it names, each with the word that holds it.
    fn named(&self) -> Vec<(&str, &str)> {
        let flags = self.rest.split_whitespace().take_while(|word| word.starts_with("--"));
        match self.keyword.as_str() {
            "FROM" => self.base().map(|word| (word, word)).into_iter().collect(),
            "COPY" => flags.filter_map(|flag| Some((flag, flag.strip_prefix("--from=")?))).collect(),
            "RUN" => flags.filter_map(|flag| Some((flag, mounted_from(flag)?))).collect(),
            _ => Vec::new(),
        }
    }

    /// What a `FROM` starts from, as it is written.
    #[must_use]
    pub fn base(&self) -> Option<&str> {
        (self.keyword == "FROM").then(|| self.operands().next()).flatten()
    }

    /// What a `FROM` calls its stage.
    #[must_use]
    pub fn stage(&self) -> Option<&str> {
        let mut operands = self.operands().skip(1);
        let named = self.keyword == "FROM" && operands.next().is_some_and(|word| word.eq_ignore_ascii_case("as"));
        named.then(|| operands.next()).flatten()
    }
}

/// Replaces `$NAME`, `${NAME}`, `${NAME:-other}` and `${NAME:+other}`; what is not known is empty.
#[must_use]
pub fn expand(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.trim_matches(['"', '\'']);
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some((inside, after)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            out.push_str(&substitute(inside, variables));
            rest = after;
        } else {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            out.push_str(variables.get(&rest[..end]).map_or("", String::as_str));
            rest = &rest[end..];
        }
    }
    out + rest
}

/// What stands between `${` and `}`.
fn substitute(inside: &str, variables: &BTreeMap<String, String>) -> String {
    let end = inside.find([':', '-', '+']).unwrap_or(inside.len());
    let (name, operation) = inside.split_at(end);
    let (operation, or_empty) = operation.strip_prefix(':').map_or((operation, false), |rest| (rest, true));
    let value = variables.get(name).filter(|value| !(or_empty && value.is_empty()));
    match (operation.strip_prefix('-'), operation.strip_prefix('+'), value) {
        (Some(other), _, None) => expand(other, variables),
        (_, Some(other), Some(_)) => expand(other, variables),
        (_, Some(_), None) => String::new(),
        (_, _, value) => value.cloned().unwrap_or_default(),
    }
}

/// `ARG NAME` and `ARG NAME=default`, several at once.
fn declare(rest: &str, arguments: &BTreeMap<String, Option<String>>, variables: &mut BTreeMap<String, String>) {
    for word in rest.split_whitespace() {
        let (name, default) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        let given = arguments.get(name).and_then(Option::clone);
        if let Some(value) = given.or_else(|| default.map(|value| expand(value, variables))) {
            variables.insert(name.to_owned(), value);
        }
    }
}

/// What `--mount=…,from=NAME` names.
fn mounted_from(flag: &str) -> Option<&str> {
    flag.strip_prefix("--mount=")?.split(',').find_map(|part| part.strip_prefix("from="))
}

/// What takes the place of a word that names an image.
fn replaced_word(word: &str, reference: &str, keyword: &str) -> String {
    match keyword {
        "COPY" => format!("--from={reference}"),
        "RUN" => {
            let part = |part: &str| {
                let other = format!("from={reference}");
                if part.starts_with("from=") { other } else { part.to_owned() }
            };
            let parts: Vec<_> = word.trim_start_matches("--mount=").split(',').map(part).collect();
            format!("--mount={}", parts.join(","))
        }
        _ => reference.to_owned(),
    }
}

/// Where `word` stands in `line` with nothing but white space around it.
fn find_word(line: &str, word: &str) -> Option<usize> {
    let alone = |(at, _): &(usize, &str)| {
        let before = line[..*at].chars().next_back().is_none_or(char::is_whitespace);
        before && line[at + word.len()..].chars().next().is_none_or(|c| c.is_whitespace() || c == '\\' || c == '`')
    };
    line.match_indices(word).find(alone).map(|(at, _)| at)
}

fn is_blank_or_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}

/// What the directive `# escape=` says, which must stand before all else but other directives.
fn escape_character(text: &str) -> char {
    let directive = |line: &str| {
        let (name, value) = line.trim().strip_prefix('#')?.split_once('=')?;
        let name = name.trim();
        name.chars().all(|c| c.is_ascii_alphanumeric()).then(|| (name.to_lowercase(), value.trim().to_owned()))
    };
    let mut directives = text.lines().map_while(directive);
    let escape = directives.find(|(name, _)| name == "escape");
    if escape.is_some_and(|(_, value)| value == "`") { '`' } else { '\\' }
}

/// The instruction that starts with this line; takes the lines that belong to it.
fn instruction<'a>(
    first: usize,
    line: &'a str,
    escape: char,
    lines: &mut Peekable<impl Iterator<Item = (usize, &'a str)>>,
) -> Instruction {
    let (mut last, mut text) = (first, String::new());
    let mut next = Some(line);
    while let Some(line) = next.take() {
        let continued = line.trim_end_matches([' ', '\t', '\r']).strip_suffix(escape);
        text.push_str(continued.unwrap_or(line));
        while continued.is_some() && next.is_none() {
            let Some((number, line)) = lines.next() else { break };
            last = number;
            next = Some(line).filter(|line| !is_blank_or_comment(line));
        }
    }
    let text = text.trim();
    let (keyword, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let keyword = keyword.to_uppercase();
    for end in here_documents(&keyword, rest) {
        for (number, line) in lines.by_ref() {
            last = number;
            if line.trim_start_matches('\t').trim_end_matches('\r') == end {
                break;
            }
        }
    }
    Instruction { keyword, rest: rest.trim().to_owned(), lines: first..=last }
}

/// The words that end the here-documents of an instruction.
fn here_documents(keyword: &str, rest: &str) -> Vec<String> {
    if !matches!(keyword, "RUN" | "COPY" | "ADD") || rest.starts_with('[') {
        return Vec::new();
    }
    let starts = rest.split_whitespace().filter_map(|word| {
        let word = word.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix("<<")?;
        let word = word.strip_prefix('-').unwrap_or(word).trim_matches(['"', '\'']);
        let end = word.find(|c: char| !c.is_alphanumeric() && !"_.-".contains(c)).unwrap_or(word.len());
        Some(word[..end].to_owned()).filter(|word| !word.is_empty())
    });
    starts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let show = |i: &Instruction| format!("{}-{} {} {}", i.lines.start(), i.lines.end(), i.keyword, i.rest);
        Dockerfile::parse(text).instructions.iter().map(show).collect()
    }

    fn images(text: &str, arguments: &[(&str, &str)]) -> Vec<String> {
        let arguments = arguments.iter().map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned())));
        let images = Dockerfile::parse(text).images(&arguments.collect());
        images.into_iter().map(|image| image.reference).collect()
    }

    #[test]
    fn instructions_have_their_lines() {
        let text =
            "# syntax=x\n\nfrom a AS b\nRUN one && \\\n  # why\n\n  two\n COPY . .\r\nRUN x \\ \n y\nCMD [\"a\"]";
        let expected =
            ["3-3 FROM a AS b", "4-7 RUN one &&   two", "8-8 COPY . .", "9-10 RUN x  y", "11-11 CMD [\"a\"]"];
        assert_eq!(shown(text), expected);
        assert_eq!(shown("# escape=`\nRUN a `\n b\nRUN c \\\nX"), ["2-3 RUN a  b", "4-4 RUN c \\", "5-5 X "]);
        assert_eq!(shown("# a\n# escape=`\nRUN a \\\nb"), ["3-4 RUN a b"]);
        assert_eq!(shown("RUN a \\"), ["1-1 RUN a"]);
    }

    #[test]
    fn here_documents_are_no_instructions() {
        let text = "RUN <<EOF\nFROM x\nEOF\nCOPY <<-'a' <<b /d/\nx\n\ta\ny\nb\nRUN cat <<EOF >f && x\n1\nEOF\nENV A=<<B\nRUN y";
        let expected = [
            "1-3 RUN <<EOF",
            "4-8 COPY <<-'a' <<b /d/",
            "9-11 RUN cat <<EOF >f && x",
            "12-12 ENV A=<<B",
            "13-13 RUN y",
        ];
        assert_eq!(shown(text), expected);
    }

    #[test]
    fn images_are_those_that_are_no_stages() {
        let text = "FROM --platform=linux/amd64 go:1 AS Build\nFROM build\nCOPY --from=BUILD a b\nCOPY --chown=1 --from=tools:2 a b\nCOPY --from=0 a b\nFROM scratch\nCOPY from=x y\nRUN --network=none --mount=type=bind,from=m:1,target=/m --mount=type=bind,from=build,target=/b --mount=target=. x --mount=from=y";
        assert_eq!(images(text, &[]), ["go:1", "tools:2", "m:1"]);
    }

    #[test]
    fn arguments_before_the_first_stage_are_replaced() {
        let text = "ARG A=base B\nARG T=${A}-x\nFROM $A:${T}\nFROM ${B:-none}\nFROM ${B:+some}\nFROM \"$C\"\nARG A=no\nFROM $A";
        assert_eq!(images(text, &[]), ["base:base-x", "none", "base"]);
        assert_eq!(images(text, &[("A", "a"), ("B", "b"), ("C", "c")]), ["a:a-x", "b", "some", "a"]);
    }

    #[test]
    fn references_are_replaced_where_they_stand() {
        let text = "FROM app AS app2 # app\nFROM \\\n  --platform=x \\\n  app\\\n AS b\nCOPY --from=app app app\nRUN --mount=type=bind,from=app,target=/a app\n";
        let dockerfile = Dockerfile::parse(text);
        let named = dockerfile.images(&BTreeMap::new());
        let replaced: Vec<_> = named.into_iter().map(|image| (image, "app:orch-1".to_owned())).collect();
        let expected = "FROM app:orch-1 AS app2 # app\nFROM \\\n  --platform=x \\\n  app:orch-1\\\n AS b\nCOPY --from=app:orch-1 app app\nRUN --mount=type=bind,from=app:orch-1,target=/a app\n";
        assert_eq!(dockerfile.with_images(text, &replaced), expected);
    }
}
