//! What the dashboard knows of the session, all of it through the control socket: snapshots, lines of logs, answers.

#![expect(clippy::disallowed_methods, reason = "how far the lines lag behind is told by the wall clock")]

use super::workshop;
use crate::{
    dashboard::{
        Input, Link,
        log_query::{Count, LogQuery, LogsAnswer, LogsCame, LogsWanted, Span},
    },
    engine::Request,
    host::{
        ask::{self, AskError},
        claim::{self, SessionCard},
        control::LogsQuery,
    },
    model::{Attempt, ResourceName},
    snapshot::Snapshot,
};
use std::{
    collections::BTreeMap,
    sync::Arc,
    thread,
    time::{Duration, SystemTime},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep_until},
};

/// How many answers wait for the dashboard at most; who has more to say waits.
const WAITING: usize = 16;
/// Lines that are older than that when they come are not worth showing one by one.
const LAG: Duration = Duration::from_millis(1500);
/// How long a session that does not answer is left in peace before it is asked again.
const RETRY: Duration = Duration::from_millis(200);

/// The connection of a dashboard to a session.
pub(super) struct Feed {
    card: SessionCard,
    inputs: mpsc::Sender<Input>,
    following: Option<JoinHandle<()>>,
}

/// What comes of it.
pub(super) struct Fed {
    /// The latest state; those before it do not matter any more.
    pub(super) snapshots: watch::Receiver<Arc<Snapshot>>,
    /// All else, in its order.
    pub(super) inputs: mpsc::Receiver<Input>,
}

impl Feed {
    /// Connects to the session.
    pub(super) fn open(card: SessionCard) -> (Self, Fed) {
        let (inputs, received) = mpsc::channel(WAITING);
        let (snapshot, snapshots) = watch::channel(Arc::new(Snapshot::default()));
        tokio::spawn(watch_session(card.clone(), snapshot, inputs.clone()));
        (Self { card, inputs, following: None }, Fed { snapshots, inputs: received })
    }

    /// Asks the session; what it says to that becomes an input where it is a refusal.
    pub(super) fn ask(&self, request: Request) {
        let (card, inputs) = (self.card.clone(), self.inputs.clone());
        tokio::spawn(async move {
            if let Err(error) = ask::request(&card, &request).await {
                // A dashboard that is gone needs no answer.
                inputs.send(Input::Told(Err(error.to_string()))).await.ok();
            }
        });
    }

    /// Presses a button.
    pub(super) fn press(&self, button: ResourceName, inputs: BTreeMap<String, String>) {
        let (card, sender) = (self.card.clone(), self.inputs.clone());
        tokio::spawn(async move {
            if let Err(error) = ask::request(&card, &Request::Click { button, inputs }).await {
                // As above.
                sender.send(Input::Refused(error.to_string())).await.ok();
            }
        });
    }

    /// Shows a page in the browser.
    pub(super) fn browse(&self, url: String) {
        let sender = self.inputs.clone();
        // Browsers take their time.
        thread::spawn(move || {
            let told =
                if workshop::open(&url) { Input::Told(Ok(format!("opened {url}"))) } else { Input::NoBrowser(url) };
            // As above.
            sender.blocking_send(told).ok();
        });
    }

    /// Gets lines.
    pub(super) fn logs(&mut self, wanted: LogsWanted) {
        let (card, inputs) = (self.card.clone(), self.inputs.clone());
        if let Span::Follow(_) | Span::FollowSince(_) = wanted.span {
            self.stop_logs();
            self.following = Some(tokio::spawn(follow(card, wanted, inputs)));
            return;
        }
        tokio::spawn(async move {
            let ticket = wanted.ticket;
            let what = page(&card, &wanted).await.unwrap_or_else(|error| LogsCame::Failed(error.to_string()));
            inputs.send(Input::Logs(LogsAnswer { ticket, what })).await.ok();
        });
    }

    /// Follows nothing any more.
    pub(super) fn stop_logs(&mut self) {
        if let Some(following) = self.following.take() {
            following.abort();
        }
    }
}

/// Tells each state until the session has ended.
async fn watch_session(card: SessionCard, snapshot: watch::Sender<Arc<Snapshot>>, inputs: mpsc::Sender<Input>) {
    let root = card.file.parent().unwrap_or_else(|| card.file.clone());
    let mut is_ending = false;
    loop {
        let watched = ask::snapshots(&card, |new| snapshot.send(new).is_ok()).await;
        if snapshot.is_closed() {
            return;
        }
        let link = match (claim::running_session(&root), watched) {
            (Some(now), _) if now.pid != card.pid => Link::Ended,
            (None, _) => Link::Ended,
            (Some(_), Err(error)) if !is_ending => Link::Lost(error.to_string()),
            // It closes its socket a moment before it gives the project free.
            (Some(_), _) => Link::Live,
        };
        is_ending |= link == Link::Live;
        let has_ended = link == Link::Ended;
        if link != Link::Live && inputs.send(Input::Link(link)).await.is_err() || has_ended {
            return;
        }
        sleep_until(Instant::now() + RETRY).await;
    }
}

fn query_of(query: &LogQuery) -> LogsQuery {
    LogsQuery {
        names: query.name.as_ref().map(ToString::to_string).unwrap_or_default(),
        level: query.level,
        stream: query.stream,
        text: query.text.clone(),
        ..LogsQuery::default()
    }
}

async fn page(card: &SessionCard, wanted: &LogsWanted) -> Result<LogsCame, AskError> {
    let query = query_of(&wanted.query);
    let query = match wanted.span {
        Span::Until(micros, count) => LogsQuery { until_us: Some(micros), tail: Some(count), ..query },
        Span::Since(micros, count) => LogsQuery { since_us: Some(micros), limit: Some(count), ..query },
        Span::First(count) => LogsQuery { limit: Some(count), ..query },
        Span::LastOf(Attempt::Run(run), count) => {
            LogsQuery { run: Some(run), tail: Some(count), ..LogsQuery::default() }
        }
        Span::LastOf(Attempt::Instance(instance), count) => {
            LogsQuery { instance: Some(instance), tail: Some(count), ..LogsQuery::default() }
        }
        Span::Count | Span::Follow(_) | Span::FollowSince(_) => {
            let until_us = now_us();
            let lines = ask::logs_count(card, &LogsQuery { until_us: Some(until_us), ..query }).await?;
            return Ok(LogsCame::Count(Count { lines, until_us }));
        }
    };
    let mut lines = ask::follow_logs(card, &query).await?;
    let mut page = Vec::new();
    while let Some(more) = lines.next().await? {
        page.extend(more);
    }
    Ok(LogsCame::Page(page))
}

async fn follow(card: SessionCard, wanted: LogsWanted, inputs: mpsc::Sender<Input>) {
    let ticket = wanted.ticket;
    if let Err(error) = try_follow(&card, &wanted, &inputs).await {
        let answer = LogsAnswer { ticket, what: LogsCame::Failed(error.to_string()) };
        inputs.send(Input::Logs(answer)).await.ok();
    }
}

async fn try_follow(card: &SessionCard, wanted: &LogsWanted, inputs: &mpsc::Sender<Input>) -> Result<(), AskError> {
    const TAIL: usize = 2_000;
    let query = LogsQuery { follow: true, ..query_of(&wanted.query) };
    let mut asked = match wanted.span {
        Span::FollowSince(micros) => LogsQuery { since_us: Some(micros), ..query.clone() },
        Span::Follow(count) => LogsQuery { tail: Some(count), ..query.clone() },
        Span::Until(..) | Span::Since(..) | Span::First(_) | Span::LastOf(..) | Span::Count => query.clone(),
    };
    let mut skips = false;
    loop {
        let mut lines = ask::follow_logs(card, &asked).await?;
        // What was said before may be as old as it likes.
        let began = SystemTime::now();
        loop {
            let Some(entries) = lines.next().await? else { return Ok(()) };
            if entries.last().is_some_and(|entry| lags(began, entry.at_ms)) {
                break;
            }
            let what = if std::mem::take(&mut skips) { LogsCame::Skipped(entries) } else { LogsCame::More(entries) };
            if inputs.send(Input::Logs(LogsAnswer { ticket: wanted.ticket, what })).await.is_err() {
                return Ok(());
            }
        }
        // They come faster than they can be shown: on with the last ones. All of them are in the log.
        skips = true;
        asked = LogsQuery { tail: Some(TAIL), ..query.clone() };
    }
}

/// Microseconds since 1970.
fn now_us() -> u64 {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since_1970.as_micros().try_into().unwrap_or(u64::MAX)
}

/// Whether a line that was said after `began` comes late.
fn lags(began: SystemTime, at_ms: u64) -> bool {
    let said_at = SystemTime::UNIX_EPOCH + Duration::from_millis(at_ms);
    said_at > began && SystemTime::now().duration_since(said_at).is_ok_and(|lag| lag > LAG)
}
