//! What the interpreter says when a program goes wrong, in the words of somebody who wrote the file. Values are never shown:
//! they may be secret, or long.

use super::{Calls, signature, syntax};
use crate::{
    diag::suggest::{did_you_mean, suggest},
    orchfile::{
        context::{Context, STD},
        dialect::lexer::{Kind, tokens},
        fault::{Fault, Finding},
        outline, stdlib,
        text::Site,
    },
};
use starlark::{Error, ErrorKind};

/// What is wrong and what to do, of an error that no builtin of orch's made.
pub(super) fn explain(context: &Context<'_>, error: &Error, calls: &Calls) -> Finding {
    let message = error.without_diagnostic().to_string();
    let site = calls.site.as_ref();
    let fault = match error.kind() {
        ErrorKind::Fail(_) => failed(message.strip_prefix("fail:").unwrap_or(&message)),
        ErrorKind::StackOverflow(_) => Fault::new("orchfile::recursion", too_deep(context, calls))
            .help("does every chain of calls come to an end? use a loop for long ones"),
        ErrorKind::Scope(_) => unknown_name(context, &message),
        ErrorKind::Parser(_) if calls.callee.is_none() => syntax::explain(&message, site),
        ErrorKind::Function(_) => arguments(context, &message, calls),
        _ if message.starts_with("`load` statement") || message.starts_with("left-hand-side") => {
            syntax::explain(&message, site)
        }
        _ => runtime(context, &message, calls),
    };
    fault.into_finding()
}

fn failed(message: &str) -> Fault {
    let message = message.trim();
    Fault::new("orchfile::fail", if message.is_empty() { "the file gave up, without saying why" } else { message })
}

fn too_deep(context: &Context<'_>, calls: &Calls) -> String {
    let depth = context.request.limits.call_depth;
    let callee =
        calls.callee.as_deref().map_or_else(String::new, |name| format!(" of `{}`", super::function_name(name)));
    format!("more than {depth} calls{callee} within each other")
}

/// The parts of a message that stand in backticks.
fn quoted(message: &str) -> Vec<&str> {
    message.split('`').skip(1).step_by(2).collect()
}

fn unknown_name(context: &Context<'_>, message: &str) -> Fault {
    let parts = quoted(message);
    let Some(name) = parts.first() else { return Fault::new("orchfile::unknown_name", lower_first(message)) };
    let fault = Fault::new("orchfile::unknown_name", format!("there is nothing called `{name}`"));
    if let Some(instead) = foreign(name) {
        return fault.help(instead);
    }
    if let Some(file) = library_file(name) {
        return fault.help(format!("it is in the library: write `load(\"{file}\", \"{name}\")` before"));
    }
    let names: Vec<_> = context.globals.names().map(|name| name.as_str().to_owned()).collect();
    let known = names.iter().map(String::as_str).filter(|name| !name.starts_with('_'));
    let near = suggest(name, parts.get(1).copied().into_iter().chain(known));
    fault.maybe_help(near.map(|near| format!("did you mean `{near}`?")))
}

/// What other languages have.
fn foreign(name: &str) -> Option<&'static str> {
    Some(match name {
        "true" => "did you mean `True`?",
        "false" => "did you mean `False`?",
        "null" | "nil" | "none" | "undefined" => "did you mean `None`?",
        "open" | "file" => "read files with `read_file(path)`",
        "getenv" | "getcwd" | "environ" => "it is a member of `os`, as in `os.getenv(\"NAME\")`",
        "exists" | "abspath" | "basename" | "dirname" | "realpath" => "it is a member of `os.path`",
        "format" => "write `\"{}\".format(value)`",
        "Exception" | "ValueError" => "there are no exceptions: end with `fail(\"…\")`",
        "input" => "settings come from the command line: see `config.define_string`",
        "subprocess" | "exec" | "system" => "run commands with `local(command)`",
        "isinstance" => "compare `type(x)` with a text such as \"dict\"",
        "map" | "filter" | "sum" => "write a list comprehension or a loop",
        "glob" => "list folders with `listdir(path, recursive=True)`",
        _ => return None,
    })
}

/// The file of the standard library, or the extension in it, that defines a function of this name, as `load` takes it.
fn library_file(name: &str) -> Option<String> {
    let defines = |file: &&str| {
        let outline = stdlib::text(file).map(outline::outline).unwrap_or_default();
        !name.starts_with('_') && outline.functions.iter().any(|known| known.is_outer && known.name == name)
    };
    let file = stdlib::names().find(defines)?;
    let extension = file.strip_prefix("ext/").and_then(|file| file.strip_suffix("/Tiltfile"));
    Some(extension.map_or_else(|| format!("{STD}{file}"), |extension| format!("ext://{extension}")))
}

fn arguments(context: &Context<'_>, message: &str, calls: &Calls) -> Fault {
    let callee = calls.callee.as_deref().map(super::function_name).unwrap_or_default();
    let known = || {
        calls.site.as_ref().map(|site| signature::of_call(context, site, calls.callee.as_deref())).unwrap_or_default()
    };
    let parts = quoted(message);
    if message.starts_with("Missing ")
        && let Some(name) = parts.first()
    {
        if let Some(wrong) = calls.site.as_ref().and_then(|site| unknown_keyword(site, &known())) {
            return unknown_parameter(&callee, &wrong, &known());
        }
        return Fault::new("orchfile::arguments", format!("`{callee}` needs `{name}`"))
            .help(format!("add `{name}=…` to the call"));
    }
    if message.contains("extra named parameter")
        && let Some(name) = parts.first()
    {
        return unknown_parameter(&callee, name, &known());
    }
    if message.contains("occurs more than once")
        && let Some(name) = parts.first()
    {
        let message = format!("`{callee}` is given `{name}` twice, by its place and by its name");
        return Fault::new("orchfile::arguments", message).at_keyword(*name);
    }
    if message.contains("positional argument") {
        let known = known();
        let takes = if known.is_empty() { None } else { Some(format!("it takes {}", listed(&known))) };
        let counts = message.split_once("expected ").and_then(|(_, rest)| rest.split_once(", got "));
        let message = match counts {
            Some((expected, got)) => {
                format!("`{callee}` takes {} arguments by their place, not {got}", expected.trim())
            }
            None => format!("`{callee}` is given too many arguments"),
        };
        return Fault::new("orchfile::arguments", message).maybe_help(takes);
    }
    Fault::new("orchfile::arguments", lower_first(message))
}

fn listed(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn unknown_parameter(callee: &str, name: &str, known: &[String]) -> Fault {
    Fault::new("orchfile::unknown_parameter", format!("`{callee}` has no parameter `{name}`"))
        .at_keyword(name)
        .maybe_help(did_you_mean(name, known.iter().map(String::as_str)))
}

/// The first `name=` of a call that is none of the known names.
fn unknown_keyword(site: &Site, known: &[String]) -> Option<String> {
    let text = site.text();
    let all: Vec<_> =
        tokens(text).into_iter().filter(|token| !matches!(token.kind, Kind::Space | Kind::Lead)).collect();
    let mut open = 0_usize;
    for pair in all.windows(2) {
        match pair[0].kind {
            Kind::Open => open += 1,
            Kind::Close => open = open.saturating_sub(1),
            Kind::Word if open == 1 && &text[pair[1].range.clone()] == "=" => {
                let name = &text[pair[0].range.clone()];
                if !known.is_empty() && !known.iter().any(|known| known == name) {
                    return Some(name.to_owned());
                }
            }
            _ => {}
        }
    }
    None
}

/// All that can go wrong while values are computed.
fn runtime(context: &Context<'_>, message: &str, calls: &Calls) -> Fault {
    let parts = quoted(message);
    match (message, parts.as_slice()) {
        (_, ["(iter)", found, ..]) => not_iterable(found),
        (_, ["call()", found, ..]) => of_none(type_error(format!("{} cannot be called", a(found))), found),
        (_, ["cmp()", left, right]) => type_error(format!("`{left}` and `{right}` cannot be compared")),
        (_, ["[]", found, _]) => type_error(format!("{} has no elements", a(found))),
        (_, [operator, found]) if operator.starts_with('.') && message.starts_with("Operation") => {
            let name = operator.trim_start_matches('.').trim_end_matches('=');
            if operator.ends_with('=') {
                type_error(format!("the attributes of {} cannot be changed", a(found)))
            } else {
                unknown_attribute(found, name, None)
            }
        }
        (_, [operator, left, right]) if message.starts_with("Operation") => operation(operator, left, right),
        (_, [operator, found]) if message.starts_with("Operation") => {
            let operator = operator.strip_prefix("format(").and_then(|rest| rest.strip_suffix(')')).unwrap_or(operator);
            of_none(type_error(format!("`{operator}` does not work with {}", a(found))), found)
        }
        (_, [found, name, near @ ..]) if message.contains("has no attribute") => {
            unknown_attribute(found, name, near.first().copied())
        }
        (_, [name, ..]) if message.starts_with("Module has no symbol") => unknown_symbol(name, parts.get(1).copied()),
        (_, [name, ..]) if message.contains("private symbol") || message.contains("is not exported") => private(name),
        (_, [parameter, rest @ ..]) if message.starts_with("Type of parameter") => wrong_type(parameter, rest, calls),
        (_, [_, found, wanted, parameter]) if message.contains("type annotation") => {
            type_error(format!("`{parameter}` is to be `{wanted}`, not `{found}`"))
        }
        (_, [name]) if message.contains("referenced before assignment") => unset(name),
        (_, [key]) if message.starts_with("Key ") && message.ends_with("not found") => missing_key(key),
        (_, [key, ..]) if message.starts_with("Key ") => missing_key(key),
        (_, [found]) if message.ends_with("not hashable") => {
            type_error(format!("{} cannot be a key", a(found))).help("use a string, a number or a tuple")
        }
        (_, [index]) if message.starts_with("Index ") => {
            Fault::new("orchfile::missing_key", format!("there is no element {index}"))
                .help("the first is 0, and `len(…)` tells how many there are")
        }
        _ => plain(context, message),
    }
}

fn plain(context: &Context<'_>, message: &str) -> Fault {
    let limits = &context.request.limits;
    let file = context.executing_name();
    let value = |message: &str| Fault::new("orchfile::value", message);
    if message.starts_with("Execution duration limit") {
        let message = format!("`{file}` was stopped after {} steps", limits.ticks);
        return Fault::new("orchfile::limit", message).help("look for a loop that does not come to an end");
    }
    if message.starts_with("Heap memory limit") {
        let message = format!("`{file}` was stopped: its values took more than {} MiB", limits.heap_bytes >> 20);
        return Fault::new("orchfile::limit", message).help("look for a list or text that grows without end");
    }
    if message == "Evaluation cancelled" {
        return Fault::new("orchfile::cancelled", "the evaluation was cancelled");
    }
    if message == "Immutable" {
        let fault = Fault::new("orchfile::frozen", "this value cannot be changed");
        return fault.help("values of a loaded file are fixed once it is loaded: make a copy, or return a new value");
    }
    if message.starts_with("This operation mutates") {
        return Fault::new("orchfile::frozen", "this value cannot be changed while a loop walks over it")
            .help("walk over a copy: `for x in list(values):`");
    }
    if let Some((got, wanted)) =
        message.strip_prefix("Unpacked ").and_then(|rest| rest.split_once(" values but expected "))
    {
        return value(&format!("there are {got} values for {wanted} names"));
    }
    match message {
        "Not enough arguments for format string" | "Not enough parameters in format string" => {
            value("the format has more places than there are values")
        }
        "Too many arguments for format string" => value("the format has fewer places than there are values"),
        _ if message.starts_with("Unsupported format character") => {
            value("`%` knows only `%s`, `%r`, `%d`, `%i`, `%o`, `%x`, `%X`, `%e`, `%f` and `%g`, without a width")
                .help("pad texts with a function of your own, or use `str(…)`")
        }
        _ if message.contains("ivision by zero")
            || message.contains("odulo by zero")
            || message.contains("divide by zero") =>
        {
            value("division by zero")
        }
        _ if message.starts_with("Dictionary key repeated") => value("this key is there twice"),
        _ if message.starts_with("Cannot parse `") || message.starts_with("could not convert string") => {
            value("this text is no number")
        }
        _ if message.starts_with("Element '") => value("there is no such element"),
        _ => value(&lower_first(message)),
    }
}

fn type_error(message: impl Into<String>) -> Fault {
    Fault::new("orchfile::type", message)
}

/// A type with its article.
fn a(name: &str) -> String {
    match name.chars().next() {
        _ if name == "NoneType" => "`None`".to_owned(),
        Some('a' | 'e' | 'i' | 'o' | 'u') => format!("an `{name}`"),
        _ => format!("a `{name}`"),
    }
}

fn not_iterable(found: &str) -> Fault {
    let fault = type_error(format!("{} is nothing that can be walked over", a(found)));
    if found == "string" {
        fault.help("use `.elems()` for its characters, `.splitlines()` for its lines")
    } else {
        of_none(fault, found)
    }
}

/// Where a value is missing, the question is why.
fn of_none(fault: Fault, found: &str) -> Fault {
    if found == "NoneType" { fault.help("the value is `None`: where does it come from?") } else { fault }
}

fn operation(operator: &str, left: &str, right: &str) -> Fault {
    let fault = type_error(format!("`{operator}` does not work with {} and {}", a(left), a(right)));
    if left == "NoneType" || right == "NoneType" {
        return of_none(fault, "NoneType");
    }
    let with_text = operator == "+" && left != right && (left == "string" || right == "string");
    if with_text { fault.help("turn the other value into text with `str(…)`") } else { fault }
}

fn unknown_attribute(found: &str, name: &str, near: Option<&str>) -> Fault {
    // `os`, `config` and the like.
    let whose = if found == "namespace" { "this module".to_owned() } else { a(found) };
    let fault = Fault::new("orchfile::unknown_attribute", format!("{whose} has no `{name}`")).at_attribute(name);
    match (near, found) {
        (Some(near), "dict") => fault.help(format!("did you mean `{near}`, or `[\"{name}\"]` for the value of a key?")),
        (None, "dict") => fault.help(format!("write `[\"{name}\"]` for the value of a key")),
        (Some(near), _) => fault.help(format!("did you mean `{near}`?")),
        (None, "NoneType") => fault.help("the value is `None`: where does it come from?"),
        (None, "blob") => fault.help("turn it into text with `str(…)`"),
        _ => fault,
    }
}

fn unknown_symbol(name: &str, near: Option<&str>) -> Fault {
    Fault::new("orchfile::unknown_symbol", format!("the loaded file has nothing called `{name}`"))
        .at_literal(name)
        .maybe_help(near.map(|near| format!("did you mean `{near}`?")))
}

fn private(name: &str) -> Fault {
    if name.starts_with('_') {
        return Fault::new("orchfile::unknown_symbol", format!("`{name}` is private to its file"))
            .help("names that begin with `_` cannot be loaded")
            .at_literal(name);
    }
    unknown_symbol(name, None).help(format!("it loads `{name}` itself: load it from where it is defined"))
}

/// `rest` holds what is expected and the actual type, with the value behind it.
fn wrong_type(parameter: &str, rest: &[&str], calls: &Calls) -> Fault {
    let callee = calls.callee.as_deref().map(super::function_name).unwrap_or_default();
    let (Some(expected), Some(actual)) = (rest.first(), rest.get(1)) else {
        return type_error(format!("`{callee}` does not take this value for `{parameter}`")).at_argument(parameter);
    };
    let actual = actual.split(" (repr").next().unwrap_or(actual);
    let expected = expected.split(" | ").map(|name| format!("`{}`", plain_type(name))).collect::<Vec<_>>().join(" or ");
    type_error(format!("`{callee}` takes {expected} for `{parameter}`, not `{actual}`")).at_argument(parameter)
}

/// The name of a type as `type(x)` gives it.
fn plain_type(name: &str) -> &str {
    match name {
        "str" => "string",
        "None" => "NoneType",
        _ => name,
    }
}

fn unset(name: &str) -> Fault {
    Fault::new("orchfile::unset_name", format!("`{name}` has no value yet"))
        .help("a function that gives a name a value has a name of its own; to change one of the file's, keep it in a dict or list")
}

fn missing_key(key: &str) -> Fault {
    let content = key.trim_matches('"');
    let fault = Fault::new("orchfile::missing_key", format!("there is no key `{key}`")).at_literal(content);
    fault.help("use `.get(key, default)` for a key that may be missing")
}

/// The message as orch begins its own.
pub(super) fn lower_first(message: &str) -> String {
    let mut chars = message.trim_end_matches('.').chars();
    let is_word = message.chars().nth(1).is_some_and(char::is_lowercase);
    match chars.next() {
        Some(first) if is_word => first.to_lowercase().chain(chars).collect(),
        _ => message.to_owned(),
    }
}
