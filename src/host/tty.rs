//! The user's terminal while a command elsewhere has it: keys go there as they are typed, and it learns the terminal's size.

use nix::sys::termios::{self, SetArg, Termios};
use std::{
    cell::Cell,
    io::{self, IsTerminal},
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::Mutex,
};

/// The terminal of this process; it is as it was again when this is dropped.
pub struct Tty {
    before: Termios,
    resizes: Mutex<Signal>,
    /// Its first size was not told yet.
    is_new: Cell<bool>,
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
        Ok(Some(Self { before, resizes, is_new: Cell::new(true) }))
    }

    /// Waits until the terminal has another size, and tells it: columns and lines. At the first call it has.
    pub async fn resized(&self) -> (u16, u16) {
        if !self.is_new.replace(false) {
            self.resizes.lock().await.recv().await;
        }
        size()
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        // There is nobody to tell that it is gone.
        termios::tcsetattr(io::stdin(), SetArg::TCSANOW, &self.before).ok();
    }
}

/// What a terminal has that does not say.
const USUAL_SIZE: (u16, u16) = (80, 24);

fn size() -> (u16, u16) {
    let known = terminal_size::terminal_size_of(io::stdout());
    known.map_or(USUAL_SIZE, |(width, height)| (width.0, height.0))
}
