//! A folder of its own for each measurement, with an orch in it that ends with it.

use crate::program::now;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How long anything may take before the run is given up.
const PATIENCE: Duration = Duration::from_mins(2);

/// A project in a temporary folder.
pub(crate) struct Sandbox {
    folder: tempfile::TempDir,
    session: Option<Child>,
    env: Vec<(&'static str, PathBuf)>,
}

impl Sandbox {
    pub(crate) fn new(orchfile: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("orch-bench-").tempdir().unwrap();
        let sandbox = Self { folder, session: None, env: Vec::new() };
        sandbox.write("Orchfile", orchfile);
        sandbox
    }

    /// Sets a variable for all that is started from now on.
    pub(crate) fn env(mut self, name: &'static str, value: &Path) -> Self {
        self.env.push((name, value.to_owned()));
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// That many small files, a hundred in a folder.
    pub(crate) fn plant(&self, root: &str, count: usize) {
        for number in 0..count {
            self.write(&tree_file(root, number), "a");
        }
    }

    /// The program with arguments, in the folder, undisturbed by this terminal.
    pub(crate) fn orch(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orch"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null()).stderr(Stdio::null());
        command.stdout(Stdio::null()).env_remove("ORCH_FILE");
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts `orch up`, whose output goes to `up.log`.
    pub(crate) fn up(&mut self) -> u32 {
        let log = fs::File::create(self.path("up.log")).unwrap();
        let child = self.orch(&["up", "--stream"]).stderr(log.try_clone().unwrap()).stdout(log).spawn().unwrap();
        let pid = child.id();
        self.session = Some(child);
        pid
    }

    /// The stamps so far, oldest first.
    pub(crate) fn stamps(&self, file: &str) -> Vec<Duration> {
        let text = fs::read_to_string(self.path(file)).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| Duration::from_nanos(line.parse().unwrap())).collect()
    }

    /// Waits until there are that many stamps, and gives the last of them.
    pub(crate) fn wait_for_stamps(&self, file: &str, count: usize) -> Duration {
        self.wait(&format!("stamp {count} in {file}"), || self.stamps(file).get(count - 1).copied())
    }

    /// Asks again and again, with short naps: what is measured comes with its own time.
    pub(crate) fn wait<T>(&self, what: &str, mut found: impl FnMut() -> Option<T>) -> T {
        let begin = Instant::now();
        loop {
            if let Some(found) = found() {
                return found;
            }
            if begin.elapsed() > PATIENCE {
                let log = fs::read_to_string(self.path("up.log")).unwrap_or_default();
                panic!("no {what} within {PATIENCE:?}; the session said:\n{log}");
            }
            thread::sleep(Duration::from_micros(500));
        }
    }

    /// Waits until the session has nothing left to do. Without a session, `status` tells how the last one ended.
    pub(crate) fn wait_at_rest(&self) {
        self.wait("rest", || {
            let status = self.orch(&["status", "-o", "json"]).stdout(Stdio::piped()).output().unwrap();
            let status: serde_json::Value = serde_json::from_slice(&status.stdout).ok()?;
            (status["live"] == true && status["at_rest"] == true).then_some(())
        });
    }

    /// Writes a file, and gives the time at which that was done.
    pub(crate) fn save(&self, name: &str, text: &str) -> Duration {
        fs::write(self.path(name), text).unwrap();
        now()
    }

    /// Ends the session as Ctrl-C does.
    pub(crate) fn down(&mut self) {
        if let Some(mut session) = self.session.take() {
            #[expect(clippy::cast_possible_wrap, reason = "the system's process ids are positive")]
            let pid = nix::unistd::Pid::from_raw(session.id() as i32);
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).ok();
            drop(session.wait());
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.down();
    }
}

/// A quiet moment between two rounds: long enough that a save is not taken for the doing of the command before it.
pub(crate) fn pause() {
    thread::sleep(Duration::from_millis(150));
}

/// Where `Sandbox::plant` puts a file.
pub(crate) fn tree_file(root: &str, number: usize) -> String {
    format!("{root}/{:03}/{:02}.txt", number / 100, number % 100)
}

/// This program, as a command in an Orchfile: `["…", "play", "stamp", "stamps"]`.
pub(crate) fn own(arguments: &[&str]) -> String {
    let exe = own_path();
    let words: Vec<&str> = [exe.to_str().unwrap(), "play"].into_iter().chain(arguments.iter().copied()).collect();
    serde_json::to_string(&words).unwrap()
}

pub(crate) fn own_path() -> PathBuf {
    std::env::current_exe().unwrap()
}

/// From the start of a stamping program by hand to its stamp.
pub(crate) fn by_hand(rounds: usize) -> Vec<Duration> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stamps");
    (0..rounds).map(|_| start_by_hand(&file)).collect()
}

fn start_by_hand(file: &Path) -> Duration {
    let before = now();
    drop(Command::new(own_path()).args(["play", "stamp"]).arg(file).status());
    let text = fs::read_to_string(file).unwrap();
    let last: u64 = text.lines().last().unwrap().parse().unwrap();
    Duration::from_nanos(last).saturating_sub(before)
}
