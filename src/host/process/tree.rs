//! The descendants of a shim: who they are, and signals to all of them.

use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{collections::BTreeMap, fs, io::Read, path::Path};

/// A process among others.
#[derive(Debug, Clone)]
pub(super) struct Member {
    /// Its number.
    pub(super) pid: i32,
    /// When it started, in the kernel's ticks since boot.
    started: u64,
    /// Its parent.
    pub(super) parent: i32,
    session: i32,
    /// The name of its program: another one if it executed another.
    pub(super) name: String,
    /// Whether it only waits to be reaped.
    ended: bool,
}

/// Tells a process from all others, also from one that gets its number later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MemberId(i32, u64);

impl Member {
    /// Who it is.
    pub(super) fn id(&self) -> MemberId {
        MemberId(self.pid, self.started)
    }
}

/// The living descendants of `root`, parents before their children; with `session`, only those of that session. Processes
/// that start meanwhile may be missed.
pub(super) fn living_descendants(root: Pid, session: Option<Pid>) -> Vec<Member> {
    let mut children: BTreeMap<i32, Vec<Member>> = BTreeMap::new();
    for member in all_processes() {
        children.entry(member.parent).or_default().push(member);
    }
    let mut found = children.remove(&root.as_raw()).unwrap_or_default();
    let mut next = 0;
    while let Some(member) = found.get(next) {
        let more = children.remove(&member.pid).unwrap_or_default();
        found.extend(more);
        next += 1;
    }
    found.retain(|member| !member.ended && session.is_none_or(|session| session.as_raw() == member.session));
    found
}

/// Sends `signal`; whether it may be sent to that process at all. One that is gone counts as reached.
pub(super) fn send(member: &Member, signal: Signal) -> bool {
    kill(Pid::from_raw(member.pid), signal) != Err(Errno::EPERM)
}

#[expect(clippy::disallowed_methods, reason = "/proc is this file's own")]
fn all_processes() -> impl Iterator<Item = Member> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut line = Vec::new();
    entries.filter_map(move |entry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        line.clear();
        fs::File::open(Path::new("/proc").join(entry.file_name()).join("stat")).ok()?.read_to_end(&mut line).ok()?;
        parse_stat(pid, &String::from_utf8_lossy(&line))
    })
}

/// Reads a line of `/proc/PID/stat`. The name of the program in it may hold anything, also `)`.
fn parse_stat(pid: i32, text: &str) -> Option<Member> {
    let (name, rest) = text.split_once('(')?.1.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let session = fields.nth(1)?.parse().ok()?;
    // The main thread of a process may have ended while others live on.
    let threads: u32 = fields.nth(13)?.parse().ok()?;
    let started = fields.nth(1)?.parse().ok()?;
    let ended = matches!(state, "Z" | "X") && threads <= 1;
    Some(Member { pid, started, parent, session, name: name.to_owned(), ended })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_may_have_any_name() {
        let line =
            "42 (a) R 1 (b) S 7 42 40 0 -1 4194560 98 0 0 0 0 0 0 0 20 0 1 0 137415 2453504 216 18446744073709551615";
        let member = parse_stat(42, line).unwrap();
        assert_eq!(member.name, "a) R 1 (b");
        assert_eq!((member.parent, member.session, member.started, member.ended), (7, 40, 137_415, false));
    }

    #[test]
    fn this_process_is_found() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(all_processes().any(|member| member.pid == own && member.parent != 0));
    }
}
