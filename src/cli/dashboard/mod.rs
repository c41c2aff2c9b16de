//! The shell around the dashboard: it owns the terminal, hands on what happens, and does what the dashboard asks for. It draws
//! only when something changed.

#![expect(clippy::disallowed_methods, reason = "the clock of the dashboard; programs that the user asks for")]

mod feed;
mod keyboard;
mod memory;
mod screen;
mod signals;
mod workshop;

use super::print;
use crate::{
    dashboard::{
        Dashboard, Input, Look, Setting, Whose,
        command::{Ask, Command, Leave},
    },
    engine::Request,
    host::claim::SessionCard,
    model::ResourceName,
    snapshot::Snapshot,
};
use crossterm::event::{Event, MouseEventKind};
use feed::{Fed, Feed};
use keyboard::Keyboard;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use screen::Screen;
use signals::{Lent, Signals, Told};
use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

/// At most one frame in this time.
const FRAME: Duration = Duration::from_millis(16);
/// How long what came is taken in before it is drawn.
const TAKING: Duration = Duration::from_millis(6);

/// How the dashboard was left.
pub(super) struct Left {
    pub(super) how: HowLeft,
    /// What was shown last.
    pub(super) snapshot: Arc<Snapshot>,
}

/// How the dashboard was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HowLeft {
    /// The session goes on.
    Detached,
    /// It has ended.
    Ended,
    /// A signal came: this one.
    Signal(Signal),
    /// The terminal is gone.
    TerminalGone,
}

/// Shows the session until the user, the session or a signal ends that.
pub(super) async fn show(card: SessionCard, whose: Whose, look: Look) -> io::Result<Left> {
    // Without colour, none is reset either.
    crossterm::style::force_color_output(look.colour);
    let signals = Signals::listen()?;
    let screen = Screen::take()?;
    let size = screen.size()?;
    let setting = Setting { look, title: title_of(&card), whose, utc_offset_secs: utc_offset_secs() };
    let (dashboard, first) = Dashboard::new(setting, memory::recall(), size.width, size.height);
    let (feed, inputs) = Feed::open(card.clone());
    let began = Instant::now();
    let (keyboard, lent) = (Keyboard::take(), signals.lent());
    let mut shell = Shell { card, dashboard, screen, keyboard, lent, feed, began, drawn_at: None, is_drawn: false };
    let how = match shell.perform(first) {
        Ok(None) => shell.run(inputs, signals).await,
        Ok(Some(how)) => Ok(how),
        Err(error) => Err(error),
    };
    let snapshot = shell.dashboard.snapshot();
    drop(shell);
    // That is how a terminal goes that was closed; who sees this has another one.
    if let Err(error) = &how {
        print::to_stderr(&format!("orch: the dashboard lost its terminal: {error}\n"));
    }
    Ok(Left { how: how.unwrap_or(HowLeft::TerminalGone), snapshot })
}

fn title_of(card: &SessionCard) -> String {
    let folder = card.file.parent().unwrap_or_else(|| card.file.clone());
    let name = folder.as_path().file_name().map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| folder.to_string())
}

fn utc_offset_secs() -> i64 {
    i64::from(chrono::Local::now().offset().local_minus_utc())
}

/// What stops when the dashboard is suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stopped {
    Itself,
    AllOfItsJob,
}

struct Shell {
    card: SessionCard,
    dashboard: Dashboard,
    screen: Screen,
    keyboard: Keyboard,
    lent: Lent,
    feed: Feed,
    began: Instant,
    drawn_at: Option<Instant>,
    /// Nothing happened since.
    is_drawn: bool,
}

impl Shell {
    async fn run(&mut self, mut inputs: Fed, mut signals: Signals) -> io::Result<HowLeft> {
        loop {
            self.draw_if_due()?;
            let wake = self.next_wake();
            let input = tokio::select! {
                biased;
                told = signals.next() => match told {
                    Told::End(signal) => return Ok(HowLeft::Signal(signal)),
                    Told::Suspend => { self.suspend(Stopped::Itself)?; continue }
                    Told::Continued => { self.take_terminal()?; continue }
                },
                event = self.keyboard.next() => match event {
                    Some(event) => input_of(event?),
                    None => return Ok(HowLeft::TerminalGone),
                },
                Ok(()) = inputs.snapshots.changed() => Some(Input::Snapshot(inputs.snapshots.borrow_and_update().clone())),
                Some(input) = inputs.inputs.recv() => Some(input),
                () = tokio::time::sleep_until(wake.into()) => Some(Input::Tick),
            };
            let Some(input) = input else { continue };
            // A tick before the next frame is due only draws what was taken in before.
            if input == Input::Tick && !self.is_drawn {
                continue;
            }
            if let Some(how) = self.take(input)? {
                return Ok(how);
            }
            let began = Instant::now();
            while began.elapsed() < TAKING
                && let Ok(input) = inputs.inputs.try_recv()
            {
                if let Some(how) = self.take(input)? {
                    return Ok(how);
                }
            }
        }
    }

    fn take(&mut self, input: Input) -> io::Result<Option<HowLeft>> {
        self.is_drawn = false;
        let commands = self.dashboard.update(self.began.elapsed(), input);
        self.perform(commands)
    }

    /// When something is to be drawn though nothing happens.
    fn next_wake(&self) -> Instant {
        const LONG: Duration = Duration::from_hours(24);
        if self.is_drawn {
            return Instant::now() + self.dashboard.next_change().unwrap_or(LONG).max(FRAME);
        }
        self.drawn_at.map_or_else(Instant::now, |at| at + FRAME)
    }

    fn draw_if_due(&mut self) -> io::Result<()> {
        let now = Instant::now();
        if self.is_drawn || self.drawn_at.is_some_and(|at| now < at + FRAME) {
            return Ok(());
        }
        let size = self.screen.size()?;
        if !self.dashboard.has_size(size.width, size.height) {
            self.dashboard.update(self.began.elapsed(), Input::Resize(size.width, size.height));
        }
        self.screen.draw(|frame| self.dashboard.draw(frame))?;
        (self.drawn_at, self.is_drawn) = (Some(Instant::now()), true);
        Ok(())
    }

    fn perform(&mut self, commands: Vec<Command>) -> io::Result<Option<HowLeft>> {
        for command in commands {
            match command {
                Command::Ask(ask, names) => self.feed.ask(request_of(ask, names)),
                Command::Press { button, inputs } => self.feed.press(button, inputs),
                Command::Logs(wanted) => self.feed.logs(wanted),
                Command::StopLogs => self.feed.stop_logs(),
                Command::Open(url) => self.feed.browse(url),
                Command::Copy(text) => self.screen.send(&workshop::clipboard(&text))?,
                Command::Exec(name) => self.exec(&name)?,
                Command::Mouse(reported) => self.screen.report_mouse(reported)?,
                Command::Remember(preferences) => memory::keep(preferences),
                Command::Suspend if !workshop::has_shell() => {
                    let told = Err("no shell is there that could bring it back".to_owned());
                    self.dashboard.update(self.began.elapsed(), Input::Told(told));
                }
                Command::Suspend => self.suspend(Stopped::AllOfItsJob)?,
                Command::Redraw => self.screen.clear()?,
                Command::ShutDown => {
                    self.feed.ask(Request::ShutDown { teardown: false, volumes: false, namespaces: false });
                }
                Command::Leave(Leave::Detach) => return Ok(Some(HowLeft::Detached)),
                Command::Leave(Leave::Ended) => return Ok(Some(HowLeft::Ended)),
            }
        }
        Ok(None)
    }

    fn exec(&mut self, name: &ResourceName) -> io::Result<()> {
        let lent = self.lent.begin();
        self.keyboard.lend();
        self.screen.leave();
        let told = workshop::exec(&self.card, name);
        drop(lent);
        self.take_terminal()?;
        if let Err(text) = told {
            self.dashboard.update(self.began.elapsed(), Input::Told(Err(text)));
        }
        Ok(())
    }

    fn suspend(&mut self, who: Stopped) -> io::Result<()> {
        self.keyboard.lend();
        self.screen.leave();
        let pid = match who {
            Stopped::Itself => Pid::this(),
            // A shell has the terminal back only when all of the job has stopped, such as a `make` that runs orch.
            Stopped::AllOfItsJob => Pid::from_raw(0),
        };
        // Until somebody continues it. Catching the signal that asks for it would keep it from working.
        kill(pid, Signal::SIGSTOP).map_err(io::Error::from)?;
        self.take_terminal()
    }

    fn take_terminal(&mut self) -> io::Result<()> {
        self.screen.enter()?;
        self.keyboard.take_back();
        (self.is_drawn, self.drawn_at) = (false, None);
        Ok(())
    }
}

fn request_of(ask: Ask, names: Vec<ResourceName>) -> Request {
    match ask {
        Ask::Trigger => Request::Trigger(names),
        Ask::Restart => Request::Restart(names),
        Ask::Stop => Request::Stop(names),
        Ask::Start => Request::Start(names),
        Ask::Enable { alone } => Request::Enable { names, alone, only: false },
        Ask::Disable { alone } => Request::Disable { names, alone },
    }
}

fn input_of(event: Event) -> Option<Input> {
    match event {
        Event::Key(key) => Some(Input::Key(key)),
        // Where it merely is, is nothing to draw for.
        Event::Mouse(mouse) => match mouse.kind {
            MouseEventKind::Moved | MouseEventKind::Drag(_) | MouseEventKind::Up(_) => None,
            _ => Some(Input::Mouse(mouse)),
        },
        Event::Paste(text) => Some(Input::Paste(text)),
        Event::Resize(width, height) => Some(Input::Resize(width, height)),
        Event::FocusGained | Event::FocusLost => None,
    }
}
