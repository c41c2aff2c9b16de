//! The Orchfile: Starlark text to a [`Project`].
//!
//! [`load`] evaluates a file with all that it loads. Builtins (`builtins`) gather a draft (`draft`) in the state of the
//! evaluation (`context`); `lower` turns it into a project and finds what is wrong with the whole. `dialect` widens what the
//! interpreter reads to what Tilt reads; `convert` turns the interpreter's errors into diagnostics. The world is reached through
//! [`Sources`] alone; nothing here runs commands.

mod builtins;
pub mod check;
pub mod context;
mod convert;
pub mod dialect;
pub mod draft;
mod dump;
pub mod environment;
mod extension;
pub mod fault;
mod load;
pub mod local_sources;
mod lower;
mod missing;
pub mod outline;
pub mod place;
mod redact;
pub mod reference;
pub mod sources;
mod stdlib;
pub mod text;

pub use dump::dump;
pub use fault::Fault;
pub use load::{KubeWish, Limits, LoadRequest, Loaded, load};
pub use local_sources::LocalSources;
pub use sources::{Entry, EntryKind, SourceCommand, SourceOutput, Sources, Told, Voice};

use starlark::environment::{Globals, GlobalsBuilder, LibraryExtension};

/// All names that an Orchfile can use without loading them.
#[must_use]
pub fn globals() -> Globals {
    globals_of(&environment::Surroundings::default())
}

fn globals_of(surroundings: &environment::Surroundings) -> Globals {
    let extensions = [
        LibraryExtension::StructType,
        LibraryExtension::RecordType,
        LibraryExtension::EnumType,
        LibraryExtension::NamespaceType,
        LibraryExtension::Map,
        LibraryExtension::Filter,
        LibraryExtension::Partial,
        LibraryExtension::Print,
        LibraryExtension::Json,
        LibraryExtension::Typing,
        LibraryExtension::CallStack,
        LibraryExtension::SetType,
    ];
    let builtins = |builder: &mut GlobalsBuilder| builtins::register(builder, surroundings);
    GlobalsBuilder::extended_by(&extensions).with(builtins).with(dialect::register).build()
}

/// The version of Tilt whose language orch speaks.
pub const TILT_VERSION: &str = "0.37.6";

/// A JSON document as YAML, as `encode_yaml` writes it.
#[must_use]
pub fn yaml_of(document: &serde_json::Value) -> String {
    builtins::yaml_of_json(&document.to_string()).unwrap_or_default()
}

/// All that a JSON path, as `kubectl` takes it, finds in a document.
///
/// # Errors
/// What is wrong with the path.
pub fn find_by_json_path(document: &serde_json::Value, path: &str) -> Result<Vec<serde_json::Value>, String> {
    let path = builtins::kube::JsonPath::parse(path)?;
    Ok(path.find(document).into_iter().map(|(_, value)| value.clone()).collect())
}
