//! What is said of names that are values: nothing in the source of a value can carry a comment that a program sees.

/// Names that each file has of its own.
pub(super) const OF_FILES: &[&str] = &["__file__", "__name__"];

/// What a value is.
pub(super) fn text(name: &str) -> Option<&'static str> {
    TEXTS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

const TEXTS: &[(&str, &str)] = &[
    ("False", "Not true."),
    ("None", "No value."),
    ("True", "True."),
    ("TRIGGER_MODE_AUTO", "Changes are acted on at once, for `trigger_mode`."),
    ("TRIGGER_MODE_MANUAL", "Changes wait until the user triggers the resource, for `trigger_mode`."),
    ("__file__", "The path of the file that is being executed."),
    ("__name__", "`\"__main__\"` in the entry file, else the name of the file that is being executed."),
    ("config", "Arguments of the command line, and what was said beside them."),
    ("config.main_dir", "The folder of the entry file."),
    ("config.main_path", "The path of the entry file."),
    ("config.tilt_subcommand", "For which verb the file is evaluated: `up`, `ci`, `down`, or another."),
    ("json", "JSON by Bazel's names; `encode_json` and `decode_json` are Tilt's."),
    ("json.decode", "What a JSON text says."),
    ("json.encode", "A value as JSON, on one line."),
    ("namespace", "Values under names, as attributes."),
    ("os", "The environment and paths."),
    (
        "os.environ",
        "The environment as a dict: `os.environ[\"HOME\"]`. A key that is given a value is set for all commands, as with `os.putenv`.",
    ),
    ("os.name", "`posix`."),
    ("os.path", "Paths as text."),
    ("set", "Values without repetition, in the order in which they came."),
    ("set.clear", "Removes all values."),
    ("shlex", "Words of a shell."),
    ("struct", "Values under names, as attributes."),
    ("sys", "The command line of orch."),
    ("sys.argv", "The words of the command line: `orch`, the verb, the arguments of the file."),
    ("sys.executable", "The program's name."),
    ("typing", "Types for annotations: `def f(x: str) -> list[str]`."),
    ("typing.Any", "Any value."),
    ("typing.Callable", "Anything that can be called."),
    ("typing.Iterable", "Anything that a loop can walk over."),
    ("typing.Never", "The result of what does not return."),
    (
        "v1alpha1",
        "API objects: commands on buttons, file watches, extensions and their repositories, and what they are made of.",
    ),
];
