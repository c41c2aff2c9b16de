//! The requests of a build to the engine, each on a connection of its own: what it sends and reads for minutes shares none, and
//! dropping it is how the engine learns that nobody wants the answer.

use crate::host::docker::{Connection, transport::Transport};
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    Request, Response, StatusCode,
    body::{Frame, Incoming},
    client::conn::http1,
    header::{self, HeaderValue},
    http::request::Builder,
    upgrade,
};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use std::{error, io};
use tokio_util::task::AbortOnDropHandle;

/// The newest API that orch was written for.
const NEWEST_API: (u64, u64) = (1, 50);
/// No message of the engine is longer.
const LINE_BYTES_MAX: usize = 64 << 20;

/// What is sent.
pub(super) type Body = BoxBody<Bytes, io::Error>;

/// What went wrong between orch and the engine.
#[derive(Debug)]
pub(super) enum Error {
    /// Nobody answered, or the connection broke.
    Lost(io::Error),
    /// The engine says no, in these words.
    Refused(String),
}

/// An answer of the engine whose body was not read yet.
pub(super) struct Answer {
    response: Response<Incoming>,
    read: BytesMut,
    _connection: AbortOnDropHandle<()>,
}

/// The path of a request in the newest API that both sides know, with its query.
pub(super) fn path(connection: &Connection, path: &str, query: &[(&str, String)]) -> String {
    let (major, minor) = connection.api_version().min(NEWEST_API);
    let query = serde_urlencoded::to_string(query).unwrap_or_default();
    format!("/v{major}.{minor}{path}{}{query}", if query.is_empty() { "" } else { "?" })
}

/// No body.
pub(super) fn empty() -> Body {
    Full::default().map_err(|never| match never {}).boxed()
}

/// A body that is made while it is sent.
pub(super) fn streamed(parts: impl Stream<Item = io::Result<Bytes>> + Send + Sync + 'static) -> Body {
    BodyExt::boxed(StreamBody::new(futures_util::TryStreamExt::map_ok(parts, Frame::data)))
}

/// Asks the engine; returns when its answer begins.
pub(super) async fn ask(connection: &Connection, request: Builder, body: Body) -> Result<Answer, Error> {
    let stream: Box<dyn Transport> = connection.open().await.map_err(Error::Lost)?;
    let (mut sender, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(lost)?;
    // What goes wrong with the connection shows in the request that it carries.
    let driver = AbortOnDropHandle::new(tokio::spawn(async move { driver.with_upgrades().await.unwrap_or_default() }));
    let request = request.header(header::HOST, HeaderValue::from_static("docker"));
    let request: Request<Body> = request.body(body).map_err(|error| Error::Lost(io::Error::other(error)))?;
    let response = sender.send_request(request).await.map_err(lost)?;
    Ok(Answer { response, read: BytesMut::new(), _connection: driver })
}

fn lost(error: hyper::Error) -> Error {
    // The system's own word says most.
    let mut cause: Option<&(dyn error::Error + 'static)> = error::Error::source(&error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Error::Lost(io::Error::new(error.kind(), error.to_string()));
        }
        cause = error.source();
    }
    Error::Lost(io::Error::new(io::ErrorKind::ConnectionAborted, error))
}

impl Answer {
    pub(super) fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The answer, if it is no refusal.
    pub(super) async fn accepted(self) -> Result<Self, Error> {
        if self.status().is_success() { Ok(self) } else { Err(self.refusal().await) }
    }

    /// What the engine says against it.
    pub(super) async fn refusal(mut self) -> Error {
        #[derive(Deserialize)]
        struct Refusal {
            message: String,
        }
        let status = self.status();
        let text = match self.line().await {
            Ok(text) => text.unwrap_or_default(),
            Err(error) => return error,
        };
        let message = serde_json::from_slice::<Refusal>(&text).map(|refusal| refusal.message);
        let message = message.unwrap_or_else(|_| String::from_utf8_lossy(&text).trim().to_owned());
        Error::Refused(if message.is_empty() { status.to_string() } else { message })
    }

    /// The connection, which is no longer one of HTTP.
    pub(super) async fn upgrade(self) -> Result<upgrade::Upgraded, Error> {
        upgrade::on(self.response).await.map_err(lost)
    }

    /// The next line of the body; `None` at its end.
    pub(super) async fn line(&mut self) -> Result<Option<Bytes>, Error> {
        let mut searched = 0;
        loop {
            if let Some(at) = memchr::memchr(b'\n', &self.read[searched..]) {
                return Ok(Some(self.read.split_to(searched + at + 1).freeze()));
            }
            searched = self.read.len();
            if searched > LINE_BYTES_MAX {
                return Err(Error::Lost(io::Error::new(io::ErrorKind::InvalidData, "the answer has too long a line")));
            }
            match self.response.body_mut().frame().await {
                Some(frame) => {
                    if let Ok(data) = frame.map_err(lost)?.into_data() {
                        self.read.extend_from_slice(&data);
                    }
                }
                None if self.read.is_empty() => return Ok(None),
                None => return Ok(Some(self.read.split().freeze())),
            }
        }
    }
}
