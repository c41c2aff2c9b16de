//! Quoting for a POSIX shell.

/// The text as one word of a shell, as Python's `shlex.quote` writes it.
pub(crate) fn quote(text: &str) -> String {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !text.is_empty() && text.chars().all(is_safe) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\"'\"'"))
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn only_what_needs_it_is_quoted() {
        assert_eq!(["a/b-c=1", "", "it's", "ü"].map(quote), ["a/b-c=1", "''", "'it'\"'\"'s'", "'ü'"]);
    }
}
