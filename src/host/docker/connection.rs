//! The one connection of a session to its Docker Engine, made when somebody first needs it.

use super::{
    address::{Address, Surroundings},
    client::Client,
    failure::{explain, is_lost, unreachable},
    transport::{Transport, connect},
};
use crate::model::Failure;
use bollard::{API_DEFAULT_VERSION, errors::Error};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{sync::OnceCell, time::timeout};

/// The oldest API that has what orch asks for: that of Engine 19.03, which has BuildKit.
const OLDEST_API: (u64, u64) = (1, 40);
/// How long the engine may take to say who it is.
const GREETING_TIMEOUT: Duration = Duration::from_secs(20);
/// How long the engine may take until it begins to answer, where nothing else is said.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(2);

/// The engine of a session. Projects without Docker never connect. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Docker(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    surroundings: Surroundings,
    connection: OnceCell<Connection>,
}

impl Docker {
    /// An engine that is looked for when it is needed.
    #[must_use]
    pub fn new(surroundings: Surroundings) -> Self {
        Self(Arc::new(Inner { surroundings, connection: OnceCell::new() }))
    }

    /// What decides where it is.
    #[must_use]
    pub fn surroundings(&self) -> &Surroundings {
        &self.0.surroundings
    }

    /// The engine, which answered at least once. It may be gone since: whoever asks it something sees that.
    ///
    /// # Errors
    /// Says where the engine should be, why it cannot be used, and what to do.
    pub async fn connection(&self) -> Result<&Connection, Failure> {
        self.0.connection.get_or_try_init(|| Connection::make(&self.0.surroundings)).await
    }

    /// The engine, if somebody needed it before.
    #[must_use]
    pub fn made(&self) -> Option<&Connection> {
        self.0.connection.get()
    }
}

/// An engine that answered. Survives that it goes away and comes back. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Connection {
    api: bollard::Docker,
    clock_ahead_ns: i64,
    address: Arc<Address>,
    api_version: (u64, u64),
    cut: Cut,
}

/// Whether something that was asked of the engine was cut short by it. Cheap to clone: clones are of the same thing.
#[derive(Debug, Clone, Default)]
pub struct Cut(Arc<AtomicBool>);

impl Cut {
    /// It was.
    pub fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was.
    #[must_use]
    pub fn is_noted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Connection {
    async fn make(surroundings: &Surroundings) -> Result<Self, Failure> {
        let address = Address::find(surroundings)?;
        let client = Client::new(address.clone());
        let api = api(client.clone()).map_err(|error| explain(&address, "Docker cannot be used", &error))?;
        let greeting = timeout(GREETING_TIMEOUT, api.version()).await.unwrap_or(Err(Error::RequestTimeoutError));
        let version = greeting.map_err(|error| no_greeting(&address, &error))?;
        let api_version = version.api_version.as_deref().and_then(parse_version);
        match api_version {
            Some(api_version) if api_version >= OLDEST_API => {
                let clock_ahead_ns = client.clock_ahead_ns();
                Ok(Self { api, clock_ahead_ns, address: Arc::new(address), api_version, cut: Cut::default() })
            }
            Some((major, minor)) => Err(too_old(&address, version.version.as_deref(), &format!("{major}.{minor}"))),
            None => Err(no_engine(&address)),
        }
    }

    /// The same connection, which notes in `cut` that something was cut short.
    #[must_use]
    pub fn noting(&self, cut: Cut) -> Self {
        Self { cut, ..self.clone() }
    }

    /// The engine's API.
    #[must_use]
    pub fn api(&self) -> &bollard::Docker {
        &self.api
    }

    /// The engine's API for a request whose answer may not begin for that long.
    #[must_use]
    pub fn slow_api(&self, wait: Duration) -> bollard::Docker {
        self.api.clone().with_timeout(ANSWER_TIMEOUT.saturating_add(wait))
    }

    /// Where the engine is.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// By how many nanoseconds the engine's clock was ahead of ours when it first answered.
    #[must_use]
    pub fn clock_ahead_ns(&self) -> i64 {
        self.clock_ahead_ns
    }

    /// The newest API that the engine has, as `(1, 41)`.
    #[must_use]
    pub fn api_version(&self) -> (u64, u64) {
        self.api_version
    }

    /// A connection of the caller's own, for what HTTP does not do.
    ///
    /// # Errors
    /// Of the sort that the system gives; [`Connection::lost`] says them in the user's words.
    pub async fn open(&self) -> io::Result<Box<dyn Transport>> {
        connect(&self.address).await
    }

    /// What went wrong: `doing` reads as in "the container `x` cannot be started".
    #[must_use]
    pub fn failure(&self, doing: &str, error: &Error) -> Failure {
        if is_lost(error) {
            self.cut.note();
        }
        explain(&self.address, doing, error)
    }

    /// The engine cut something short, as it said itself.
    pub fn note_cut(&self) {
        self.cut.note();
    }

    /// Why there is no connection.
    #[must_use]
    pub fn lost(&self, error: io::Error) -> Failure {
        self.cut.note();
        unreachable(&self.address, &error.into())
    }
}

fn api(client: Client) -> Result<bollard::Docker, Error> {
    let transport = move |request| client.clone().request(request);
    bollard::Docker::connect_with_custom_transport(
        transport,
        Some("http://docker"),
        ANSWER_TIMEOUT.as_secs(),
        API_DEFAULT_VERSION,
    )
}

fn parse_version(text: &str) -> Option<(u64, u64)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn no_greeting(address: &Address, error: &Error) -> Failure {
    match error {
        Error::JsonDataError { .. } | Error::JsonSerdeError { .. } => no_engine(address),
        error => explain(address, &format!("the Docker Engine at `{address}` cannot be used"), error),
    }
}

fn no_engine(address: &Address) -> Failure {
    Failure {
        message: format!("what answers at `{address}` is no Docker Engine"),
        help: Some("look at `DOCKER_HOST` and `docker context ls`".to_owned()),
    }
}

fn too_old(address: &Address, engine: Option<&str>, api: &str) -> Failure {
    let (major, minor) = OLDEST_API;
    let engine = engine.unwrap_or("unknown");
    Failure {
        message: format!("the Docker Engine at `{address}` is too old: version {engine} with API {api}"),
        help: Some(format!("update it to one with API {major}.{minor} (Docker 19.03) or newer")),
    }
}
