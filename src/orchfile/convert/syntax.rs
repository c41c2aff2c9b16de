//! What the parser says, in the words of somebody who wrote the file.

use crate::{
    diag::Label,
    orchfile::{
        dialect::lexer::{Kind, tokens},
        fault::Fault,
        text::Site,
    },
};
use std::fmt::Write;

/// The code of everything that the parser refuses.
pub(super) const CODE: &str = "orchfile::syntax";

/// The place that a syntax error is shown at: never behind the last line, and not the end of the line before it.
pub(super) fn place(site: &Site) -> Site {
    let (text, mut range) = (site.source.text(), site.range.clone());
    let last = text.trim_end().len();
    if range.start >= last {
        range = last.saturating_sub(1)..last;
        while !text.is_char_boundary(range.start) {
            range.start -= 1;
        }
    } else if range.len() > 1 && text[range.clone()].starts_with('\n') {
        range.start += 1;
    }
    Site { source: site.source.clone(), range }
}

/// What is wrong and what to do, from the parser's message and the place it points at.
pub(super) fn explain(message: &str, site: Option<&Site>) -> Fault {
    let message = message.strip_prefix("Parse error: ").unwrap_or(message);
    let line = site.map_or("", |site| site.line());
    if ["<<<<<<<", "=======", ">>>>>>>"].iter().any(|mark| line.starts_with(mark)) {
        let fault = Fault::new(CODE, "this line is the mark of a merge that was not finished");
        return fault.help("keep one of the two versions and remove the marks");
    }
    if let Some(keyword) = between(message, "cannot use reserved keyword `", "`") {
        return reserved(keyword);
    }
    if let Some(input) = between(message, "invalid input `", "`") {
        return invalid_input(input);
    }
    if let Some(advice) = foreign(message, line.trim_start()) {
        return Fault::new(CODE, reworded(message).0).help(advice);
    }
    let (message, help) = reworded(message);
    let quotes = line.matches('"').count();
    let help = help.map(|help| {
        if help == MISSING_COMMA && quotes % 2 == 1 { "is a string in this line not closed?".to_owned() } else { help }
    });
    Fault::new(CODE, message).maybe_help(help)
}

/// What to write instead of what other languages have.
fn foreign(message: &str, line: &str) -> Option<&'static str> {
    let found = message.strip_prefix("unexpected ")?.split_once(", expected ")?.0;
    Some(match found {
        "symbol '//'" if line.starts_with("//") => "comments begin with `#`",
        "symbol '&'" => "write `and`",
        "symbol '|'" => "write `or`",
        "symbol '='" if ["if ", "elif ", "while "].iter().any(|word| line.starts_with(word)) => "compare with `==`",
        "symbol ':'" if line.contains(":=") => "give the name its value in a line of its own",
        _ if line.starts_with("print ") => "`print` is a function: write `print(…)`",
        _ if line.starts_with("else if ") => "write `elif`",
        _ => return None,
    })
}

const MISSING_COMMA: &str = "is a comma or a bracket missing before it?";

fn reserved(keyword: &str) -> Fault {
    let (message, help) = match keyword {
        "import" | "from" => ("there is no `import`", "write `load(\"./file.star\", \"name\")`"),
        "is" => ("there is no `is`", "compare with `==`"),
        "global" | "nonlocal" => {
            ("a function cannot rebind the names of its file", "keep what changes in a dict or list, or return it")
        }
        "class" => ("there are no classes", "use `struct(…)` and functions"),
        "try" | "except" | "finally" | "raise" => {
            ("there are no exceptions", "test for what may be wrong before, and end with `fail(\"…\")`")
        }
        "with" => ("there is no `with`", "read files with `read_file(path)`"),
        "yield" | "async" | "await" => ("functions run to their end at once", "return a list"),
        "del" => ("there is no `del`", "use `.pop(…)`"),
        "assert" => ("there is no `assert`", "write `if not …: fail(\"…\")`"),
        _ => {
            return Fault::new(CODE, format!("`{keyword}` is reserved and cannot be used here"))
                .help("use another name");
        }
    };
    Fault::new(CODE, message).help(help)
}

fn invalid_input(input: &str) -> Fault {
    let fault = Fault::new(CODE, format!("the character `{input}` cannot stand here"));
    match input {
        "“" | "”" | "„" | "‘" | "’" | "«" | "»" => fault.help("write straight quotes: `\"` or `'`"),
        "@" => fault.help("there are no decorators: call the function yourself"),
        "?" | "$" => fault.help("if it belongs to a text, put the text in quotes"),
        _ => fault,
    }
}

fn reworded(message: &str) -> (String, Option<String>) {
    let help = |text: &str| Some(text.to_owned());
    match message {
        "unfinished string literal" => {
            return ("this string is not closed".to_owned(), help("end it with the quote that it begins with"));
        }
        "incorrect indentation" => {
            return (
                "this line begins in a column where no block begins".to_owned(),
                help("align it with the block that it belongs to"),
            );
        }
        "`load` must only occur at the top of a module" => {
            return (
                "`load` can only stand at the top level of a file".to_owned(),
                help("use `load_dynamic(path)` within functions and conditions"),
            );
        }
        "`load` statement requires at least two arguments" => {
            return ("this `load` names nothing to load".to_owned(), help("write `load(\"./file.star\", \"name\")`"));
        }
        "unfinished f-string expression" => return ("this `{` is not closed".to_owned(), None),
        _ => {}
    }
    if message.starts_with("unexpected new indentation block") {
        return (
            "this line is indented, and no block begins above it".to_owned(),
            help("remove the blanks at its start"),
        );
    }
    if message.contains("expected new indentation block") {
        return (
            "the block that belongs here is missing".to_owned(),
            help("write `pass` for a block that does nothing"),
        );
    }
    if message.contains("comparisons are not associative") {
        return ("comparisons cannot be chained".to_owned(), help("write `a < b and b < c`"));
    }
    if let Some((found, wanted)) = message.strip_prefix("unexpected ").and_then(|rest| rest.split_once(", expected ")) {
        let what = format!("unexpected {}, expected {}", piece(found), piece(wanted));
        return (what, advice(found, wanted));
    }
    (super::explain::lower_first(message), None)
}

/// `symbol ':'` becomes `` `:` ``, `identifier 'x'` becomes `` `x` ``.
fn piece(text: &str) -> String {
    match text.split_once(['\'', '"']) {
        Some((kind, rest)) => {
            let content = rest.strip_suffix(['\'', '"']).unwrap_or(rest);
            let kind = kind.trim().replace("symbol", "").replace("string literal", "string");
            let mut piece = kind.replace("identifier", "").trim().to_owned();
            if !piece.is_empty() {
                piece.push(' ');
            }
            // Writing to a string cannot fail.
            piece.write_fmt(format_args!("`{content}`")).map_or_else(|_| text.to_owned(), |()| piece)
        }
        None => text.replace("new line", "end of the line").replace("end of file", "end of the file"),
    }
}

fn advice(found: &str, wanted: &str) -> Option<String> {
    let advice = match wanted {
        "symbol ':'" if found == "new line" => "end the line with `:`",
        "symbol ')'" | "symbol ']'" | "symbol '}'"
            if found.starts_with("identifier") || found.starts_with("string") =>
        {
            MISSING_COMMA
        }
        "string literal" if found.starts_with("identifier") => "`load` takes paths and names as literal strings",
        "new line" if found.starts_with("string literal") => "join strings with `+`",
        "new line" if found == "symbol '='" => "give each name its value in a line of its own",
        _ => return None,
    };
    Some(advice.to_owned())
}

/// Where a bracket was opened that is still open at the place of a syntax error, if that is on another line.
pub(super) fn unclosed(code: &str, site: &Site) -> Option<Label> {
    if code != CODE {
        return None;
    }
    let before = &site.source.text()[..site.range.start];
    let mut open = Vec::new();
    for token in tokens(before) {
        match token.kind {
            Kind::Open => open.push(token.range),
            Kind::Close => drop(open.pop()),
            _ => {}
        }
    }
    let bracket = open.pop()?;
    let label = site.source.label(bracket, "opened here");
    (label.location.line != site.location().line).then_some(label)
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split_once(after).map(|(found, _)| found)
}
