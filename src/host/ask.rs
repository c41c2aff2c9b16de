//! The other end of the control socket: how a verb asks the running session.

use crate::{
    engine::Request,
    host::{
        claim::SessionCard,
        control::{LogsQuery, Refusal},
    },
    logs::Entry,
    snapshot::Snapshot,
};
use http_body_util::{BodyExt, Full};
use hyper::{Method, StatusCode, body::Bytes, body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use std::{io, path::Path};
use tokio::net::UnixStream;

/// Why a session did not answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens: it is ending, or was killed.
    #[error("the session does not answer: {0}")]
    Unreachable(#[from] io::Error),
    /// The connection broke.
    #[error("the session broke off: {0}")]
    Broken(#[from] hyper::Error),
    /// It said no.
    #[error("{}", .0.error)]
    Refused(Refusal),
    /// It is of another version and says things that this one does not know.
    #[error("the session's answer cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
}

/// What the session shows now.
pub async fn snapshot(card: &SessionCard) -> Result<Snapshot, AskError> {
    let answer = send(&card.socket, Method::GET, "/v1/snapshot", Vec::new()).await?;

    let bytes = answer.collect().await?.to_bytes();
    Ok(serde_json::from_slice(&bytes)?)
}

/// Asks for something; returns when the session took it.
pub async fn request(card: &SessionCard, request: &Request) -> Result<(), AskError> {
    send(&card.socket, Method::POST, "/v1/requests", serde_json::to_vec(request)?).await.map(drop)
}

/// Lines of logs as they come; `each` says whether to go on.
pub async fn logs(card: &SessionCard, query: &LogsQuery, mut each: impl FnMut(Entry) -> bool) -> Result<(), AskError> {
    let query = serde_urlencoded::to_string(query).map_err(io::Error::other)?;
    let mut answer = send(&card.socket, Method::GET, &format!("/v1/logs?{query}"), Vec::new()).await?;
    let mut rest = Vec::new();
    while let Some(frame) = answer.frame().await {
        let frame = frame?;
        let Some(bytes) = frame.data_ref() else { continue };
        rest.extend_from_slice(bytes);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            if !each(serde_json::from_slice(&line)?) {
                return Ok(());
            }
        }
    }
    Ok(())
}

async fn send(socket: &Path, method: Method, path: &str, body: Vec<u8>) -> Result<Incoming, AskError> {
    let stream = UnixStream::connect(socket).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = hyper::Request::builder()
        .method(method)
        .uri(path)
        .header("host", "orch")
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
    Err(AskError::Refused(refusal.unwrap_or_else(|_| Refusal { error: format!("it answered {status}"), help: None })))
}
