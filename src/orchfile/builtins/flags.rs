//! The arguments of `config.parse`, in the grammar of Go's `pflag`: `--name value`, `--name=value`, `--flag`, `--flag=false`,
//! repeated flags, `--` ends them, all else is positional.

/// What kind of value a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FlagKind {
    /// Its value may be left out, and stands behind `=` only.
    Switch,
    /// It needs a value.
    Value,
}

/// What an argument list says: flags with their values in their order, and positional arguments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Parsed {
    pub(crate) flags: Vec<(String, String)>,
    pub(crate) positional: Vec<String>,
}

/// What is wrong with an argument list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FlagFault {
    Unknown(String),
    NeedsValue(String),
    Malformed(String),
}

/// Takes the arguments apart; `kind_of` knows the flags.
pub(crate) fn parse(args: &[String], kind_of: impl Fn(&str) -> Option<FlagKind>) -> Result<Parsed, FlagFault> {
    let mut parsed = Parsed::default();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--" {
            parsed.positional.extend(args.cloned());
            break;
        }
        let Some(flag) = arg.strip_prefix("--") else {
            if arg.len() > 1 && arg.starts_with('-') {
                return Err(FlagFault::Malformed(arg.clone()));
            }
            parsed.positional.push(arg.clone());
            continue;
        };
        let (name, value) = flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value)));
        if name.is_empty() || name.starts_with('-') {
            return Err(FlagFault::Malformed(arg.clone()));
        }
        let value = match (kind_of(name).ok_or_else(|| FlagFault::Unknown(name.to_owned()))?, value) {
            (_, Some(value)) => value.to_owned(),
            (FlagKind::Switch, None) => "true".to_owned(),
            (FlagKind::Value, None) => args.next().ok_or_else(|| FlagFault::NeedsValue(name.to_owned()))?.clone(),
        };
        parsed.flags.push((name.to_owned(), value));
    }
    Ok(parsed)
}

/// A truth value as Go's `strconv.ParseBool` reads it.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(args: &str) -> Result<Parsed, FlagFault> {
        let args: Vec<String> = args.split(' ').map(str::to_owned).collect();
        parse(&args, |name| match name {
            "on" => Some(FlagKind::Switch),
            "name" | "list" => Some(FlagKind::Value),
            _ => None,
        })
    }

    #[test]
    fn arguments_follow_pflag() {
        let parsed = run("a --on --name x --list=y,z --name= - --on=false b -- --name").unwrap();
        let flags = [("on", "true"), ("name", "x"), ("list", "y,z"), ("name", ""), ("on", "false")];
        assert_eq!(parsed.flags, flags.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(parsed.positional, ["a", "-", "b", "--name"]);
        assert_eq!(run("--nmae=x"), Err(FlagFault::Unknown("nmae".to_owned())));
        assert_eq!(run("--on --name"), Err(FlagFault::NeedsValue("name".to_owned())));
        assert_eq!(run("-n"), Err(FlagFault::Malformed("-n".to_owned())));
    }
}
