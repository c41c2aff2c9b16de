//! Names of logs as names of folders: any resource name becomes one that every file system takes and tells apart.

use super::LogName;
use crate::model::{Digest, ResourceName};
use std::{fmt::Write as _, fs::File, io::Read as _, path::Path};

/// The session's folder. No resource has it: a `%` of theirs is followed by hexadecimal digits or another `%`.
const SESSION: &str = "%session";
/// Longer names are cut and get a digest; file systems end at 255 bytes.
const LONGEST: usize = 120;
/// The file that holds a name which its folder cannot.
const NAME_FILE: &str = "name";

/// The name of a log's folder. Letters are told apart without their case, and nothing but `a-z0-9_-.` is written as it is.
pub(super) fn folder_name(log: &LogName) -> String {
    let LogName::Resource(name) = log else { return SESSION.to_owned() };
    let mut folder = String::new();
    for (place, byte) in name.as_str().bytes().enumerate() {
        match byte {
            b'.' if place == 0 => folder.push_str("%2e"),
            b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' => folder.push(char::from(byte)),
            _ => write!(folder, "%{byte:02x}").unwrap_or_default(),
        }
    }
    if folder.len() <= LONGEST {
        folder
    } else {
        format!("{}%%{}", &folder[..80], Digest::of(name.as_str().as_bytes()))
    }
}

/// What has to be written to the folder so that [`log_name`] finds the name again.
pub(super) fn name_file(log: &LogName) -> Option<(&'static str, &str)> {
    match log {
        LogName::Resource(name) if folder_name(log).contains("%%") => Some((NAME_FILE, name.as_str())),
        _ => None,
    }
}

/// Whose log is in this folder; `None` for a folder that is no log's.
pub(super) fn log_name(folder: &Path) -> Option<LogName> {
    let encoded = folder.file_name()?.to_str()?;
    if encoded == SESSION {
        return Some(LogName::Session);
    }
    let text = if encoded.contains("%%") { read_name(folder)? } else { decode(encoded)? };
    let log = LogName::Resource(ResourceName::parse(&text).ok()?);
    (folder_name(&log) == encoded).then_some(log)
}

fn read_name(folder: &Path) -> Option<String> {
    let mut name = String::new();
    File::open(folder.join(NAME_FILE)).ok()?.take(1 << 16).read_to_string(&mut name).ok()?;
    Some(name)
}

fn decode(encoded: &str) -> Option<String> {
    let mut parts = encoded.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(name: &str) -> LogName {
        LogName::Resource(ResourceName::parse(name).unwrap())
    }

    #[test]
    fn every_name_is_found_again_in_its_folder() {
        let root = tempfile::tempdir().unwrap();
        let long = "Ünïcode ".repeat(60);
        for log in [resource("api"), resource("API"), resource(".hidden"), resource("a\n\0\\:*?\"b"), resource(&long)] {
            let folder = root.path().join(folder_name(&log));
            std::fs::create_dir(&folder).unwrap();
            if let Some((file, text)) = name_file(&log) {
                std::fs::write(folder.join(file), text).unwrap();
            }
            assert_eq!(log_name(&folder), Some(log));
        }
        assert_eq!(log_name(&root.path().join(folder_name(&LogName::Session))), Some(LogName::Session));
        assert_eq!(log_name(Path::new("/x/%zz")), None);
        assert_eq!(log_name(Path::new("/x/Api")), None);
    }

    #[test]
    fn names_that_differ_only_in_case_have_folders_that_differ_in_more() {
        assert_ne!(folder_name(&resource("Api")).to_lowercase(), folder_name(&resource("api")).to_lowercase());
        let (long, other) = ("x".repeat(499) + "a", "x".repeat(499) + "b");
        assert_ne!(folder_name(&resource(&long)), folder_name(&resource(&other)));
        assert!(folder_name(&resource(&"😀".repeat(500))).len() < 200);
    }
}
