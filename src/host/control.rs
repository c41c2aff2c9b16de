//! The control socket: HTTP/1.1 and JSON on a Unix socket of the user's own. Verbs ask here; only the session changes
//! anything.

use crate::{
    engine::{Event, Request},
    host::{claim::SessionCard, clock::Clock},
    logs::{Batch, Entry, Follower, From, LogStore},
    model::ResourceName,
    snapshot::Snapshot,
};
use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use std::{
    io,
    os::unix::fs::PermissionsExt,
    sync::Arc,
    time::{Duration, SystemTime},
};
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

/// The query of `GET /v1/logs`, which answers with one [`Entry`] a line.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LogsQuery {
    /// Resources; all, and the session's own log, where empty. Separated by `/`, which no name holds.
    #[serde(default)]
    pub names: String,
    /// Milliseconds since 1970: lines from then on.
    pub since_ms: Option<u64>,
    /// The last so many lines; goes before `since_ms`.
    pub tail: Option<usize>,
    /// Go on until the session ends.
    #[serde(default)]
    pub follow: bool,
}

impl LogsQuery {
    /// From where on to read.
    pub fn from(&self) -> From {
        match (self.tail, self.since_ms) {
            (Some(tail), _) => From::Last(tail),
            (None, Some(millis)) => From::Since(SystemTime::UNIX_EPOCH + Duration::from_millis(millis)),
            (None, None) => From::Start,
        }
    }
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
        .route("/v1/logs", get(logs))
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

async fn request(State(control): State<Control>, Json(request): Json<Request>) -> Response {
    let snapshot = control.snapshot().await;
    let unknown = names_of(&request).iter().find(|name| snapshot.rows.named(name).is_none()).cloned();
    if let Some(name) = unknown {
        let known: Vec<String> = snapshot.rows.iter().map(|row| row.name.to_string()).collect();
        let refusal = Refusal {
            error: format!("there is no resource `{name}`"),
            help: crate::diag::suggest::did_you_mean(name.as_str(), known.iter().map(String::as_str)),
        };
        return (StatusCode::NOT_FOUND, Json(refusal)).into_response();
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

async fn logs(State(control): State<Control>, Query(query): Query<LogsQuery>) -> Response {
    let names: Result<Vec<_>, _> =
        query.names.split('/').filter(|name| !name.is_empty()).map(ResourceName::parse).collect();
    let names = match names {
        Ok(names) => names,
        Err(error) => {
            let refusal = Refusal { error: error.to_string(), help: None };
            return (StatusCode::BAD_REQUEST, Json(refusal)).into_response();
        }
    };
    let follower = control.logs.follow((!names.is_empty()).then_some(names), query.from());
    let (sender, receiver) = mpsc::channel::<Result<Bytes, io::Error>>(4);
    tokio::spawn(send_lines(follower, query.follow, sender));
    Body::from_stream(Receiving(receiver)).into_response()
}

async fn send_lines(mut follower: Follower, follow: bool, sender: mpsc::Sender<Result<Bytes, io::Error>>) {
    loop {
        let batch = if follow { follower.next().await } else { follower.try_next() };
        let Some(batch) = batch else { return };
        if sender.send(Ok(json_lines(&batch).into())).await.is_err() {
            return;
        }
    }
}

fn json_lines(batch: &Batch) -> Vec<u8> {
    let mut text = Vec::new();
    for line in &batch.lines {
        // An entry has nothing in it that JSON cannot say.
        serde_json::to_writer(&mut text, &Entry::from(line)).ok();
        text.push(b'\n');
    }
    text
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
