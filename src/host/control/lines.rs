//! `GET /v1/logs` and `GET /v1/logs/count`: lines of logs from anywhere in them, as they are wanted.

use super::{Control, Receiving, names_in};
use crate::{
    logs::{Batch, Entry, Follower, From, Line, LogFilter, LogName, LogStore, Needle, Span, Stream, StreamName},
    model::{Attempt, InstanceId, Level, ResourceName, RunId},
};
use axum::{
    Json,
    body::{Body, Bytes},
    extract::{Query, State},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use std::{
    io,
    time::{Duration, SystemTime},
};
use tokio::sync::mpsc;

/// The query of `GET /v1/logs`, which answers with one [`Entry`] a line.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LogsQuery {
    /// Resources; all, and the session's own log, where empty. Separated by `/`, which no name holds.
    #[serde(default)]
    pub names: String,
    /// Milliseconds since 1970: lines from then on.
    pub since_ms: Option<u64>,
    /// The same in microseconds, which no two lines of one log share; goes before `since_ms`.
    pub since_us: Option<u64>,
    /// The last so many lines; goes before `since_ms`.
    pub tail: Option<usize>,
    /// Milliseconds since 1970: with `tail`, the last lines until then.
    pub until_ms: Option<u64>,
    /// The same in microseconds; goes before `until_ms`.
    pub until_us: Option<u64>,
    /// At most so many lines, the first ones.
    pub limit: Option<usize>,
    /// Lines at least this important.
    pub level: Option<Level>,
    /// Lines from there alone.
    pub stream: Option<StreamName>,
    /// Lines that hold this text; without upper case in it, in any case. Of several lines of text, each must be held.
    #[serde(default)]
    pub text: String,
    /// Go on until the session ends.
    #[serde(default)]
    pub follow: bool,
    /// Only the last lines of that run.
    pub run: Option<RunId>,
    /// Only the last lines of that instance.
    pub instance: Option<InstanceId>,
}

/// How many last lines of a run are told where nobody says.
const LAST_LINES: usize = 100;

impl LogsQuery {
    fn attempt(&self) -> Option<Attempt> {
        self.run.map(Attempt::Run).or(self.instance.map(Attempt::Instance))
    }

    /// From where on to read.
    pub fn from(&self) -> From {
        match (self.tail, self.since()) {
            (Some(tail), _) => From::Last(tail),
            (None, Some(since)) => From::Since(since),
            (None, None) => From::Start,
        }
    }

    fn since(&self) -> Option<SystemTime> {
        self.since_us.or(self.since_ms.map(|millis| millis.saturating_mul(1000))).map(moment)
    }

    fn until(&self) -> Option<SystemTime> {
        // The whole of that millisecond, or microsecond.
        let of_millis = |millis: u64| millis.saturating_mul(1000).saturating_add(999);
        let until = self.until_us.or(self.until_ms.map(of_millis));
        until.map(|micros| moment(micros) + Duration::from_nanos(999))
    }

    /// The stretch of lines that is asked for, where it has an end.
    pub fn span(&self) -> Option<Span> {
        match (self.tail, self.until(), self.limit, self.since()) {
            (Some(tail), Some(until), ..) => Some(Span::Until(until, tail)),
            (_, _, Some(limit), Some(since)) => Some(Span::Since(since, limit)),
            (_, _, Some(limit), None) => Some(Span::First(limit)),
            _ => None,
        }
    }

    /// Which of the lines are wanted.
    pub fn filter(&self) -> LogFilter {
        let stream = self.stream.map(|stream| match stream {
            StreamName::Stdout => Stream::Out,
            StreamName::Stderr => Stream::Err,
            StreamName::Orch => Stream::Orch,
        });
        LogFilter { level: self.level, stream, text: Needle::new(&self.text) }
    }
}

fn moment(micros: u64) -> SystemTime {
    // What no line can have is later than all of them.
    SystemTime::UNIX_EPOCH + Duration::from_micros(micros.min(u64::MAX / 2))
}

/// The answer of `GET /v1/logs/count`, whose query is that of `GET /v1/logs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogsCount {
    /// How many lines there are.
    pub lines: u64,
}

pub(super) async fn logs(State(control): State<Control>, Query(query): Query<LogsQuery>) -> Response {
    let names = match names_in(&query.names) {
        Ok(names) => (!names.is_empty()).then_some(names),
        Err(refusal) => return *refusal,
    };
    if let Some(attempt) = query.attempt() {
        return last_of(&control, names, attempt, query.tail.unwrap_or(LAST_LINES));
    }
    let (sender, receiver) = mpsc::channel::<Result<Bytes, io::Error>>(4);
    tokio::spawn(send_lines(control.logs, names, query, sender));
    Body::from_stream(Receiving(receiver)).into_response()
}

/// The last lines of one run or instance, from whichever of the logs has them: a build is said by one of those that need it.
fn last_of(control: &Control, names: Option<Vec<ResourceName>>, attempt: Attempt, count: usize) -> Response {
    let reader = control.logs.reader();
    let logs = names.map_or_else(|| reader.names(), |names| names.into_iter().map(LogName::Resource).collect());
    let found = logs.iter().map(|log| reader.last_of(log, attempt, count)).find(|lines| !lines.is_empty());
    json_lines(&found.unwrap_or_default()).into_response()
}

pub(super) async fn count(State(control): State<Control>, Query(query): Query<LogsQuery>) -> Response {
    let names = match names_in(&query.names) {
        Ok(names) => (!names.is_empty()).then_some(names),
        Err(refusal) => return *refusal,
    };
    let logs = control.logs;
    let count = move || logs.reader().count(names.as_deref(), &query.filter(), query.until());
    let lines = tokio::task::spawn_blocking(count).await.unwrap_or_default();
    Json(LogsCount { lines }).into_response()
}

async fn send_lines(
    logs: LogStore,
    names: Option<Vec<ResourceName>>,
    query: LogsQuery,
    sender: mpsc::Sender<Result<Bytes, io::Error>>,
) {
    let filter = query.filter();
    if let Some(span) = query.span() {
        let page = move || json_lines(&logs.reader().page(names.as_deref(), &filter, span));
        // A reader that went away wants nothing any more.
        sender.send(Ok(tokio::task::spawn_blocking(page).await.unwrap_or_default().into())).await.ok();
        return;
    }
    let (mut follower, filter) = match query.tail.filter(|tail| *tail > 0 && !filter.is_all()) {
        None => (logs.follow(names, query.from()), filter),
        Some(tail) => {
            let reach_back = move || {
                let reach = logs.reader().reach(names.as_deref(), &filter, tail);
                (logs.follow(names, From::Last(reach)), filter)
            };
            let Ok(begun) = tokio::task::spawn_blocking(reach_back).await else { return };
            begun
        }
    };
    loop {
        let batch = tokio::select! {
            batch = next(&mut follower, query.follow) => batch,
            () = sender.closed() => return,
        };
        let Some(mut batch) = batch else { return };
        batch.lines.retain(|line| filter.keeps(line));
        if !batch.lines.is_empty() && sender.send(Ok(json_lines(&batch.lines).into())).await.is_err() {
            return;
        }
    }
}

async fn next(follower: &mut Follower, follow: bool) -> Option<Batch> {
    if follow { follower.next().await } else { follower.try_next() }
}

fn json_lines(lines: &[Line]) -> Vec<u8> {
    let mut text = Vec::new();
    for line in lines {
        // An entry has nothing in it that JSON cannot say.
        serde_json::to_writer(&mut text, &Entry::from(line)).ok();
        text.push(b'\n');
    }
    text
}
