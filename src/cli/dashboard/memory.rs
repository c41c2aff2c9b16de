//! Where the dashboard's preferences are kept: a small file of the user's configuration.

#![expect(clippy::disallowed_methods, reason = "this file owns `dashboard.json` of the user's configuration")]

use crate::dashboard::preferences::Preferences;
use std::{env, fs, path::PathBuf};

/// What was kept; the default where nothing was, or nothing that can be read.
pub(super) fn recall() -> Preferences {
    let text = file().and_then(|file| fs::read_to_string(file).ok());
    text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// Keeps them. That it cannot be done keeps nobody from working.
pub(super) fn keep(preferences: Preferences) {
    let Some(file) = file() else { return };
    let text = serde_json::to_string_pretty(&preferences).unwrap_or_default();
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).and_then(|()| fs::write(&file, text + "\n")).ok();
    }
}

/// `$XDG_CONFIG_HOME/orch/dashboard.json`, else below `~/.config`.
fn file() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let config = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")))?;
    Some(config.join("orch/dashboard.json"))
}
