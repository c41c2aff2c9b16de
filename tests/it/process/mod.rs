//! Real processes: whole trees end, exits and output are true, failures speak.

mod death;
mod output;
mod start;
mod trees;

use orch::{
    engine::CommandSpec,
    host::process::{OutputSink, Processes, Stream},
    model::FilePath,
};
use std::{
    collections::BTreeMap,
    fs,
    future::Future,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::watch;

/// A grace that no test waits for.
pub(crate) const LONG: Duration = Duration::from_hours(1);

/// What no test may take longer than.
const DEADLINE: Duration = Duration::from_mins(1);

pub(crate) fn processes() -> Processes {
    Processes::start_through(Path::new(env!("CARGO_BIN_EXE_orch"))).unwrap()
}

pub(crate) fn sh(script: &str) -> CommandSpec {
    command(&["sh", "-c", script])
}

pub(crate) fn command(argv: &[&str]) -> CommandSpec {
    let argv = argv.iter().map(|argument| (*argument).to_owned()).collect();
    CommandSpec { argv, dir: FilePath::new("/"), env: BTreeMap::new() }
}

/// Waits for what must come.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

/// A sink whose content can be waited for.
pub(crate) struct Screen {
    written: watch::Sender<Vec<u8>>,
    closed: Mutex<bool>,
}

impl Screen {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { written: watch::Sender::new(Vec::new()), closed: Mutex::new(false) })
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.written.borrow()).into_owned()
    }

    /// Waits until `count` lines begin with `word`; gives the number that follows it in each.
    pub(crate) async fn numbers(&self, word: &str, count: usize) -> Vec<u32> {
        let numbers = |bytes: &[u8]| -> Vec<u32> {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let lines = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
            lines.filter_map(|line| line.strip_prefix(word)?.trim().parse().ok()).collect()
        };
        let mut changes = self.written.subscribe();
        let enough = changes.wait_for(|bytes| numbers(bytes).len() >= count);
        let bytes = soon(word, enough).await.unwrap().clone();
        numbers(&bytes)
    }

    /// Waits until `text` is there.
    pub(crate) async fn shows(&self, text: &str) {
        let mut changes = self.written.subscribe();
        let there = changes.wait_for(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()));
        soon(text, there).await.unwrap();
    }
}

impl OutputSink for Screen {
    fn write(&self, _: Stream, bytes: &[u8]) {
        self.written.send_modify(|written| written.extend_from_slice(bytes));
    }

    fn close(&self) {
        let mut closed = self.closed.lock().unwrap();
        assert!(!*closed, "closed twice");
        *closed = true;
    }
}

/// Whether the process lives: there, and no zombie.
pub(crate) fn lives(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit_once(") ").unwrap().1.starts_with(['Z', 'X']))
}

pub(crate) fn living(pids: &[u32]) -> Vec<u32> {
    pids.iter().copied().filter(|pid| lives(*pid)).collect()
}

/// Waits until a condition of the process table holds; nothing tells when it does.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(2));
    soon(what, async {
        while !condition() {
            ticks.tick().await;
        }
    })
    .await;
}

/// A child, one in a session of its own, a daemon that forked twice, and then `rest`. Four lines `member PID`.
pub(crate) fn tree(rest: &str) -> String {
    let member = "echo member $$; exec sleep 1000";
    format!(
        "sh -c '{member}' & setsid sh -c '{member}' & (setsid sh -c '({member_daemon}) &' &) ; echo member $$; {rest}",
        member_daemon = "sh -c \"echo member \\$\\$; exec sleep 1000\""
    )
}
