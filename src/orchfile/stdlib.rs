//! The standard library, embedded: `load("@std//NAME.star", …)`.

/// The text of an embedded file, by its name after `@std//`.
pub(super) fn text(name: &str) -> Option<&'static str> {
    FILES.iter().find(|(file, _)| *file == name).map(|(_, text)| *text)
}

/// The names of all embedded files.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

const FILES: &[(&str, &str)] = &[
    ("files.star", include_str!("../../stdlib/files.star")),
    ("process_compose.star", include_str!("../../stdlib/process_compose.star")),
    ("procfile.star", include_str!("../../stdlib/procfile.star")),
    ("tools.star", include_str!("../../stdlib/tools.star")),
];
