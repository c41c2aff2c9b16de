//! One check of a probe: runs a command, asks a web server, opens a connection.
//!
//! When to check and what the answers add up to is the engine's. What a command prints is not part of the answer: it may
//! hold what must not be shown.

mod tls;

use super::process::{Discard, Kind, Processes, Spawn};
use crate::{
    engine::{CommandSpec, ProbeResult},
    model::{Exit, ProbeAction},
};
use http_body_util::Empty;
use hyper::{Request, body::Bytes, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use std::{
    error::Error,
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
};

/// Does one check; answers at the latest after `timeout`. `command` gives the folder and the environment of an `exec` check.
pub async fn check(
    processes: &Processes,
    action: &ProbeAction,
    command: Option<&CommandSpec>,
    timeout: Duration,
) -> ProbeResult {
    let answer = async {
        match action {
            ProbeAction::Exec { argv } => execute(processes, argv, command).await,
            ProbeAction::HttpGet { host, port, scheme, path, headers } => {
                get(host.as_deref(), *port, scheme.as_deref(), path.as_deref().unwrap_or("/"), headers).await
            }
            ProbeAction::TcpSocket { host, port } => connect(host.as_deref(), *port).await.map(drop),
        }
    };
    match tokio::time::timeout(timeout, answer).await {
        Ok(Ok(())) => ProbeResult::Passed,
        Ok(Err(message)) => ProbeResult::Failed(message),
        Err(_) => ProbeResult::Failed(format!("no answer within {}", in_seconds(timeout))),
    }
}

/// Nothing that the check starts outlives it: when it is given up, `Running` is dropped, and all is killed.
async fn execute(processes: &Processes, argv: &[String], command: Option<&CommandSpec>) -> Result<(), String> {
    let Some(command) = command else { return Err("the check has no folder to run in".to_owned()) };
    let command = CommandSpec { argv: argv.to_vec(), ..command.clone() };
    let running = processes.spawn(Spawn::new(&command, Kind::Server, Duration::ZERO), Arc::new(Discard));
    match running.ended().await.exit {
        Exit::Code(0) => Ok(()),
        Exit::Code(code) => Err(format!("exit code {code}")),
        Exit::Signal(signal) => Err(format!("ended by signal {signal}")),
        Exit::NotStarted(failure) => Err(failure.message),
        Exit::Stopped => Err("the check was stopped".to_owned()),
    }
}

async fn get(
    host: Option<&str>,
    port: u16,
    scheme: Option<&str>,
    path: &str,
    headers: &[(String, String)],
) -> Result<(), String> {
    let over_tls = match scheme.unwrap_or("HTTP").to_ascii_uppercase().as_str() {
        "HTTP" => false,
        "HTTPS" => true,
        other => return Err(format!("the scheme `{other}` is neither HTTP nor HTTPS")),
    };
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let name = if is_this_machine(host) { "localhost" } else { host.unwrap_or_default() };
    let authority = if name.contains(':') { format!("[{name}]:{port}") } else { format!("{name}:{port}") };
    let mut request = Request::get(&path)
        .header(header::HOST, authority)
        .header(header::USER_AGENT, concat!("orch/", env!("CARGO_PKG_VERSION")))
        .header(header::ACCEPT, "*/*")
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|_| format!("`{path}` is no path that can be asked for"))?;
    for (name, value) in headers {
        let unfit = || format!("`{name}` with its value is no header");
        let name = header::HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit())?;
        request.headers_mut().insert(name, header::HeaderValue::from_str(value).map_err(|_| unfit())?);
    }
    let stream = connect(host, port).await?;
    let status =
        if over_tls { ask(tls::over(stream, name).await?, request).await? } else { ask(stream, request).await? };
    if (200..400).contains(&status) { Ok(()) } else { Err(format!("status {status}")) }
}

/// Asks over an open connection; gives the status of the answer.
async fn ask(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send,
    request: Request<Empty<Bytes>>,
) -> Result<u16, String> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| in_words(&error))?;
    let answer = async { sender.send_request(request).await };
    tokio::pin!(answer, connection);
    // The connection makes no progress unless it is asked to.
    let answer = tokio::select! {
        answer = &mut answer => answer,
        _ = &mut connection => answer.await,
    };
    Ok(answer.map_err(|error| in_words(&error))?.status().as_u16())
}

/// Opens a connection to the first address that takes one.
async fn connect(host: Option<&str>, port: u16) -> Result<TcpStream, String> {
    let mut failure = None;
    for address in addresses(host, port).await? {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => drop(failure.get_or_insert(error)),
        }
    }
    Err(failure.map_or_else(|| "the host has no address".to_owned(), |error| io_words(&error)))
}

async fn addresses(host: Option<&str>, port: u16) -> Result<Vec<SocketAddr>, String> {
    if is_this_machine(host) {
        // A server may listen on either; not every machine's `localhost` has both.
        return Ok(vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()]);
    }
    let host = host.unwrap_or_default();
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let found = lookup_host((bare, port)).await.map_err(|_| format!("the host `{host}` is not known"))?;
    Ok(found.collect())
}

fn is_this_machine(host: Option<&str>) -> bool {
    matches!(host, None | Some("" | "localhost"))
}

fn in_words(error: &hyper::Error) -> String {
    if error.is_parse() {
        return "the answer is no HTTP".to_owned();
    }
    match error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
        Some(error) => io_words(error),
        None => "the connection was closed without an answer".to_owned(),
    }
}

fn io_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
            "the connection was closed without an answer".to_owned()
        }
        _ => error.to_string().split(" (os error").next().unwrap_or_default().to_lowercase(),
    }
}

/// As `1s` or `0.5s`.
fn in_seconds(duration: Duration) -> String {
    format!("{}s", duration.as_secs_f64())
}
