//! HTTP to an engine, below bollard: one connection for each request under way, kept for the next one when it is free.

use super::{
    address::Address,
    skew::Skew,
    transport::{Transport, connect},
};
use bollard::errors::Error;
use bytes::Bytes;
use futures_core::Stream;
use http_body_util::{Either, Full, StreamBody};
use hyper::{
    Request, Response, Uri,
    body::{Frame, Incoming},
    client::conn::http1::{self, SendRequest},
    header::{DATE, HOST, HeaderValue},
    http::uri::PathAndQuery,
};
use hyper_util::rt::TokioIo;
use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

/// What bollard sends.
type Body = Either<Full<Bytes>, StreamBody<Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, io::Error>> + Send>>>>;

/// How many connections are kept that nobody uses: to open one anew costs a handshake, or a whole ssh.
const IDLE_MAX: usize = 4;

/// The connections to one engine. Cheap to clone.
#[derive(Clone)]
pub(super) struct Client(Arc<Pool>);

struct Pool {
    address: Address,
    skew: Skew,
    idle: Mutex<Vec<SendRequest<Body>>>,
}

impl Client {
    pub(super) fn new(address: Address) -> Self {
        Self(Arc::new(Pool { address, skew: Skew::default(), idle: Mutex::default() }))
    }

    /// By how many nanoseconds the engine's clock is ahead of ours, once it has answered.
    pub(super) fn clock_ahead_ns(&self) -> i64 {
        self.0.skew.ahead_ns()
    }

    /// Asks the engine. The connection is free again once the answer's body was read, and closed if that is dropped before.
    pub(super) async fn request(self, mut request: Request<Body>) -> Result<Response<Incoming>, Error> {
        let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        *request.uri_mut() = Uri::from(path);
        // The engine reads it and does not look at it.
        request.headers_mut().insert(HOST, HeaderValue::from_static("docker"));
        while let Some(mut sender) = self.idle() {
            match sender.try_send_request(request).await {
                Ok(response) => {
                    self.keep(sender);
                    return Ok(response);
                }
                // The engine closed it meanwhile and never saw the request.
                Err(mut refused) => match refused.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(refused.into_error().into()),
                },
            }
        }
        let mut sender = self.open().await?;
        let response = sender.send_request(request).await?;
        if let Some(date) = response.headers().get(DATE).and_then(|date| date.to_str().ok()) {
            self.0.skew.take(date);
        }
        self.keep(sender);
        Ok(response)
    }

    fn idle(&self) -> Option<SendRequest<Body>> {
        let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(sender) = idle.pop() {
            if sender.is_ready() {
                return Some(sender);
            }
        }
        None
    }

    /// Keeps a connection for the next request, once this one's answer was read.
    fn keep(&self, mut sender: SendRequest<Body>) {
        let pool = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            if sender.ready().await.is_ok()
                && let Some(pool) = pool.upgrade()
            {
                let mut idle = pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
                if idle.len() < IDLE_MAX {
                    idle.push(sender);
                }
            }
        });
    }

    async fn open(&self) -> Result<SendRequest<Body>, Error> {
        let stream = connect(&self.0.address).await?;
        Ok(shake_hands(stream).await?)
    }
}

async fn shake_hands(stream: Box<dyn Transport>) -> Result<SendRequest<Body>, hyper::Error> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // What goes wrong with the connection shows in the request that it carries.
    tokio::spawn(async move { connection.with_upgrades().await.unwrap_or_default() });
    Ok(sender)
}
