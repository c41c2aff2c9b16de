//! The small programs that orch runs in the benchmarks. They start fast and say when they did.

use std::{
    env, fs,
    io::{BufWriter, Read, Write},
    net::TcpListener,
    path::Path,
    process::ExitCode,
    time::{Duration, SystemTime},
};

/// Plays a small program if the arguments ask for one.
pub(crate) fn main_if_asked() -> Option<ExitCode> {
    let now = now();
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["play", "stamp", file] => stamp(now, file),
        ["play", "lines", count] => lines(count.parse().unwrap()),
        ["play", "serve", port, file] => serve(port.parse().unwrap(), Path::new(file)),
        _ => return None,
    }
    Some(ExitCode::SUCCESS)
}

/// Since the epoch; the one clock that all processes share.
pub(crate) fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap()
}

/// Adds a line with the time at which this program began.
fn stamp(began: Duration, file: &str) {
    let mut file = fs::OpenOptions::new().append(true).create(true).open(file).unwrap();
    file.write_all(format!("{}\n", began.as_nanos()).as_bytes()).unwrap();
}

fn lines(count: u64) {
    let mut out = BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    for number in 0..count {
        writeln!(out, "line {number} of a program that has much to say about what it does").unwrap();
    }
}

/// Answers each connection with what the file held when it started.
fn serve(port: u16, file: &Path) {
    let answer = fs::read(file).unwrap();
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    println!("listening");
    for connection in listener.incoming() {
        let Ok(mut connection) = connection else { continue };
        if connection.write_all(&answer).is_ok() {
            let mut rest = Vec::new();
            drop(connection.shutdown(std::net::Shutdown::Write));
            drop(connection.read_to_end(&mut rest));
        }
    }
}
