//! The control socket: HTTP/1.1 and JSON on a Unix socket of the user's own. Verbs ask here; only the session changes
//! anything.

mod events;
mod lines;
pub mod protocol;
mod states;
mod waiting;

pub use lines::{LogsCount, LogsQuery};
pub use waiting::{WaitQuery, Wanted};

use crate::{
    engine::{Event, Request},
    host::{claim::SessionCard, clock::Clock},
    logs::LogStore,
    model::{InvalidName, ResourceName},
    snapshot::Snapshot,
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use std::{io, os::unix::fs::PermissionsExt, sync::Arc};
use tokio::{
    net::UnixListener,
    sync::{mpsc, oneshot, watch},
};

/// Asks the session for its state as it is now; what readers are shown otherwise may be a moment old.
pub type SnapshotWanted = oneshot::Sender<Arc<Snapshot>>;

/// What the socket can reach.
#[derive(Clone)]
pub struct Control {
    /// What `GET /v1/session` tells.
    pub card: Arc<SessionCard>,
    /// What `GET /v1/snapshot` tells once the session has ended.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// What it tells until then comes from here.
    pub wanted: mpsc::UnboundedSender<SnapshotWanted>,
    /// Where requests go.
    pub inbox: mpsc::UnboundedSender<Event>,
    /// The session's clock.
    pub clock: Clock,
    /// What `GET /v1/logs` reads.
    pub logs: LogStore,
}

impl Control {
    async fn snapshot(&self) -> Arc<Snapshot> {
        let (reader, answer) = oneshot::channel();
        // A session that has ended drops what it is asked.
        self.wanted.send(reader).ok();
        answer.await.unwrap_or_else(|_| self.snapshots.borrow().clone())
    }
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// In the user's words.
    pub error: String,
    /// What to do.
    pub help: Option<String>,
}

/// Opens the socket, for the user alone.
pub fn listen(card: &SessionCard) -> io::Result<UnixListener> {
    // The claim is held: a socket that is there was left by a session that was killed.
    match std::fs::remove_file(&card.socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&card.socket)?;
    std::fs::set_permissions(&card.socket, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers until `ended`, and then until what was begun to be answered is.
pub async fn serve(
    listener: UnixListener,
    control: Control,
    ended: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let routes = Router::new()
        .route("/v1/session", get(session))
        .route("/v1/snapshot", get(snapshot))
        .route("/v1/requests", post(request))
        .route("/v1/snapshots", get(states::snapshots))
        .route("/v1/logs", get(lines::logs))
        .route("/v1/logs/count", get(lines::count))
        .route("/v1/events", get(events::events))
        .route("/v1/wait", get(waiting::wait))
        .fallback(protocol::unknown)
        .layer(middleware::from_fn(protocol::speak))
        .with_state(control);
    axum::serve(listener, routes).with_graceful_shutdown(ended).await
}

async fn session(State(control): State<Control>) -> Json<Arc<SessionCard>> {
    Json(control.card)
}

async fn snapshot(State(control): State<Control>) -> Json<Snapshot> {
    let snapshot = control.snapshot().await;
    // Ages are counted to the moment of the answer.
    Json(Snapshot { at: control.clock.now(), ..Snapshot::clone(&snapshot) })
}

async fn request(State(control): State<Control>, request: Result<Json<Request>, JsonRejection>) -> Response {
    let request = match request {
        Ok(Json(request)) => request,
        Err(error) => {
            let text = format!("the session does not understand what is asked: {}", error.body_text());
            return protocol::refuse(StatusCode::BAD_REQUEST, text, "");
        }
    };
    let snapshot = control.snapshot().await;
    if let Some(refusal) = waiting::unknown(&snapshot, names_of(&request)) {
        return (StatusCode::NOT_FOUND, Json(refusal)).into_response();
    }
    let refusal =
        waiting::refused_click(&snapshot, &request).or_else(|| waiting::refused_disabled(&snapshot, &request));
    if let Some(refusal) = refusal {
        return (StatusCode::BAD_REQUEST, Json(refusal)).into_response();
    }
    if control.inbox.send(Event::Asked(request)).is_ok() {
        return StatusCode::ACCEPTED.into_response();
    }
    let refusal = Refusal { error: "the session is ending".to_owned(), help: None };
    (StatusCode::SERVICE_UNAVAILABLE, Json(refusal)).into_response()
}

fn names_of(request: &Request) -> &[ResourceName] {
    match request {
        Request::Trigger(names)
        | Request::Restart(names)
        | Request::Stop(names)
        | Request::Start(names)
        | Request::Enable { names, .. }
        | Request::Disable { names, .. }
        | Request::TakeDown(names) => names,
        Request::Click { .. } | Request::SetArgs(_) | Request::ShutDown { .. } => &[],
    }
}

/// The names in a query; what they are refused with where one cannot be a name.
fn names_in(names: &str) -> Result<Vec<ResourceName>, Box<Response>> {
    let names = names.split('/').filter(|name| !name.is_empty()).map(ResourceName::parse);
    let refuse = |error: InvalidName| protocol::refuse(StatusCode::BAD_REQUEST, error.to_string(), "");
    names.collect::<Result<_, _>>().map_err(|error| Box::new(refuse(error)))
}

/// A channel as a stream.
struct Receiving(mpsc::Receiver<Result<Bytes, io::Error>>);

impl futures_core::Stream for Receiving {
    type Item = Result<Bytes, io::Error>;
    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}
