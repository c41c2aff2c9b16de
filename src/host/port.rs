//! Who holds a port of this machine, asked before a server starts that needs it.
//!
//! Only Linux tells it in this way (`/proc`); another system needs another body of [`holder`].

#![expect(clippy::disallowed_methods, reason = "/proc is read here")]

use crate::model::Failure;
use nix::{
    libc::uid_t,
    unistd::{Uid, User},
};
use std::{
    collections::BTreeSet,
    fmt, fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    path::Path,
    time::Duration,
};

/// Who listens on a port. What is not known is another user's secret, or lies outside this machine's process table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Holder {
    /// Its process.
    pub pid: Option<u32>,
    /// The name of its program.
    pub name: Option<String>,
    /// Its command line.
    pub command: Option<String>,
    /// Whose process it is.
    pub user: Option<String>,
}

/// Who listens on this port where a client on this machine would reach it; `None` if nobody does. Takes milliseconds.
#[must_use]
pub fn holder(port: u16) -> Option<Holder> {
    let listeners = listeners(port);
    if listeners.is_empty() {
        return answers(port).then(Holder::default);
    }
    let sockets = listeners.iter().map(|listener| format!("socket:[{}]", listener.inode)).collect();
    let user = listeners.first().map(|listener| user_of(listener.uid));
    Some(match owner_of(&sockets) {
        Some(pid) => Holder { pid: Some(pid), name: name_of(pid), command: command_of(pid), user },
        None => Holder { user, ..Holder::default() },
    })
}

impl Holder {
    /// What to tell whoever wanted `port`.
    #[must_use]
    pub fn failure(&self, port: u16) -> Failure {
        let help = match self.pid {
            Some(pid) => format!("end it (`kill {pid}`), or give the server another port"),
            None => "end it, or give the server another port".to_owned(),
        };
        Failure { message: format!("port {port} is already taken by {self}"), help: Some(help) }
    }
}

impl fmt::Display for Holder {
    /// As in "port 80 is taken by …".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.pid, self.command.as_ref().or(self.name.as_ref()), &self.user) {
            (Some(pid), Some(command), _) => write!(f, "`{command}` (pid {pid})"),
            (Some(pid), None, _) => write!(f, "the process {pid}"),
            (None, _, Some(user)) => write!(f, "a process of the user `{user}`"),
            (None, _, None) => write!(f, "something that is no process of this machine, such as a container"),
        }
    }
}

struct Listener {
    inode: u64,
    uid: uid_t,
}

fn listeners(port: u16) -> Vec<Listener> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    tables.iter().flat_map(|table| table.lines().skip(1)).filter_map(|line| parse_listener(line, port)).collect()
}

/// Reads a line of `/proc/net/tcp`, if it is a listener on `port` that the loopback interface reaches.
fn parse_listener(line: &str, port: u16) -> Option<Listener> {
    const LISTENING: &str = "0A";
    let mut fields = line.split_whitespace().skip(1);
    let (address, hex_port) = fields.next()?.split_once(':')?;
    let state = fields.nth(1)?;
    let uid = fields.nth(3)?.parse().ok()?;
    let inode = fields.nth(1)?.parse().ok()?;
    let here = state == LISTENING && u16::from_str_radix(hex_port, 16) == Ok(port);
    let address = parse_address(address).filter(|_| here)?;
    (address.is_loopback() || address.is_unspecified()).then_some(Listener { inode, uid })
}

/// Reads an address as the kernel writes it: words of 32 bits in the machine's byte order, in hexadecimal.
fn parse_address(hex: &str) -> Option<IpAddr> {
    let word = |start: usize| u32::from_str_radix(hex.get(start..start + 8)?, 16).map(u32::to_ne_bytes).ok();
    if hex.len() == 8 {
        return Some(Ipv4Addr::from(word(0)?).into());
    }
    let mut bytes = [0; 16];
    for (part, start) in bytes.chunks_exact_mut(4).zip((0..).step_by(8)) {
        part.copy_from_slice(&word(start)?);
    }
    Some(Ipv6Addr::from(bytes).to_canonical())
}

/// The process that has one of these open. The first: a server may have forked.
fn owner_of(sockets: &BTreeSet<String>) -> Option<u32> {
    let mut pids: Vec<u32> =
        fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    pids.into_iter().find(|pid| {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let mut targets = open.filter_map(|entry| fs::read_link(entry.path()).ok());
        targets.any(|target| target.to_str().is_some_and(|target| sockets.contains(target)))
    })
}

fn name_of(pid: u32) -> Option<String> {
    let name = fs::read(Path::new("/proc").join(pid.to_string()).join("comm")).ok()?;
    Some(String::from_utf8_lossy(&name).trim_end().to_owned())
}

fn command_of(pid: u32) -> Option<String> {
    let line = fs::read(Path::new("/proc").join(pid.to_string()).join("cmdline")).ok()?;
    let text = String::from_utf8_lossy(&line);
    let words: Vec<&str> = text.split(['\0', '\n']).filter(|word| !word.is_empty()).collect();
    (!words.is_empty()).then(|| shortened(&words.join(" ")))
}

/// A message is no place for a whole script.
fn shortened(command: &str) -> String {
    const LONGEST: usize = 80;
    match command.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &command[..end]),
        None => command.to_owned(),
    }
}

fn user_of(uid: uid_t) -> String {
    let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    user.map_or_else(|| uid.to_string(), |user| user.name)
}

/// Whether somebody answers although nobody listens: a rule of the packet filter leads elsewhere.
fn answers(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    // A connection to a free port may by chance come from that port, and then meets itself.
    let meets_itself = |stream: &TcpStream| stream.local_addr().is_ok_and(|local| local == address);
    TcpStream::connect_timeout(&address, Duration::from_millis(100)).is_ok_and(|stream| !meets_itself(&stream))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "  0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12345 1 0000000000000000 100 0 0 10 0";

    #[test]
    fn a_line_of_the_table_is_understood() {
        let listener = parse_listener(LINE, 8080).unwrap();
        assert_eq!((listener.uid, listener.inode), (1000, 12345));
        assert!(parse_listener(LINE, 8081).is_none());
        assert!(parse_listener(&LINE.replace(" 0A ", " 01 "), 8080).is_none(), "a connection");
        assert!(parse_listener(&LINE.replace("0100007F", "0101A8C0"), 8080).is_none(), "another interface");
        assert!(parse_listener(&LINE.replace("0100007F", "00000000"), 8080).is_some(), "all interfaces");
        for address in
            ["00000000000000000000000001000000", "00000000000000000000000000000000", "0000000000000000FFFF00000100007F"]
        {
            assert!(parse_listener(&LINE.replace("0100007F", address), 8080).is_some(), "{address}");
        }
    }

    #[test]
    fn a_holder_is_named_as_well_as_it_is_known() {
        let mut holder = Holder {
            pid: Some(7),
            name: Some("python3".to_owned()),
            command: Some("python3 -m http.server".to_owned()),
            user: Some("root".to_owned()),
        };
        let failure = holder.failure(80);
        assert_eq!(failure.message, "port 80 is already taken by `python3 -m http.server` (pid 7)");
        assert_eq!(failure.help.as_deref(), Some("end it (`kill 7`), or give the server another port"));
        holder = Holder { user: holder.user, ..Holder::default() };
        assert_eq!(holder.to_string(), "a process of the user `root`");
        assert_eq!(shortened(&"é".repeat(90)).chars().count(), 81);
    }
}
