//! What is mounted, as `docker run --volume` takes it.

use crate::{
    model::{ContainerSpec, Volume, VolumeSource},
    orchfile::{
        Fault,
        builtins::unpack::{Kind, OneOrList, TextOrList, Unfit},
        context::resolve_path,
    },
};
use starlark::{
    eval::Evaluator,
    values::{Heap, Value},
};

const FORMS: &str = "write it as \"./data:/data\", \"NAME:/data:ro\" or \"/data\"";

/// A volume as it is written.
pub(super) struct Written {
    source: Source,
    target: String,
    read_only: bool,
}

enum Source {
    Path(String),
    Name(String),
    Anonymous,
}

/// One volume or several; None is none.
pub(super) enum Volumes {}

impl Kind for Volumes {
    type Out = Vec<Written>;
    type Shown = OneOrList<String>;
    const TAKES: &'static str = "a volume or a list of volumes";

    fn take<'v>(value: Value<'v>, heap: Heap<'v>) -> Result<Self::Out, Unfit> {
        let unfit =
            |(message, help): (String, Option<&str>)| Unfit::Content(message, Some(help.unwrap_or(FORMS).to_owned()));
        TextOrList::take(value, heap)?.iter().map(|text| parse(text).map_err(unfit)).collect()
    }
}

/// Reads `[SOURCE:]TARGET[:ro|rw]`.
fn parse(text: &str) -> Result<Written, (String, Option<&'static str>)> {
    let parts: Vec<_> = text.split(':').collect();
    let (source, target, mode) = match parts[..] {
        [target] => (None, target, "rw"),
        [source, target] => (Some(source), target, "rw"),
        [source, target, mode] => (Some(source), target, mode),
        _ => return Err((format!("the volume `{text}` has more than three parts"), None)),
    };
    if !target.starts_with('/') {
        let message = format!("the place of the volume `{text}` in the container, `{target}`, is not absolute");
        return Err((message, None));
    }
    let read_only = match mode {
        "ro" => true,
        "rw" => false,
        _ => return Err((format!("`{mode}` of the volume `{text}` is neither `ro` nor `rw`"), None)),
    };
    let source = source.map_or(Ok(Source::Anonymous), |source| parse_source(source, text))?;
    Ok(Written { source, target: target.to_owned(), read_only })
}

fn parse_source(source: &str, text: &str) -> Result<Source, (String, Option<&'static str>)> {
    let is_path = source.starts_with('/')
        || source == "."
        || source == ".."
        || source.starts_with("./")
        || source.starts_with("../");
    if is_path {
        return Ok(Source::Path(source.to_owned()));
    }
    let is_inner = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if source.starts_with(|c: char| c.is_ascii_alphanumeric()) && source.chars().all(is_inner) {
        return Ok(Source::Name(source.to_owned()));
    }
    let message = format!("`{source}` of the volume `{text}` is neither a path nor the name of a volume");
    let help = if source.starts_with('~') {
        "write the path in full: `os.environ[\"HOME\"] + \"/…\"`"
    } else if source.contains('/') {
        "begin a path with `./` or `/`"
    } else {
        FORMS
    };
    Err((message, Some(help)))
}

/// The volumes, with paths taken from the folder of the file that calls.
pub(super) fn resolve(written: Vec<Written>, eval: &Evaluator<'_, '_, '_>) -> Vec<Volume> {
    let volume = |written: Written| Volume {
        source: match written.source {
            Source::Path(path) => VolumeSource::Bind(resolve_path(eval, &path)),
            Source::Name(name) => VolumeSource::Named(name),
            Source::Anonymous => VolumeSource::Anonymous,
        },
        target: written.target,
        read_only: written.read_only,
    };
    written.into_iter().map(volume).collect()
}

/// Whether two volumes are mounted in one place.
///
/// # Errors
/// The first place.
pub(super) fn check_twice(spec: &ContainerSpec) -> Result<(), Fault> {
    let place = |target: &str| target.trim_end_matches('/').to_owned();
    let targets: Vec<_> = spec.volumes.iter().map(|volume| place(&volume.target)).collect();
    let twice = targets.iter().enumerate().find(|(index, target)| targets[..*index].contains(target));
    match twice {
        Some((_, target)) => Err(Fault::value(format!("two volumes are mounted at `{target}`")).at_argument("volumes")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_are_read_as_docker_reads_them() {
        let shown = |text: &str| {
            let Ok(written) = parse(text) else { return "refused".to_owned() };
            let source = match written.source {
                Source::Path(path) => format!("path {path}"),
                Source::Name(name) => format!("name {name}"),
                Source::Anonymous => "none".to_owned(),
            };
            format!("{source} {} {}", written.target, written.read_only)
        };
        for (text, expected) in [
            ("./data:/data:ro", "path ./data /data true"),
            ("/abs:/data", "path /abs /data false"),
            ("..:/up:rw", "path .. /up false"),
            ("pg_data-1.x:/var/lib", "name pg_data-1.x /var/lib false"),
            ("/anon", "none /anon false"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
        for text in ["", "data", "./a:b", "data/x:/y", "~/a:/b", ":/a", "a:/b:z", "a:/b:ro:x", "_a:/b"] {
            assert_eq!(shown(text), "refused", "{text}");
        }
    }
}
