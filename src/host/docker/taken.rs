//! A port of this machine that a container was to get and somebody else has.

use super::Connection;
use crate::{host::port::holder, model::Failure};
use bollard::query_parameters::ListContainersOptionsBuilder;
use regex::Regex;
use std::{collections::HashMap, sync::LazyLock};

/// `Bind for 0.0.0.0:8080 failed`, `listen tcp4 0.0.0.0:8080: bind`.
static PORT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?:Bind for|exposing port \w+|listen \w+) \S*?:(\d+)\b").ok());

/// The port that is taken, if that is what the engine says.
pub(super) fn port_in(text: &str) -> Option<u16> {
    let is_taken = ["port is already allocated", "address already in use"].iter().any(|said| text.contains(said));
    PORT.as_ref().filter(|_| is_taken)?.captures(text)?.get(1)?.as_str().parse().ok()
}

/// Who has the port: a container, or another process.
pub(super) async fn failure(port: u16, connection: &Connection) -> Failure {
    if let Some(name) = publisher(port, connection).await {
        let message = format!("port {port} is already taken by the container `{name}`");
        let help = format!("stop it (`docker stop {name}`), or publish another port");
        return Failure { message, help: Some(help) };
    }
    let found = tokio::task::spawn_blocking(move || holder(port)).await.ok().flatten();
    found.map_or_else(
        || Failure {
            message: format!("port {port} is already taken"),
            help: Some("end what has it, or publish another port".to_owned()),
        },
        |holder| holder.failure(port),
    )
}

/// The running container that publishes a port.
async fn publisher(port: u16, connection: &Connection) -> Option<String> {
    let filters = HashMap::from([("publish".to_owned(), vec![port.to_string()])]);
    let options = ListContainersOptionsBuilder::default().filters(&filters).build();
    let found = connection.api().list_containers(Some(options)).await.ok()?;
    let name = found.into_iter().next()?.names?.into_iter().next()?;
    Some(name.trim_start_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_found_in_what_engines_say() {
        for text in [
            "driver failed programming external connectivity on endpoint x (0123): Bind for 0.0.0.0:8080 failed: port is already \
             allocated",
            "driver failed programming external connectivity: Error starting userland proxy: listen tcp4 0.0.0.0:8080: bind: \
             address already in use",
            "listen tcp :::8080: bind: address already in use",
        ] {
            assert_eq!(port_in(text), Some(8080), "{text}");
        }
        assert_eq!(port_in("Bind for 0.0.0.0:8080 failed: no reason"), None);
    }
}
