//! Each file below `tests/cases/dashboard` is a session in the simulated world, a user before its dashboard, and what that
//! user sees.
//!
//! Sections: those of the engine's cases but `trace` and `rest`; `log` holds lines `RESOURCE stdout|stderr|orch TEXT` (`-` is the
//! session itself), a tenth of a second apart; `user` is what the user does, `screens` and `commands` are what comes of it:
//!
//! ```text
//! at 2s                 the session runs until then (`at rest`: until nothing goes on)
//! screen 80x24          the terminal has that size; `ascii`, `plain` (no colour) and `attached` may follow, on the first line
//! press j enter ctrl-c  keys
//! type some text        keys too, one a character
//! click 10 3 | wheel 10 3 -1
//! lost TEXT             the session does not answer
//! refuse TEXT           the session does not take a press of a button
//! no-browser URL        no browser showed it
//! draw                  a screen for the expected part
//! ```

use crate::{
    case::{Case, check_folder},
    sim::{play, session::Sim},
};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use orch::{
    dashboard::{
        Dashboard, Input, Link, Look, Setting, Whose,
        command::Command,
        log_query::{Count, LogsAnswer, LogsCame, LogsWanted, Span},
        preferences::Preferences,
    },
    logs::{Entry, Line, LogFilter, Needle, Stream, StreamName},
    model::{ResourceName, Time},
};
use ratatui::{Terminal, backend::TestBackend};
use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

const NOT_FILES: [&str; 7] = ["docker", "setting", "script", "log", "user", "screens", "commands"];

#[test]
fn screens() {
    check_folder("dashboard", &["screens", "commands"], show);
}

fn show(case: &Case) -> BTreeMap<&'static str, String> {
    let mut viewer = Viewer::new(case);
    for line in case.lines("user").iter().filter(|line| !line.trim().is_empty()) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        viewer.perform(word, rest);
    }
    BTreeMap::from([("screens", viewer.screens), ("commands", viewer.commands)])
}

/// A user before the dashboard of a simulated session.
struct Viewer {
    sim: Sim,
    log: Vec<Entry>,
    now: Duration,
    dashboard: Option<Dashboard>,
    size: (u16, u16),
    screens: String,
    commands: String,
}

impl Viewer {
    fn new(case: &Case) -> Self {
        let log = case.lines("log").iter().enumerate().map(|(place, line)| entry(place, line)).collect();
        let (screens, commands) = (String::new(), String::new());
        let sim = play::begun(case, &NOT_FILES);
        Self { sim, log, now: Duration::ZERO, dashboard: None, size: (0, 0), screens, commands }
    }

    fn perform(&mut self, word: &str, rest: &str) {
        match word {
            "at" => self.pass(rest),
            "screen" => self.resize(rest),
            "press" => rest.split(' ').for_each(|key| self.input(Input::Key(key_of(key)))),
            "type" => rest.chars().for_each(|c| self.input(Input::Key(KeyEvent::from(KeyCode::Char(c))))),
            "click" => self.mouse(MouseEventKind::Down(MouseButton::Left), rest),
            "wheel" if rest.ends_with("-1") => self.mouse(MouseEventKind::ScrollUp, rest),
            "wheel" => self.mouse(MouseEventKind::ScrollDown, rest),
            "lost" => self.input(Input::Link(Link::Lost(rest.to_owned()))),
            "no-browser" => self.input(Input::NoBrowser(rest.to_owned())),
            "refuse" => self.input(Input::Refused(rest.to_owned())),
            "draw" => self.draw(),
            _ => panic!("what is `{word} {rest}`?"),
        }
    }

    /// The session goes on; the dashboard sees it.
    fn pass(&mut self, until: &str) {
        if until == "rest" {
            self.sim.settle();
        } else {
            // The world is a second older than the session.
            self.sim.run_until(Time::from_millis(1000) + play::duration(until));
            self.now = play::duration(until);
        }
        self.tell();
    }

    fn tell(&mut self) {
        let snapshot = self.sim.snapshot();
        self.now = self.now.max(snapshot.at.0);
        let mut snapshot = (*snapshot).clone();
        snapshot.at = Time(self.now);
        if self.dashboard.is_some() {
            self.input(Input::Snapshot(snapshot.into()));
        }
    }

    fn resize(&mut self, words: &str) {
        let mut words = words.split(' ');
        let (width, height) = words.next().unwrap().split_once('x').expect("a size");
        self.size = (width.parse().unwrap(), height.parse().unwrap());
        if self.dashboard.is_some() {
            return self.input(Input::Resize(self.size.0, self.size.1));
        }
        let words: Vec<&str> = words.collect();
        let look = Look { colour: !words.contains(&"plain"), unicode: !words.contains(&"ascii"), light: false };
        let whose = if words.contains(&"attached") { Whose::Attached } else { Whose::Own };
        let setting = Setting { look, title: "shop".to_owned(), whose, utc_offset_secs: 3600 };
        let (dashboard, commands) = Dashboard::new(setting, Preferences::default(), self.size.0, self.size.1);
        self.dashboard = Some(dashboard);
        self.carry_out(commands);
        self.tell();
    }

    fn mouse(&mut self, kind: MouseEventKind, at: &str) {
        let numbers: Vec<u16> = at.split(' ').map_while(|number| number.parse().ok()).collect();
        let (column, row) = (numbers[0], numbers[1]);
        self.input(Input::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
    }

    fn input(&mut self, input: Input) {
        let now = self.now;
        let commands = self.dashboard.as_mut().expect("a screen").update(now, input);
        self.carry_out(commands);
    }

    /// Answers questions for lines, and notes all else.
    fn carry_out(&mut self, commands: Vec<Command>) {
        for command in commands {
            match command {
                Command::Logs(wanted) => {
                    let what = answer(&self.log, &wanted);
                    self.input(Input::Logs(LogsAnswer { ticket: wanted.ticket, what }));
                }
                command => writeln!(self.commands, "{command:?}").unwrap(),
            }
        }
    }

    fn draw(&mut self) {
        let mut terminal = Terminal::new(TestBackend::new(self.size.0, self.size.1)).unwrap();
        let dashboard = self.dashboard.as_ref().expect("a screen");
        terminal.draw(|frame| dashboard.draw(frame)).unwrap();
        let title = format!(" {}x{} ", self.size.0, self.size.1);
        writeln!(self.screens, "{title:=^80}").unwrap();
        let buffer = terminal.backend().buffer();
        for row in buffer.content().chunks(usize::from(self.size.0.max(1))) {
            let mut line = String::new();
            let mut skip = 0;
            for cell in row {
                if skip == 0 {
                    line.push_str(cell.symbol());
                    skip = unicode_width::UnicodeWidthStr::width(cell.symbol()).max(1);
                }
                skip -= 1;
            }
            writeln!(self.screens, "{}", line.trim_end()).unwrap();
        }
    }
}

fn entry(place: usize, line: &str) -> Entry {
    let mut words = line.splitn(3, ' ');
    let resource = words.next().filter(|name| *name != "-").map(|name| ResourceName::parse(name).unwrap());
    let stream = match words.next() {
        Some("stderr") => StreamName::Stderr,
        Some("orch") => StreamName::Orch,
        _ => StreamName::Stdout,
    };
    let text = words.next().unwrap_or_default().replace("\\e", "\u{1b}");
    Entry {
        at_ms: 1_700_000_000_000 + place as u64 * 100,
        us: 0,
        resource,
        run: None,
        instance: None,
        stream,
        level: None,
        text,
        continues: false,
        unfinished: false,
    }
}

/// What a session whose log holds these lines answers.
fn answer(log: &[Entry], wanted: &LogsWanted) -> LogsCame {
    let stream = wanted.query.stream.map(|stream| match stream {
        StreamName::Stdout => Stream::Out,
        StreamName::Stderr => Stream::Err,
        StreamName::Orch => Stream::Orch,
    });
    let filter = LogFilter { level: wanted.query.level, stream, text: Needle::new(&wanted.query.text) };
    let is_wanted = |entry: &&Entry| {
        let is_its = wanted.query.name.is_none() || wanted.query.name == entry.resource;
        is_its && filter.keeps(&Line::from((*entry).clone()))
    };
    let lines: Vec<Entry> = log.iter().filter(is_wanted).cloned().collect();
    let last = |lines: Vec<Entry>, count: usize| lines[lines.len().saturating_sub(count)..].to_vec();
    match wanted.span {
        Span::Follow(count) => LogsCame::More(last(lines, count)),
        Span::FollowSince(at) => LogsCame::More(lines.into_iter().filter(|entry| entry.at_us() >= at).collect()),
        Span::Until(at, count) => {
            LogsCame::Page(last(lines.into_iter().filter(|entry| entry.at_us() <= at).collect(), count))
        }
        Span::Since(at, count) => {
            LogsCame::Page(lines.into_iter().filter(|entry| entry.at_us() >= at).take(count).collect())
        }
        Span::First(count) => LogsCame::Page(lines.into_iter().take(count).collect()),
        Span::LastOf(_, count) => LogsCame::Page(last(log.to_vec(), count.min(3))),
        Span::Count => {
            let until_us = log.last().map_or(0, Entry::at_us);
            LogsCame::Count(Count { lines: lines.len() as u64, until_us })
        }
    }
}

fn key_of(text: &str) -> KeyEvent {
    if let Some(letter) = text.strip_prefix("ctrl-") {
        return KeyEvent::new(KeyCode::Char(letter.chars().next().unwrap()), KeyModifiers::CONTROL);
    }
    KeyEvent::from(match text {
        "enter" => KeyCode::Enter,
        "space" => KeyCode::Char(' '),
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        "pgup" => KeyCode::PageUp,
        "pgdn" => KeyCode::PageDown,
        "backspace" => KeyCode::Backspace,
        text => KeyCode::Char(text.chars().next().unwrap()),
    })
}
