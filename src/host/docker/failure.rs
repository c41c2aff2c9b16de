//! What goes wrong between orch and an engine, in the user's words.

use super::address::Address;
use crate::model::Failure;
use bollard::errors::Error;
use std::{error, io};

/// The status of the engine's answer, if it answered.
#[must_use]
pub fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// Whether the engine says that there is no such thing.
#[must_use]
pub fn is_missing(error: &Error) -> bool {
    status(error) == Some(404)
}

/// Whether nobody answered, as opposed to an answer that says no.
#[must_use]
pub fn is_lost(error: &Error) -> bool {
    match error {
        Error::IOError { .. }
        | Error::HyperResponseError { .. }
        | Error::RequestTimeoutError
        | Error::HyperLegacyError { .. } => true,
        // What the engine's own proxy says while the engine behind it is away.
        error => matches!(status(error), Some(502 | 503)),
    }
}

/// What went wrong while orch did something: `doing` reads as in "the container `x` cannot be started".
pub(super) fn explain(address: &Address, doing: &str, error: &Error) -> Failure {
    if is_lost(error) {
        return unreachable(address, error);
    }
    let why = match error {
        Error::DockerResponseServerError { message, .. } => message.trim().to_owned(),
        Error::DockerStreamError { error } | Error::DockerContainerWaitError { error, .. } => error.trim().to_owned(),
        error => error.to_string(),
    };
    Failure { message: format!("{doing}: {}", without_prefix(&why)), help: None }
}

/// The engine puts its own name before what it hands on.
fn without_prefix(message: &str) -> &str {
    message.strip_prefix("Error response from daemon: ").unwrap_or(message).trim_end_matches('.')
}

/// Why nobody answers at an address.
pub(super) fn unreachable(address: &Address, error: &Error) -> Failure {
    let failure = |message: String, help: &str| Failure { message, help: Some(help.to_owned()) };
    let io = io_below(error);
    match (address, io.map(io::Error::kind)) {
        (Address::Unix(_), Some(io::ErrorKind::NotFound)) => failure(
            format!("there is no Docker Engine at `{address}`: the socket does not exist"),
            "start Docker, or name another engine with `DOCKER_HOST` or `docker context use`",
        ),
        (_, Some(io::ErrorKind::PermissionDenied)) => failure(
            format!("you may not use the Docker Engine at `{address}`"),
            "join the group `docker` (`sudo usermod -aG docker $USER`, then log in again), or use a rootless Docker",
        ),
        (_, Some(io::ErrorKind::ConnectionRefused)) => failure(
            format!("nobody listens at `{address}`, where the Docker Engine should be"),
            "start Docker, or name another engine with `DOCKER_HOST` or `docker context use`",
        ),
        (Address::Tcp { tls: Some(_), .. }, Some(io::ErrorKind::InvalidData)) => failure(
            format!("no encrypted connection to the Docker Engine at `{address}`: {}", said(error)),
            "look at `ca.pem`, `cert.pem` and `key.pem` in `DOCKER_CERT_PATH`",
        ),
        (Address::Ssh { user, host, port, .. }, _) => {
            let port = port.map(|port| format!("-p {port} ")).unwrap_or_default();
            let user = user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
            failure(
                format!("the Docker Engine at `{address}` does not answer: {}", said(error)),
                &format!("`ssh {port}{user}{host} docker version` must work without asking for anything"),
            )
        }
        (_, Some(io::ErrorKind::TimedOut)) => failure(
            format!("the Docker Engine at `{address}` does not answer"),
            "look whether it is up, and whether it is the one you mean (`docker context ls`)",
        ),
        _ if matches!(error, Error::RequestTimeoutError) => failure(
            format!("the Docker Engine at `{address}` takes a connection and does not answer"),
            "look at its log (`journalctl -u docker`), and start it again if it hangs",
        ),
        _ => failure(
            format!("the connection to the Docker Engine at `{address}` broke: {}", said(error)),
            "look whether it is up (`docker version`)",
        ),
    }
}

/// What the system said, at the end of the chain.
fn io_below<'a>(error: &'a (dyn error::Error + 'static)) -> Option<&'a io::Error> {
    let chain = std::iter::successors(Some(error), |error| error.source());
    let chain = chain.filter_map(|error| match error.downcast_ref::<Error>() {
        Some(Error::IOError { err }) => Some(err),
        _ => error.downcast_ref::<io::Error>(),
    });
    chain.last()
}

/// The innermost text, which says most.
fn said(error: &Error) -> String {
    let text = match io_below(error) {
        Some(io) => io.to_string(),
        None => error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string),
    };
    text.trim().trim_end_matches('.').to_owned()
}
