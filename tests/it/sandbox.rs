//! A folder of a test's own in which the real program runs, with an environment of its own.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long a test waits for one thing. Nothing takes that long unless it is broken.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

/// A project in a temporary folder.
pub(crate) struct Sandbox {
    folder: TempDir,
    name: String,
    env: BTreeMap<String, String>,
}

/// What a program that ended left.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Sandbox {
    /// A sandbox with this Orchfile.
    pub(crate) fn new(orchfile: &str) -> Self {
        let sandbox = Self::empty();
        sandbox.write("Orchfile", orchfile);
        sandbox
    }

    /// A sandbox with nothing in its project.
    pub(crate) fn empty() -> Self {
        Self::named("project")
    }

    /// An empty one whose project's folder has that name.
    pub(crate) fn named(name: &str) -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir_all(folder.path().join(name)).unwrap();
        fs::create_dir_all(folder.path().join("home")).unwrap();
        Self { folder, name: name.to_owned(), env: BTreeMap::new() }
    }

    /// Sets a variable for all that is started from now on.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The folder of the Orchfile.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(&self.name)
    }

    /// The user's home, as orch has it.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Where a file of the project is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// Writes a file of the project, with the folders above it.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// What a file of the project holds; empty if it is not there.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// orch with these arguments, not yet started.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orch"));
        command.args(args);
        self.prepare(&mut command);
        command
    }

    /// Another program in the same environment, which finds orch.
    pub(crate) fn program(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        self.prepare(&mut command);
        let orch = Path::new(env!("CARGO_BIN_EXE_orch")).parent().unwrap().as_os_str().to_owned();
        let path = [orch, std::env::var_os("PATH").unwrap_or_default()].join(std::ffi::OsStr::new(":"));
        command.env("PATH", path);
        command
    }

    /// Starts orch by way of a shell: `script` has its path in `$0` and the arguments in `$@`.
    pub(crate) fn start_by(&self, script: &str, args: &[&str]) -> Session {
        let mut shell = Command::new("sh");
        shell.args(["-c", script, env!("CARGO_BIN_EXE_orch")]).args(args);
        self.prepare(&mut shell);
        Session::of(shell.spawn().unwrap(), args)
    }

    fn prepare(&self, command: &mut Command) {
        command
            .current_dir(self.root())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("LANG", "C.UTF-8")
            .env("COLUMNS", "100")
            // A short path: socket addresses have room for a hundred bytes.
            .env("XDG_RUNTIME_DIR", self.folder.path())
            .envs(&self.env)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
    }

    /// Runs orch to its end.
    pub(crate) fn orch(&self, args: &[&str]) -> Finished {
        let session = self.start(args);
        session.finish()
    }

    /// Starts orch and hears what it says.
    pub(crate) fn start(&self, args: &[&str]) -> Session {
        Session::of(self.command(args).spawn().unwrap(), args)
    }
}

/// A running orch. Killed when the test is done with it.
pub(crate) struct Session {
    child: Child,
    what: String,
    lines: Receiver<(Pipe, String)>,
    stdout: String,
    stderr: String,
    /// How much of all that was said has been searched.
    transcript: Vec<String>,
    searched: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pipe {
    Stdout,
    Stderr,
}

impl Session {
    fn of(mut child: Child, args: &[&str]) -> Self {
        let (sender, lines) = channel();
        let pipes: [(Pipe, Box<dyn Read + Send>); 2] = [
            (Pipe::Stdout, Box::new(child.stdout.take().unwrap())),
            (Pipe::Stderr, Box::new(child.stderr.take().unwrap())),
        ];
        for (pipe, reader) in pipes {
            let sender = sender.clone();
            thread::spawn(move || {
                let mut reader = BufReader::new(reader);
                let mut line = Vec::new();
                while reader.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                    let text = String::from_utf8_lossy(&line).into_owned();
                    line.clear();
                    if sender.send((pipe, text)).is_err() {
                        return;
                    }
                }
            });
        }
        let what = format!("orch {}", args.join(" "));
        Self { child, what, lines, stdout: String::new(), stderr: String::new(), transcript: Vec::new(), searched: 0 }
    }

    /// The pid of orch.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line that holds `text`, after the one found last; gives that line.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        self.wait_until(&format!("a line with `{text}`"), |line| line.contains(text))
    }

    /// Waits for a line with each of `texts`, in whatever order they come: what the session says of itself and what its
    /// resources print come on ways of their own.
    #[track_caller]
    pub(crate) fn wait_for_each(&mut self, texts: &[&str]) {
        let mut missing = texts.to_vec();
        while !missing.is_empty() {
            let line = self.wait_until(&format!("a line with one of {missing:?}"), |line| {
                missing.iter().any(|text| line.contains(text))
            });
            missing.retain(|text| !line.contains(text));
        }
    }

    /// Waits for a line that `is_it`, after the one found last.
    #[track_caller]
    pub(crate) fn wait_until(&mut self, what: &str, is_it: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            while let Some(line) = self.transcript.get(self.searched) {
                self.searched += 1;
                if is_it(line) {
                    return line.clone();
                }
            }
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok((pipe, line)) => self.hear(pipe, line),
                Err(RecvTimeoutError::Timeout) => panic!("{what} did not come\n{}", self.said()),
                Err(RecvTimeoutError::Disconnected) => panic!("ended before {what} came\n{}", self.said()),
            }
        }
    }

    fn hear(&mut self, pipe: Pipe, line: String) {
        match pipe {
            Pipe::Stdout => self.stdout.push_str(&line),
            Pipe::Stderr => self.stderr.push_str(&line),
        }
        self.transcript.push(line);
    }

    /// All that was said until now, for messages.
    pub(crate) fn said(&mut self) -> String {
        while let Ok((pipe, line)) = self.lines.try_recv() {
            self.hear(pipe, line);
        }
        format!("---- {} said ----\n{}---- end ----", self.what, self.transcript.concat())
    }

    /// Sends a signal to orch alone.
    pub(crate) fn signal(&self, signal: i32) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::try_from(signal).unwrap()).unwrap();
    }

    /// Asks it to end, as Ctrl-C does, and waits for that.
    #[track_caller]
    pub(crate) fn interrupt(self) -> Finished {
        self.signal(libc::SIGINT);
        self.finish()
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Finished {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok((pipe, line)) => self.hear(pipe, line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it did not end\n{}", self.said()),
            }
        }
        let status: ExitStatus = self.child.wait().unwrap();
        let (stdout, stderr) = (std::mem::take(&mut self.stdout), std::mem::take(&mut self.stderr));
        Finished { code: status.code(), stdout, stderr }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Finished {
    /// Both streams, for messages and searches.
    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Fails unless it ended with that code.
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

/// Whether a process lives and is no zombie.
pub(crate) fn is_alive(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X'])))
}

/// Waits until a process of somebody else has ended.
#[track_caller]
pub(crate) fn wait_for_death(pid: u32) {
    let deadline = Instant::now() + DEADLINE;
    while is_alive(pid) {
        assert!(Instant::now() < deadline, "process {pid} lives on");
        thread::yield_now();
        thread::park_timeout(Duration::from_millis(2));
    }
}

/// Waits until a file that others write holds `text`; gives all of it.
#[track_caller]
pub(crate) fn wait_for_text(path: &Path, text: &str) -> String {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let found = fs::read_to_string(path).unwrap_or_default();
        if found.contains(text) {
            return found;
        }
        assert!(Instant::now() < deadline, "`{}` never held `{text}`, but: {found}", path.display());
        thread::park_timeout(Duration::from_millis(2));
    }
}
