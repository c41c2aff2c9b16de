//! The claim on a project: at most one session at a time works in a folder, and others can find it.

#![expect(
    clippy::disallowed_methods,
    reason = "this file owns `.orch/session.json`, `.orch/session.lock` and `.orch/sessions`"
)]

mod beginnings;
mod whereabouts;

pub use beginnings::{Beginning, beginnings};
pub use whereabouts::{Whereabouts, is_at_home, whereabouts};

use super::control::protocol::PROTOCOL;
use crate::model::{Digest, Failure, FilePath};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    env, fs,
    fs::{DirBuilder, File, TryLockError},
    io,
    os::unix::{
        fs::{DirBuilderExt, MetadataExt},
        net::UnixStream,
    },
    path::{Path, PathBuf},
    time::SystemTime,
};

/// What `.orch/session.json` tells of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionCard {
    /// The control socket.
    pub socket: PathBuf,
    /// Of the orch that runs it.
    pub pid: u32,
    /// Of that orch.
    pub version: String,
    /// The Orchfile.
    pub file: FilePath,
    /// The verb: `up`, `ci` or `down`.
    pub verb: String,
    /// The arguments of the evaluation, so that `down` can repeat it.
    pub args: Vec<String>,
    /// The version of the protocol that its socket speaks; 0 is from before there were any.
    #[serde(default)]
    pub protocol: u32,
    /// When it began, in milliseconds since 1970.
    #[serde(default)]
    pub since_ms: u64,
}

impl SessionCard {
    /// The folder of its Orchfile.
    pub fn root(&self) -> FilePath {
        self.file.parent().unwrap_or_else(|| self.file.clone())
    }
}

/// A held claim. Dropping it gives the project free; so does the end of the process, whatever ended it.
#[derive(Debug)]
pub struct Claim {
    card: SessionCard,
    card_file: PathBuf,
    listing: PathBuf,
    _lock: File,
}

/// Why a project cannot be claimed.
#[derive(Debug)]
pub enum ClaimError {
    /// Another session works there.
    Taken(Option<Box<SessionCard>>),
    /// The folder cannot be used.
    Unusable(Failure),
}

/// The folder of a project's own state.
pub fn state_dir(root: &FilePath) -> PathBuf {
    root.as_path().join(".orch")
}

impl Claim {
    /// Claims the project and makes its state folder.
    pub fn take(root: &FilePath, file: &FilePath, verb: &str, args: &[String]) -> Result<Self, ClaimError> {
        let dir = state_dir(root);
        let lock = prepare(&dir).map_err(|error| ClaimError::Unusable(unusable(&dir, &error)))?;
        let card_file = dir.join("session.json");
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ClaimError::Taken(read_card(&card_file).map(Box::new))),
            Err(TryLockError::Error(error)) => return Err(ClaimError::Unusable(unusable(&dir, &error))),
        }
        let card = SessionCard {
            socket: socket_path(root).map_err(ClaimError::Unusable)?,
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            file: file.clone(),
            verb: verb.to_owned(),
            args: args.to_vec(),
            protocol: PROTOCOL,
            since_ms: now_ms(),
        };
        let text = serde_json::to_string_pretty(&card).unwrap_or_default();
        write_whole(&card_file, &text).map_err(|error| ClaimError::Unusable(unusable(&dir, &error)))?;
        // Only `orch ls` reads it: that it cannot be written keeps nobody from working.
        let listing = card.socket.with_extension("json");
        write_whole(&listing, &text).ok();
        // Only `orch logs` reads it.
        beginnings::note(&dir, &card).ok();
        Ok(Self { card, card_file, listing, _lock: lock })
    }

    /// What others can read of the session.
    pub fn card(&self) -> &SessionCard {
        &self.card
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Whoever comes next removes what is left here by a session that was killed.
        fs::remove_file(&self.card.socket).ok();
        fs::remove_file(&self.listing).ok();
        match whereabouts(&self.card) {
            Whereabouts::AtHome => fs::remove_file(&self.card_file).ok(),
            // Where the project was there may be another one by now.
            Whereabouts::Moved(root) => fs::remove_file(state_dir(&root).join("session.json")).ok(),
            Whereabouts::Gone => None,
        };
    }
}

/// The session that works in the project now, if one does.
pub fn running_session(root: &FilePath) -> Option<SessionCard> {
    let dir = state_dir(root);
    let lock = File::open(dir.join("session.lock")).ok()?;
    match lock.try_lock_shared() {
        Err(TryLockError::WouldBlock) => read_card(&dir.join("session.json")),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

/// All sessions of this user on this machine, by the folder of their Orchfile, also where that was moved or removed since. What
/// killed sessions left is passed over.
pub fn sessions() -> Vec<SessionCard> {
    let listings = socket_dirs().into_iter().filter_map(|dir| fs::read_dir(dir).ok()).flatten().flatten();
    let listings = listings.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "json"));
    let cards = listings.filter_map(|listing| read_card(&listing));
    // The claim itself says whether the session lives, and what it is now.
    let living = |card: SessionCard| {
        let here = running_session(&card.root());
        let is_other = here.as_ref().is_none_or(|here| here.pid != card.pid);
        here.into_iter().chain(Some(card).filter(|card| is_other && lives_elsewhere(card)))
    };
    let living: BTreeMap<(FilePath, u32), SessionCard> =
        cards.flat_map(living).map(|card| ((card.root(), card.pid), card)).collect();
    living.into_values().collect()
}

/// Whether that session lives on though its folder is not where it was.
fn lives_elsewhere(card: &SessionCard) -> bool {
    whereabouts(card) != Whereabouts::AtHome && is_heard(&card.socket)
}

/// Whether somebody listens there.
fn is_heard(socket: &Path) -> bool {
    UnixStream::connect(socket).is_ok()
}

fn now_ms() -> u64 {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}

/// Returns once no session works in the project.
pub fn wait_for_end(root: &FilePath) {
    if let Ok(lock) = File::open(state_dir(root).join("session.lock")) {
        // If it cannot be waited for, there is nothing to wait for.
        lock.lock_shared().ok();
    }
}

/// Returns once that session has ended, wherever its folder is now.
pub fn wait_for_end_of(card: &SessionCard) {
    if let Ok(lock) = whereabouts::held_lock(card.pid).and_then(File::open) {
        lock.lock_shared().ok();
    } else if running_session(&card.root()).is_some_and(|here| here.pid == card.pid) {
        wait_for_end(&card.root());
    }
}

fn prepare(dir: &Path) -> io::Result<File> {
    fs::create_dir_all(dir)?;
    let ignore = dir.join(".gitignore");
    if !ignore.exists() {
        fs::write(&ignore, "*\n")?;
    }
    File::options().create(true).truncate(false).write(true).open(dir.join("session.lock"))
}

fn read_card(file: &Path) -> Option<SessionCard> {
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

/// Readers see the old text or the new one, never a part.
fn write_whole(file: &Path, text: &str) -> io::Result<()> {
    let new = file.with_extension("json.new");
    fs::write(&new, text)?;
    fs::rename(&new, file)
}

fn unusable(dir: &Path, error: &io::Error) -> Failure {
    Failure {
        message: format!("cannot keep the project's state in `{}`: {error}", dir.display()),
        help: Some("make the folder of the Orchfile writable for you".to_owned()),
    }
}

/// How long the path of a folder for sockets may be: an address has room for 107 bytes, the name takes 22.
const SOCKET_DIR_MAX: usize = 107 - 22;

/// Where sockets may be; the first is where this process puts its own.
fn socket_dirs() -> Vec<PathBuf> {
    let runtime = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_dir());
    let own = runtime.map(|dir| dir.join("orch")).filter(|dir| dir.as_os_str().len() <= SOCKET_DIR_MAX);
    own.into_iter().chain([PathBuf::from(format!("/tmp/orch-{}", nix::unistd::getuid()))]).collect()
}

/// `$XDG_RUNTIME_DIR/orch` if it is there and short enough, else `/tmp/orch-UID`, which must be the user's own.
pub fn socket_folder() -> Result<PathBuf, Failure> {
    let uid = nix::unistd::getuid();
    let dir = socket_dirs().swap_remove(0);
    let refused = |why: String| Failure {
        message: format!("cannot use `{}` for the control socket: {why}", dir.display()),
        help: Some("remove it, or set `XDG_RUNTIME_DIR` to a folder of your own".to_owned()),
    };
    DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(|error| refused(error.to_string()))?;
    let found = fs::symlink_metadata(&dir).map_err(|error| refused(error.to_string()))?;
    if !found.is_dir() || found.uid() != uid.as_raw() {
        return Err(refused("it is not a folder of yours".to_owned()));
    }
    if found.mode() & 0o077 != 0 {
        return Err(refused("others can enter it".to_owned()));
    }
    Ok(dir)
}

fn socket_path(root: &FilePath) -> Result<PathBuf, Failure> {
    let dir = socket_folder()?;
    let path = |bytes: &[u8]| {
        let mut name = Digest::of(bytes).to_string();
        name.truncate(16);
        dir.join(format!("{name}.sock"))
    };
    let usual = path(root.as_bytes());
    if !is_heard(&usual) {
        return Ok(usual);
    }
    // The session of a project that was here and was moved away: it keeps its own.
    let own = [root.as_bytes(), b"/", std::process::id().to_string().as_bytes()].concat();
    Ok(path(&own))
}
