//! A terminal of a test's own: what is typed goes to the program, what it draws is a screen.

use crate::sandbox::{DEADLINE, Sandbox};
use nix::{
    fcntl::OFlag,
    pty::{grantpt, posix_openpt, ptsname_r, unlockpt},
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs::File,
    io::{Read, Write},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::{fs::OpenOptionsExt, process::CommandExt},
    },
    process::{Child, Command, ExitStatus},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Instant,
};

/// A program in a terminal.
pub(crate) struct Pty {
    child: Child,
    keyboard: Option<File>,
    seen: Arc<Seen>,
}

struct Seen {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    screen: vt100::Parser,
    /// All that was written, for sequences that are no part of the screen.
    raw: Vec<u8>,
    ended: bool,
}

impl Pty {
    /// Starts orch in a terminal of that size.
    pub(crate) fn start(sandbox: &Sandbox, args: &[&str], columns: u16, rows: u16) -> Self {
        let mut command = sandbox.command(args);
        command.env("TERM", "xterm-256color").env_remove("COLUMNS");
        Self::run(command, columns, rows)
    }

    /// Starts a program in a terminal of that size, as the leader of a session of its own.
    pub(crate) fn run(mut command: Command, columns: u16, rows: u16) -> Self {
        let (master, slave) = open(columns, rows);
        let end = || slave.try_clone().unwrap();
        command.stdin(end()).stdout(end()).stderr(end());
        as_session_leader(&mut command);
        let child = command.spawn().unwrap();
        drop(command);
        drop(slave);
        let keyboard = Some(master.try_clone().unwrap());
        let state = State { screen: vt100::Parser::new(rows, columns, 0), raw: Vec::new(), ended: false };
        let seen = Arc::new(Seen { state: Mutex::new(state), changed: Condvar::new() });
        let shown = Arc::clone(&seen);
        thread::spawn(move || watch(master, &shown));
        Self { child, keyboard, seen }
    }

    /// The pid of the program.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Types text as it is.
    pub(crate) fn press(&mut self, keys: &str) {
        self.keyboard.as_mut().expect("a terminal").write_all(keys.as_bytes()).unwrap();
    }

    /// Sends a signal to the program.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// Gives the terminal another size.
    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        self.seen.state.lock().unwrap().screen.screen_mut().set_size(rows, columns);
        let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        set_size(self.keyboard.as_ref().expect("a terminal"), &size);
    }

    /// Takes the terminal away, as closing its window does.
    pub(crate) fn close(&mut self) {
        self.keyboard = None;
        self.signal(Signal::SIGHUP);
    }

    /// The screen as text.
    pub(crate) fn screen(&self) -> String {
        self.seen.state.lock().unwrap().screen.screen().contents()
    }

    /// Looks at the screen.
    pub(crate) fn with_screen<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        look(self.seen.state.lock().unwrap().screen.screen())
    }

    /// All that was written to the terminal.
    pub(crate) fn raw(&self) -> String {
        String::from_utf8_lossy(&self.seen.state.lock().unwrap().raw).into_owned()
    }

    /// Whether the program has the other screen of the terminal.
    pub(crate) fn is_taken(&self) -> bool {
        self.seen.state.lock().unwrap().screen.screen().alternate_screen()
    }

    /// Waits until it has, or has not.
    #[track_caller]
    pub(crate) fn wait_until_taken(&self, taken: bool) {
        let deadline = Instant::now() + DEADLINE;
        while self.is_taken() != taken {
            let is_over = self.seen.state.lock().unwrap().ended || Instant::now() >= deadline;
            assert!(!is_over || self.is_taken() == taken, "it never was so: taken {taken}, but:\n{:?}", self.raw());
            thread::park_timeout(std::time::Duration::from_millis(5));
        }
    }

    /// Waits until the screen holds `text`.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) -> String {
        self.wait_until(&format!("`{text}`"), |screen| screen.contains(text))
    }

    /// Waits until the screen does not hold `text`.
    #[track_caller]
    pub(crate) fn wait_without(&self, text: &str) -> String {
        self.wait_until(&format!("no `{text}`"), |screen| !screen.contains(text))
    }

    /// Waits until the screen `is_it`.
    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, is_it: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + DEADLINE;
        let mut state = self.seen.state.lock().unwrap();
        loop {
            let screen = state.screen.screen().contents();
            if is_it(&screen) {
                return screen;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && !state.ended, "the screen never showed {what}, but:\n{screen}");
            state = self.seen.changed.wait_timeout(state, left).unwrap().0;
        }
    }

    /// Waits for the end of the program; gives how it ended and what it wrote.
    #[track_caller]
    pub(crate) fn finish(mut self) -> (ExitStatus, String) {
        let deadline = Instant::now() + DEADLINE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "it did not end:\n{}", self.screen());
            thread::park_timeout(std::time::Duration::from_millis(5));
        };
        // Nobody else has the terminal: what was written last is read a moment later.
        let mut state = self.seen.state.lock().unwrap();
        while !state.ended {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "somebody kept the terminal");
            state = self.seen.changed.wait_timeout(state, left).unwrap().0;
        }
        drop(state);
        (status, self.raw())
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Reads until nobody has the other side any more.
fn watch(mut master: File, seen: &Seen) {
    let mut bytes = [0; 16 << 10];
    loop {
        // At its end a terminal gives an error, not the end of a file.
        let read = master.read(&mut bytes).unwrap_or(0);
        let mut state = seen.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.screen.process(&bytes[..read]);
        state.raw.extend_from_slice(&bytes[..read]);
        state.ended = read == 0;
        seen.changed.notify_all();
        if read == 0 {
            return;
        }
    }
}

/// A pseudo-terminal of that size: its master and its slave. Unlike those of `openpty`, no program that another test starts
/// meanwhile inherits them; a session in the background would keep the terminal open for ever.
fn open(columns: u16, rows: u16) -> (File, File) {
    let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let slave = ptsname_r(&master).unwrap();
    let slave = File::options().read(true).write(true).custom_flags(libc::O_NOCTTY).open(slave).unwrap();
    let master = File::from(OwnedFd::from(master));
    set_size(&master, &libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 });
    (master, slave)
}

#[expect(unsafe_code, reason = "only the child itself can make the terminal its own")]
fn as_session_leader(command: &mut Command) {
    // SAFETY: both calls may be made between fork and exec.
    unsafe {
        command.pre_exec(|| {
            nix::unistd::setsid()?;
            if libc::ioctl(0, libc::TIOCSCTTY, 0) < 0 {
                return Err(std::io::Error::last_os_error());
            }
            Ok(())
        });
    }
}

#[expect(unsafe_code, reason = "there is no safe call for it in the crates here")]
fn set_size(terminal: &File, size: &libc::winsize) {
    // SAFETY: the size lives as long as the call.
    let done = unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSWINSZ, std::ptr::from_ref(size)) };
    assert_eq!(done, 0);
}

/// Tries the shell that runs on a terminal of 90 columns and 20 lines: it has that size, and the next one; an interrupt ends its
/// command alone; and what it did stays.
#[track_caller]
pub(crate) fn try_shell(mut terminal: Pty) {
    let until = |size: &str| format!("until stty size | grep '{size}'; do sleep 0.1; done");
    let has = |size: &'static str| move |screen: &str| screen.lines().any(|line| line.trim() == size);
    terminal.press(&format!("{}; echo is$((1+1)) > /tmp/seen\r", until("20 90")));
    terminal.wait_until("its size", has("20 90"));
    terminal.resize(70, 25);
    terminal.press(&format!("{}\r", until("25 70")));
    terminal.wait_until("the new size", has("25 70"));
    terminal.press("echo begun$((1)); sleep 1000\r");
    terminal.wait_for("begun1");
    terminal.press("\x03");
    terminal.press("cat /tmp/seen; exit 7\r");
    let (status, written) = terminal.finish();
    assert_eq!(status.code(), Some(7), "{written}");
    assert!(written.contains("is2"), "{written}");
}
