//! The user's terminal, or pipes, while a command elsewhere has them: keys go there as they are typed, it learns the terminal's size,
//! and what it prints is printed here.

use super::live_update::Chunks;
use crate::logs::Stream;
use bytes::Bytes;
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::termios::{self, SetArg, Termios},
};
use std::{
    io::{self, IsTerminal, Read as _, Write as _},
    os::fd::AsFd as _,
    sync::{
        self, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::{Mutex, mpsc},
};

/// The exit code of a command whose output nobody reads any more, as shells have it: 128 and `SIGPIPE`.
pub const UNREAD: u8 = 141;

/// The terminal of this process; it is as it was again when this is dropped.
pub struct Tty {
    /// In a lock, so that tasks can share it.
    before: sync::Mutex<Termios>,
    resizes: Mutex<Signal>,
    /// Its first size was not told yet.
    is_new: AtomicBool,
}

impl Tty {
    /// Takes the terminal, if standard input and output are one.
    pub fn take() -> io::Result<Option<Self>> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Ok(None);
        }
        let before = termios::tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        termios::cfmakeraw(&mut raw);
        termios::tcsetattr(io::stdin(), SetArg::TCSANOW, &raw)?;
        let resizes = Mutex::new(signal(SignalKind::window_change())?);
        Ok(Some(Self { before: sync::Mutex::new(before), resizes, is_new: AtomicBool::new(true) }))
    }

    /// Waits until the terminal has another size, and tells it: columns and lines. At the first call it has.
    pub async fn resized(&self) -> (u16, u16) {
        if !self.is_new.swap(false, Ordering::Relaxed) {
            self.resizes.lock().await.recv().await;
        }
        size()
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        // There is nobody to tell that it is gone.
        let before = self.before.get_mut().unwrap_or_else(PoisonError::into_inner);
        termios::tcsetattr(io::stdin(), SetArg::TCSANOW, before).ok();
    }
}

/// What a terminal has that does not say.
const USUAL_SIZE: (u16, u16) = (80, 24);

/// Columns and lines of the terminal.
pub(super) fn size() -> (u16, u16) {
    let known = terminal_size::terminal_size_of(io::stdout());
    known.map_or(USUAL_SIZE, |(width, height)| (width.0, height.0))
}

/// What comes on standard input, read by a thread of its own, which nobody waits for. What comes after the receiver is gone
/// stays there, for whoever reads next.
pub(super) fn typed() -> Chunks {
    let (sender, receiver) = mpsc::channel(4);
    thread::spawn(move || {
        let mut bytes = [0; 8 << 10];
        loop {
            until_typed();
            if sender.is_closed() {
                return;
            }
            let Ok(count) = io::stdin().lock().read(&mut bytes) else { return };
            if count == 0 || sender.blocking_send(Ok(Bytes::copy_from_slice(&bytes[..count]))).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Waits until there is something to read, or an error to be told by reading.
fn until_typed() {
    let stdin = io::stdin();
    let mut ready = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
    while poll(&mut ready, PollTimeout::NONE) == Err(Errno::EINTR) {}
}

/// Prints what a command printed. Fails when nobody reads it any more.
pub(super) fn show(stream: Stream, bytes: &[u8]) -> io::Result<()> {
    if stream == Stream::Err {
        let mut err = io::stderr().lock();
        return err.write_all(bytes).and_then(|()| err.flush());
    }
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush())
}
