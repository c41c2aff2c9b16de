//! Checks of probes, against real servers and commands.

use crate::process::{command, lives, processes, soon, until};
use orch::{
    engine::ProbeResult,
    host::probe::check,
    model::{FilePath, ProbeAction},
};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
};
use tokio_rustls::TlsAcceptor;

const SOON: Duration = Duration::from_secs(30);

/// A server that gives each client this answer and closes; what it was asked is told.
async fn server(address: &str, answer: &'static [u8]) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (asked, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut text = Vec::new();
            let mut buffer = [0; 1024];
            while !text.ends_with(b"\r\n\r\n") {
                match client.read(&mut buffer).await {
                    Ok(count) if count > 0 => text.extend_from_slice(&buffer[..count]),
                    _ => break,
                }
            }
            asked.send(String::from_utf8(text).unwrap()).unwrap();
            client.write_all(answer).await.unwrap();
        }
    });
    (address, told)
}

fn get(port: u16) -> ProbeAction {
    ProbeAction::HttpGet { host: None, port, scheme: None, path: None, headers: Vec::new() }
}

async fn found(action: ProbeAction) -> ProbeResult {
    check(&processes(), &action, None, SOON).await
}

fn failed(message: &str) -> ProbeResult {
    ProbeResult::Failed(message.to_owned())
}

#[tokio::test]
async fn the_status_decides() {
    let cases: [(&[u8], ProbeResult); 7] = [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", ProbeResult::Passed),
        (b"HTTP/1.1 204 No Content\r\n\r\n", ProbeResult::Passed),
        (b"HTTP/1.0 302 Found\r\nlocation: http://127.0.0.1:1/\r\n\r\n", ProbeResult::Passed),
        (b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", failed("status 404")),
        (b"HTTP/1.1 503 Busy\r\ncontent-length: 900\r\n\r\nonly a part", failed("status 503")),
        (b"SSH-2.0-OpenSSH\r\n", failed("the answer is no HTTP")),
        (b"", failed("the connection was closed without an answer")),
    ];
    for (answer, expected) in cases {
        let (address, _asked) = server("127.0.0.1:0", answer).await;
        assert_eq!(found(get(address.port())).await, expected, "{}", String::from_utf8_lossy(answer));
    }
}

#[tokio::test]
async fn it_asks_for_the_path_in_the_servers_name() {
    let (address, mut asked) = server("127.0.0.1:0", b"HTTP/1.1 200 OK\r\n\r\n").await;
    let port = address.port();
    for (host, path, line, name) in [
        (None, None, "GET / HTTP/1.1\r\n", "localhost"),
        (Some("localhost"), Some("ready?deep=1"), "GET /ready?deep=1 HTTP/1.1\r\n", "localhost"),
        (Some("127.0.0.1"), Some("/a/b"), "GET /a/b HTTP/1.1\r\n", "127.0.0.1"),
    ] {
        let [host, path] = [host, path].map(|text| text.map(str::to_owned));
        let action = ProbeAction::HttpGet { host, port, scheme: Some("http".to_owned()), path, headers: Vec::new() };
        assert_eq!(found(action).await, ProbeResult::Passed);
        let request = asked.recv().await.unwrap();
        assert!(request.starts_with(line), "{request}");
        assert!(request.contains(&format!("\r\nhost: {name}:{port}\r\n")), "{request}");
    }
}

/// A server that speaks TLS with a certificate that nobody signed, and gives each client this answer.
async fn tls_server(answer: &'static [u8]) -> SocketAddr {
    let made = rcgen::generate_simple_self_signed(["somewhere.else".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            // Who speaks no TLS is none of its clients.
            let Ok(mut client) = acceptor.accept(client).await else { continue };
            let mut text = Vec::new();
            while !text.ends_with(b"\r\n\r\n") {
                text.push(client.read_u8().await.unwrap());
            }
            client.write_all(answer).await.unwrap();
            client.shutdown().await.ok();
        }
    });
    address
}

#[tokio::test]
async fn the_request_has_the_headers_that_are_given() {
    let (address, mut asked) = server("127.0.0.1:0", b"HTTP/1.1 200 OK\r\n\r\n").await;
    let host = Some(address.ip().to_string());
    let with = |name: &str, value: &str| {
        let headers = vec![(name.to_owned(), value.to_owned())];
        ProbeAction::HttpGet { host: host.clone(), port: address.port(), scheme: None, path: None, headers }
    };
    assert_eq!(found(with("X-Token", "a b")).await, ProbeResult::Passed);
    assert!(asked.recv().await.unwrap().contains("x-token: a b\r\n"));
    assert_eq!(found(with("X Token", "a")).await, failed("`X Token` with its value is no header"));
}

#[tokio::test]
async fn https_is_asked_whatever_the_certificate() {
    let over = |scheme: &str, port| {
        let (host, scheme) = (Some("127.0.0.1".to_owned()), Some(scheme.to_owned()));
        found(ProbeAction::HttpGet { host, port, scheme, path: None, headers: Vec::new() })
    };
    let well = tls_server(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.port();
    assert_eq!(over("https", well).await, ProbeResult::Passed);
    let busy = tls_server(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n").await.port();
    assert_eq!(over("HTTPS", busy).await, failed("status 503"));
    assert_eq!(over("HTTP", well).await, failed("the answer is no HTTP"));
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = plain.local_addr().unwrap().port();
    let talks_first = async { plain.accept().await.unwrap().0.write_all(b"220 mail\r\n").await };
    let (found, _) = tokio::join!(over("HTTPS", port), talks_first);
    assert_eq!(found, failed("the answer is no TLS"));
}

#[tokio::test]
async fn localhost_is_either_loopback_address() {
    let (address, _asked) = server("[::1]:0", b"HTTP/1.1 200 OK\r\n\r\n").await;
    assert_eq!(found(get(address.port())).await, ProbeResult::Passed);
    assert_eq!(found(ProbeAction::TcpSocket { host: None, port: address.port() }).await, ProbeResult::Passed);
    let host = Some("::1".to_owned());
    let action = ProbeAction::HttpGet { host, port: address.port(), scheme: None, path: None, headers: Vec::new() };
    assert_eq!(found(action).await, ProbeResult::Passed);
}

#[tokio::test]
async fn nobody_there_is_told() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    assert_eq!(found(get(free)).await, failed("connection refused"));
    assert_eq!(found(ProbeAction::TcpSocket { host: None, port: free }).await, failed("connection refused"));
    let host = Some("no-such-host.invalid".to_owned());
    let action = ProbeAction::TcpSocket { host, port: free };
    assert_eq!(found(action).await, failed("the host `no-such-host.invalid` is not known"));
}

#[tokio::test]
async fn what_cannot_be_asked_is_told() {
    for (scheme, path, message) in [
        ("FTP", "/", "the scheme `FTP` is neither HTTP nor HTTPS"),
        ("HTTP", "/a b", "`/a b` is no path that can be asked for"),
    ] {
        let (scheme, path) = (Some(scheme.to_owned()), Some(path.to_owned()));
        assert_eq!(
            found(ProbeAction::HttpGet { host: None, port: 1, scheme, path, headers: Vec::new() }).await,
            failed(message)
        );
    }
}

#[tokio::test]
async fn silence_fails_after_the_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (began_at, timeout) = (Instant::now(), Duration::from_millis(200));
    let result = check(&processes(), &get(port), None, timeout).await;
    assert_eq!(result, failed("no answer within 0.2s"));
    assert!(began_at.elapsed() >= timeout);
}

#[tokio::test]
async fn a_command_is_run_where_the_server_runs() {
    let processes = processes();
    let mut of_server = command(&["the-server"]);
    of_server.dir = FilePath::new("/usr");
    of_server.env = [("TONE".to_owned(), Some("high".to_owned()))].into();
    for (script, expected) in [
        ("test $PWD = /usr && test $TONE = high", ProbeResult::Passed),
        ("sleep 1000 & exit 0", ProbeResult::Passed),
        ("echo no; exit 3", failed("exit code 3")),
        ("kill -9 $$", failed("ended by signal 9")),
    ] {
        let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
        let result = soon("answer", check(&processes, &ProbeAction::Exec { argv }, Some(&of_server), SOON)).await;
        assert_eq!(result, expected, "{script}");
    }
    let argv = vec!["no-such-program".to_owned()];
    let result = check(&processes, &ProbeAction::Exec { argv }, Some(&of_server), SOON).await;
    assert_eq!(result, failed("the program `no-such-program` was not found"));
}

#[tokio::test]
async fn a_check_that_is_given_up_is_ended_with_its_tree() {
    let processes = processes();
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pids");
    let script = format!("trap '' TERM; setsid sleep 1000 & echo $! >> {0}; echo $$ >> {0}; wait", pids.display());
    let action = ProbeAction::Exec { argv: ["sh", "-c", &script].map(str::to_owned).to_vec() };
    let started = || -> Vec<u32> {
        let text = std::fs::read_to_string(&pids).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    };
    let server = command(&["server"]);
    tokio::select! {
        result = check(&processes, &action, Some(&server), SOON) => panic!("{result:?}"),
        () = until("both have started", || started().len() == 2) => {}
    }
    until("both have ended", || !started().iter().any(|pid| lives(*pid))).await;
}
