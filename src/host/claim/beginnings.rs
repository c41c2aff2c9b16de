//! When the sessions of a project began: what separates their lines in `orch logs`.

use super::{SessionCard, state_dir, write_whole};
use crate::model::FilePath;
use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

/// The beginning of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    /// In milliseconds since 1970.
    pub at_ms: u64,
    /// `up`, `ci` or `down`.
    pub verb: String,
}

/// In the folder of the project's state: a line for each session, the oldest first.
const FILE: &str = "sessions";
/// Beyond so many bytes the older half is dropped.
const BYTES_MAX: usize = 32 << 10;

/// The sessions of a project that are known, the oldest first.
pub fn beginnings(root: &FilePath) -> Vec<Beginning> {
    let text = fs::read_to_string(state_dir(root).join(FILE)).unwrap_or_default();
    let mut known: Vec<Beginning> = text.lines().filter_map(parse).collect();
    // A clock that was set back is no reason to mix them up.
    known.sort_by_key(|beginning| beginning.at_ms);
    known
}

fn parse(line: &str) -> Option<Beginning> {
    let (at, verb) = line.split_once(' ')?;
    Some(Beginning { at_ms: at.parse().ok()?, verb: verb.to_owned() })
}

/// Notes that a session begins. Only who holds the claim does.
pub(super) fn note(dir: &Path, card: &SessionCard) -> io::Result<()> {
    let file = dir.join(FILE);
    let line = format!("{} {}\n", card.since_ms, card.verb);
    let known = fs::read_to_string(&file).unwrap_or_default();
    if known.len() > BYTES_MAX {
        let lines: Vec<&str> = known.lines().collect();
        let newer: String = lines[lines.len() / 2..].iter().map(|line| format!("{line}\n")).collect();
        return write_whole(&file, &(newer + &line));
    }
    File::options().append(true).create(true).open(file)?.write_all(line.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_noted_and_old_ones_forgotten_some_time() {
        let root = tempfile::tempdir().unwrap();
        let dir = state_dir(&FilePath::new(root.path()));
        fs::create_dir(&dir).unwrap();
        let card = |since_ms| SessionCard {
            socket: "/s".into(),
            pid: 1,
            version: String::new(),
            file: FilePath::new("/p/Orchfile"),
            verb: "ci".to_owned(),
            args: Vec::new(),
            protocol: 1,
            since_ms,
        };
        (0..10_000).for_each(|at| note(&dir, &card(at)).unwrap());
        let known = beginnings(&FilePath::new(root.path()));
        assert_eq!(known.last(), Some(&Beginning { at_ms: 9_999, verb: "ci".to_owned() }));
        assert!(known.len() > 1000 && known.len() < 9_000, "{}", known.len());
        assert!(known.is_sorted_by_key(|one| one.at_ms));
    }
}
