//! `docs/reference.md` is what the builtins say of themselves, and they say something.

use orch::orchfile::reference::{self, EntryKind};
use std::{fs, path::Path};

#[test]
fn the_page_is_true() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference.md");
    if std::env::var_os("ORCH_UPDATE").is_some() {
        fs::write(&path, reference::page()).unwrap();
    }
    let is_true = fs::read_to_string(&path).unwrap_or_default() == reference::page();
    assert!(is_true, "docs/reference.md is out of date: `cargo run -q -- docs >docs/reference.md`");
}

#[test]
fn every_name_says_what_it_is() {
    let silent: Vec<_> =
        reference::entries().into_iter().filter(|entry| entry.text.is_empty()).map(|entry| entry.name).collect();
    assert!(silent.is_empty(), "without a doc comment (of values: src/orchfile/reference/values.rs): {silent:#?}");
}

/// A parameter of ours either is explained, or none of its function's is: then the text speaks of all of them.
#[test]
fn no_parameter_is_left_out() {
    let mut silent = Vec::new();
    for entry in reference::entries().iter().filter(|entry| entry.kind == EntryKind::Function) {
        let told = entry.parameters.iter().filter(|parameter| !parameter.text.is_empty()).count();
        if told > 0 && told < entry.parameters.len() {
            let names = entry.parameters.iter().filter(|parameter| parameter.text.is_empty());
            silent.extend(names.map(|parameter| format!("{}: {}", entry.name, parameter.name)));
        }
    }
    assert!(silent.is_empty(), "parameters without a word: {silent:#?}");
}

#[test]
fn a_signature_shows_what_must_be_given() {
    let entries = reference::entries();
    let of = |name: &str| entries.iter().find(|entry| entry.name == name).unwrap().signature();
    assert_eq!(of("tcp_socket_action"), "tcp_socket_action(port, host=…)");
    assert!(of("local_resource").contains("serve_dir=…, *, outputs=…"), "{}", of("local_resource"));
    assert_eq!(of("port"), "port(name, first=20000, count=10000)");
    assert_eq!(of("os.path.join"), "os.path.join(*parts)");
}
