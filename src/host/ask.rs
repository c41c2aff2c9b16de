//! The other end of the control socket: how a verb asks the running session.

use crate::{
    engine::Request,
    host::{
        claim::{self, SessionCard},
        control::{
            LogsCount, LogsQuery, Refusal, WaitQuery,
            protocol::{HEADER, PROTOCOL},
        },
    },
    logs::Entry,
    snapshot::{Change, Snapshot, news::News},
};
use http_body_util::{BodyExt, Full};
use hyper::{Method, StatusCode, body::Bytes, body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use std::{io, sync::Arc, time::Duration};
use tokio::{
    net::UnixStream,
    time::{Instant, sleep_until},
};

/// Why a session did not answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens: it is ending, or was killed.
    #[error("the session does not answer: {0}")]
    Unreachable(#[from] io::Error),
    /// It speaks otherwise than this orch.
    #[error(
        "the session was started by orch {} and speaks protocol {}; this is orch {} and speaks {PROTOCOL}",
        .0.version, .0.protocol, env!("CARGO_PKG_VERSION")
    )]
    OtherProtocol(Box<SessionCard>),
    /// The connection broke.
    #[error("the session broke off: {0}")]
    Broken(#[from] hyper::Error),
    /// It said no.
    #[error("{}", .0.error)]
    Refused(Refusal),
    /// It has nothing of that name.
    #[error("{}", .0.error)]
    Unknown(Refusal),
    /// It is of another version and says things that this one does not know.
    #[error("the session's answer cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
}

/// What the session shows now.
pub async fn snapshot(card: &SessionCard) -> Result<Snapshot, AskError> {
    let answer = send(card, Method::GET, "/v1/snapshot", Vec::new()).await?;

    let bytes = answer.collect().await?.to_bytes();
    Ok(serde_json::from_slice(&bytes)?)
}

/// Asks for something; returns when the session took it.
pub async fn request(card: &SessionCard, request: &Request) -> Result<(), AskError> {
    send(card, Method::POST, "/v1/requests", serde_json::to_vec(request)?).await.map(drop)
}

/// Lines of logs as they come; `each` says whether to go on.
pub async fn logs(card: &SessionCard, query: &LogsQuery, mut each: impl FnMut(Entry) -> bool) -> Result<(), AskError> {
    let query = serde_urlencoded::to_string(query).map_err(io::Error::other)?;
    let answer = send(card, Method::GET, &format!("/v1/logs?{query}"), Vec::new()).await?;
    lines(answer, |line| Ok(each(serde_json::from_slice(line)?))).await
}

/// Returns with a snapshot in which that is so.
pub async fn wait(card: &SessionCard, query: &WaitQuery) -> Result<Snapshot, AskError> {
    let query = serde_urlencoded::to_string(query).map_err(io::Error::other)?;
    let answer = send(card, Method::GET, &format!("/v1/wait?{query}"), Vec::new()).await?;
    Ok(serde_json::from_slice(&answer.collect().await?.to_bytes())?)
}

/// What happens from now on until the session ends, and first `None`, as soon as it listens; `each` says whether to go on.
pub async fn events(card: &SessionCard, mut each: impl FnMut(Option<News>) -> bool) -> Result<(), AskError> {
    let answer = send(card, Method::GET, "/v1/events", Vec::new()).await?;
    let read = |line: &[u8]| if line == b"\n" { Ok(None) } else { serde_json::from_slice(line).map(Some) };
    lines(answer, |line| Ok(each(read(line)?))).await
}

/// Lines that come as they are said, at the pace of who takes them.
pub struct FollowedLogs {
    answer: Incoming,
    rest: Vec<u8>,
}

/// Lines of logs that are taken batch by batch.
pub async fn follow_logs(card: &SessionCard, query: &LogsQuery) -> Result<FollowedLogs, AskError> {
    let query = serde_urlencoded::to_string(query).map_err(io::Error::other)?;
    let answer = send(card, Method::GET, &format!("/v1/logs?{query}"), Vec::new()).await?;
    Ok(FollowedLogs { answer, rest: Vec::new() })
}

impl FollowedLogs {
    /// The next lines; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<Entry>>, AskError> {
        while let Some(frame) = self.answer.frame().await {
            let frame = frame?;
            let Some(bytes) = frame.data_ref() else { continue };
            self.rest.extend_from_slice(bytes);
            let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else { continue };
            let lines = self.rest[..end].split(|byte| *byte == b'\n');
            let entries = lines.map(serde_json::from_slice).collect::<Result<_, _>>()?;
            self.rest.drain(..=end);
            return Ok(Some(entries));
        }
        Ok(None)
    }
}

/// How many lines a query has.
pub async fn logs_count(card: &SessionCard, query: &LogsQuery) -> Result<u64, AskError> {
    let query = serde_urlencoded::to_string(query).map_err(io::Error::other)?;
    let answer = send(card, Method::GET, &format!("/v1/logs/count?{query}"), Vec::new()).await?;
    let bytes = answer.collect().await?.to_bytes();
    Ok(serde_json::from_slice::<LogsCount>(&bytes)?.lines)
}

/// What the session shows, now and whenever that changes; `each` says whether to go on. Returns when the session ended.
pub async fn snapshots(card: &SessionCard, mut each: impl FnMut(Arc<Snapshot>) -> bool) -> Result<(), AskError> {
    let answer = send(card, Method::GET, "/v1/snapshots", Vec::new()).await?;
    let mut last = Snapshot::default();
    lines(answer, |line| {
        last = serde_json::from_slice::<Change>(line)?.apply(&last);
        Ok(each(Arc::new(last.clone())))
    })
    .await
}

/// Hands on line by line, each with its end.
async fn lines(mut answer: Incoming, mut each: impl FnMut(&[u8]) -> Result<bool, AskError>) -> Result<(), AskError> {
    let mut rest: Vec<u8> = Vec::new();
    while let Some(frame) = answer.frame().await {
        let frame = frame?;
        let Some(bytes) = frame.data_ref() else { continue };
        // What was there before has no end of a line in it.
        let (mut start, mut searched) = (0, rest.len());
        rest.extend_from_slice(bytes);
        while let Some(end) = rest[searched..].iter().position(|byte| *byte == b'\n').map(|at| searched + at + 1) {
            if !each(&rest[start..end])? {
                return Ok(());
            }
            (start, searched) = (end, end);
        }
        rest.drain(..start);
    }
    Ok(())
}

/// How long a session may take from its claim on the project until it listens, and how often it is tried.
const STARTING_MAX: Duration = Duration::from_secs(5);
const TRY_PERIOD: Duration = Duration::from_millis(20);

/// Connects to the session; one that has just been started is waited for.
async fn connect(card: &SessionCard) -> io::Result<UnixStream> {
    let deadline = Instant::now() + STARTING_MAX;
    loop {
        let error = match UnixStream::connect(&card.socket).await {
            Ok(stream) => return Ok(stream),
            Err(error) => error,
        };
        let is_deaf = matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused);
        let lives = || claim::running_session(&card.root()).is_some_and(|now| now.pid == card.pid);
        if !is_deaf || Instant::now() >= deadline || !lives() {
            return Err(error);
        }
        sleep_until(Instant::now() + TRY_PERIOD).await;
    }
}

async fn send(card: &SessionCard, method: Method, path: &str, body: Vec<u8>) -> Result<Incoming, AskError> {
    if card.protocol != PROTOCOL {
        return Err(AskError::OtherProtocol(Box::new(card.clone())));
    }
    let stream = connect(card).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = hyper::Request::builder()
        .method(method)
        .uri(path)
        .header("host", "orch")
        .header(HEADER, PROTOCOL)
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(io::Error::other)?;
    let answer = sender.send_request(request).await?;
    if answer.status().is_success() {
        return Ok(answer.into_body());
    }
    let status: StatusCode = answer.status();
    let bytes = answer.into_body().collect().await?.to_bytes();
    let refusal = serde_json::from_slice(&bytes);
    let refusal = refusal.unwrap_or_else(|_| Refusal { error: format!("it answered {status}"), help: None });
    Err(if status == StatusCode::NOT_FOUND { AskError::Unknown(refusal) } else { AskError::Refused(refusal) })
}
