//! The terminal while the dashboard has it: taken at the start, given back whatever happens.

use crossterm::{
    cursor, event, execute, queue,
    terminal::{self, BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen},
};
use ratatui::{Frame, Terminal, backend::CrosstermBackend, layout::Size};
use std::{
    io::{self, BufWriter, Stdout, Write},
    panic::{self, PanicHookInfo},
    process,
    sync::Arc,
};

type Hook = dyn Fn(&PanicHookInfo<'_>) + Send + Sync;

/// The terminal. It is given back when this is dropped, and when anything panics.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    mouse: bool,
    taken: bool,
    hook: Arc<Hook>,
}

impl Screen {
    /// Takes the terminal.
    pub(super) fn take() -> io::Result<Self> {
        let hook: Arc<Hook> = panic::take_hook().into();
        let said = Arc::clone(&hook);
        panic::set_hook(Box::new(move |what| {
            give_back();
            said(what);
            // Nothing is left to be done: the session is another process.
            process::exit(125);
        }));
        let terminal = Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(64 << 10, io::stdout())))?;
        let mut screen = Self { terminal, mouse: true, taken: false, hook };
        screen.enter()?;
        Ok(screen)
    }

    /// Takes the terminal again, as after a suspension. What is on it is unknown then, and all is drawn anew.
    pub(super) fn enter(&mut self) -> io::Result<()> {
        self.taken = true;
        terminal::enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen, event::EnableBracketedPaste, cursor::Hide)?;
        self.report_mouse(self.mouse)?;
        self.clear()
    }

    /// Gives it back for a while.
    pub(super) fn leave(&mut self) {
        if self.taken {
            self.taken = false;
            give_back();
        }
    }

    /// Whether the mouse is reported.
    pub(super) fn report_mouse(&mut self, reported: bool) -> io::Result<()> {
        self.mouse = reported;
        if reported {
            execute!(io::stdout(), event::EnableMouseCapture)
        } else {
            execute!(io::stdout(), event::DisableMouseCapture)
        }
    }

    /// Forgets what is on it. The terminal is not asked for anything: one that is far away, or is gone, would not answer.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        self.terminal.resize(size.into())
    }

    pub(super) fn size(&self) -> io::Result<Size> {
        self.terminal.size()
    }

    /// Draws what changed.
    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(draw)?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    /// Writes a sequence that shows nothing.
    #[expect(clippy::unused_self, reason = "whoever has the terminal writes to it")]
    pub(super) fn send(&mut self, sequence: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(sequence.as_bytes())?;
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.leave();
        let hook = Arc::clone(&self.hook);
        if !std::thread::panicking() {
            panic::set_hook(Box::new(move |what| hook(what)));
        }
    }
}

/// Each step on its own: one that fails must not keep the others from being done. Nobody is left to be told.
fn give_back() {
    let mut out = io::stdout();
    execute!(out, event::DisableMouseCapture).ok();
    execute!(out, event::DisableBracketedPaste).ok();
    // Before anybody sees that it is given back: a line that is typed while it is raw never ends.
    terminal::disable_raw_mode().ok();
    execute!(out, LeaveAlternateScreen).ok();
    execute!(out, cursor::Show).ok();
}
