//! Words of a POSIX shell: quoting and splitting.

/// The text as one word of a shell, as Python's `shlex.quote` writes it.
pub(crate) fn quote(text: &str) -> String {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !text.is_empty() && text.chars().all(is_safe) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\"'\"'"))
}

/// The words of a text, as Python's `shlex.split` and compose read it: quotes and backslashes, nothing else. `None` when a quote
/// is not closed.
pub(crate) fn split(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => double_quoted(&mut chars, word.get_or_insert_default())?,
            '\\' => word.get_or_insert_default().push(chars.next()?),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words)
}

/// Reads to the end of a double quote, in which a backslash stands for itself but before `"` and `\`.
fn double_quoted(chars: &mut std::str::Chars<'_>, word: &mut String) -> Option<()> {
    loop {
        match chars.next()? {
            '"' => return Some(()),
            '\\' => match chars.next()? {
                c @ ('"' | '\\') => word.push(c),
                c => word.extend(['\\', c]),
            },
            c => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_needs_it_is_quoted() {
        assert_eq!(["a/b-c=1", "", "it's", "ü"].map(quote), ["a/b-c=1", "''", "'it'\"'\"'s'", "'ü'"]);
    }

    #[test]
    fn words_are_split_at_blanks_outside_of_quotes() {
        let words = |text| split(text).map(|words| words.join("|"));
        for (text, expected) in [
            ("postgres -c fsync=off", "postgres|-c|fsync=off"),
            ("sh -c 'a b \"c\"'", "sh|-c|a b \"c\""),
            (r#"echo "it's \"x\" \n""#, r#"echo|it's "x" \n"#),
            (r"a\ b c", "a b|c"),
            ("x''y ''", "xy|"),
            ("  ", ""),
        ] {
            assert_eq!(words(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["'a", "\"a", "a\\"] {
            assert_eq!(split(text), None, "{text}");
        }
    }
}
