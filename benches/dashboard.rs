//! The dashboard: what a frame costs, in itself and on a real terminal, and what an idle one takes.

use crate::{
    memory::{cpu, pss},
    sandbox::Sandbox,
    stats::{Figure, Rounds},
};
use nix::pty::{Winsize, openpty};
use orch::{
    dashboard::{
        Dashboard, Input, Look, Setting, Whose,
        command::Command,
        log_query::{LogsAnswer, LogsCame},
        preferences::Preferences,
    },
    logs::{Entry, StreamName},
    model::ResourceName,
    snapshot::{Row, RowKind, RuntimeStatus, Snapshot, UpdateStatus},
};
use ratatui::{Terminal, backend::TestBackend};
use std::{
    fs::File,
    io::{Read, Write},
    process::{Child, Stdio},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

/// CPU of an update and a frame of a wide terminal, with many resources and a long log.
pub(crate) fn frame(rounds: &Rounds) -> Vec<Figure> {
    const RESOURCES: usize = 1_000;
    const LINES: usize = 1_000_000;
    let setting = Setting {
        look: Look { colour: true, unicode: true, light: false },
        title: "bench".to_owned(),
        whose: Whose::Own,
        utc_offset_secs: 0,
    };
    let (mut dashboard, first) = Dashboard::new(setting, Preferences::default(), 200, 60);
    let Some(Command::Logs(wanted)) = first.first() else { unreachable!("it wants lines first") };
    let ticket = wanted.ticket;
    let more = |lines: Vec<Entry>| Input::Logs(LogsAnswer { ticket, what: LogsCame::More(lines) });
    let began = Instant::now();
    let mut snapshot = Snapshot { rows: (0..RESOURCES).map(row).collect(), ..Snapshot::default() };
    dashboard.update(began.elapsed(), Input::Snapshot(Arc::new(snapshot.clone())));
    for start in (0..LINES).step_by(4_000) {
        dashboard.update(began.elapsed(), more((start..start + 4_000).map(line).collect()));
    }
    let mut terminal = Terminal::new(TestBackend::new(200, 60)).unwrap();
    let mut timed = |dashboard: &mut Dashboard, input: Input| {
        let at = Instant::now();
        dashboard.update(began.elapsed(), input);
        terminal.draw(|frame| dashboard.draw(frame)).unwrap();
        at.elapsed()
    };
    let lines: Vec<Duration> = (0..rounds.short)
        .map(|round| timed(&mut dashboard, more((0..1_600).map(|place| line(LINES + round * 1_600 + place)).collect())))
        .collect();
    let states: Vec<Duration> = (0..rounds.short)
        .map(|round| {
            snapshot.rows.set(round % RESOURCES, Row { dirty: true, ..row(round) });
            timed(&mut dashboard, Input::Snapshot(Arc::new(snapshot.clone())))
        })
        .collect();
    vec![
        Figure::times("frame, 1,000 resources: after 1,600 more of a million lines", &lines, "16")
            .note("100,000 lines a second are 1,600 a frame"),
        Figure::times("frame, 1,000 resources: after another state", &states, "16"),
    ]
}

fn row(place: usize) -> Row {
    Row {
        labels: vec![format!("group-{}", place % 20)],
        update: UpdateStatus::Ok,
        runtime: RuntimeStatus::Ok,
        ..Row::new(ResourceName::parse(&format!("resource-{place}")).unwrap(), RowKind::Local)
    }
}

fn line(place: usize) -> Entry {
    Entry {
        at_ms: 1_700_000_000_000 + place as u64,
        us: 0,
        resource: ResourceName::parse(&format!("resource-{}", place % 1_000)).ok(),
        run: None,
        instance: None,
        stream: StreamName::Stdout,
        level: None,
        text: format!("\u{1b}[32mINFO\u{1b}[0m line {place} of a program that has much to say about what it does"),
        continues: false,
        unfinished: false,
    }
}

/// A real dashboard on a real session: keys to frames, and what it takes while nothing happens.
pub(crate) fn open(rounds: &Rounds) -> Vec<Figure> {
    let servers = "[local_resource('server-%d' % i, serve_cmd = ['sleep', '1000000']) for i in range(50)]\n";
    let mut sandbox = Sandbox::new(servers);
    let session = sandbox.up();
    sandbox.wait_at_rest();
    let mut viewer = Viewer::open(&sandbox);
    viewer.wait_for(b"server-1");
    viewer.quiet();
    let keys: Vec<Duration> =
        (0..rounds.short).map(|round| viewer.press(if round % 20 < 10 { b"j" } else { b"k" })).collect();
    // Ages of less than a minute change each second.
    thread::sleep(Duration::from_secs(65));
    let pid = viewer.child.id();
    let (before, begin) = (cpu(pid) + cpu(session), Instant::now());
    thread::sleep(rounds.idle);
    let share = (cpu(pid) + cpu(session)).saturating_sub(before).as_secs_f64() / begin.elapsed().as_secs_f64() * 100.0;
    vec![
        Figure::times("key to frame, 50 servers", &keys, "16"),
        Figure::new("idle CPU with the dashboard open: both processes", "%", vec![share], "0.1"),
        Figure::new("idle memory of the dashboard", "MB", vec![pss(pid)], "25"),
    ]
}

/// `orch attach` in a terminal.
struct Viewer {
    child: Child,
    keyboard: File,
    drawn: mpsc::Receiver<Vec<u8>>,
}

impl Viewer {
    fn open(sandbox: &Sandbox) -> Self {
        let size = Winsize { ws_row: 50, ws_col: 160, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).unwrap();
        let end = || Stdio::from(pty.slave.try_clone().unwrap());
        let mut command = sandbox.orch(&["attach"]);
        command.env("TERM", "xterm-256color").env("LANG", "C.UTF-8").stdin(end()).stdout(end()).stderr(end());
        let child = command.spawn().unwrap();
        let mut master = File::from(pty.master);
        let keyboard = master.try_clone().unwrap();
        let (sender, screens) = mpsc::channel();
        thread::spawn(move || {
            let mut bytes = vec![0; 64 << 10];
            while let Ok(read @ 1..) = master.read(&mut bytes) {
                if sender.send(bytes[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, keyboard, drawn: screens }
    }

    fn wait_for(&mut self, text: &[u8]) {
        let mut seen = Vec::new();
        while !seen.windows(text.len()).any(|part| part == text) {
            seen.extend(self.drawn.recv_timeout(Duration::from_secs(30)).unwrap());
        }
    }

    /// Waits until it draws nothing more.
    fn quiet(&mut self) {
        while self.drawn.recv_timeout(Duration::from_millis(300)).is_ok() {}
    }

    /// From a key to what is drawn for it.
    fn press(&mut self, key: &[u8]) -> Duration {
        while self.drawn.try_recv().is_ok() {}
        let begin = Instant::now();
        self.keyboard.write_all(key).unwrap();
        self.drawn.recv_timeout(Duration::from_secs(5)).unwrap();
        let took = begin.elapsed();
        thread::sleep(Duration::from_millis(40));
        took
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
