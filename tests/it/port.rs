//! Who holds a port.

use orch::host::port::holder;
use std::net::TcpListener;

#[test]
fn a_listener_is_found_with_its_process() {
    for address in ["127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0"] {
        let listener = TcpListener::bind(address).unwrap();
        let port = listener.local_addr().unwrap().port();
        let holder = holder(port).unwrap();
        assert_eq!(holder.pid, Some(std::process::id()), "{address}");
        let program = std::env::args().next().unwrap();
        assert!(holder.command.as_ref().unwrap().starts_with(&program[..60.min(program.len())]), "{holder:?}");
        assert!(holder.failure(port).message.starts_with(&format!("port {port} is already taken by `")));
    }
}

#[test]
fn a_port_that_is_no_listeners_is_free() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // The port of a client is taken, but nobody can reach it.
    let client = std::net::TcpStream::connect(address).unwrap();
    assert_eq!(holder(client.local_addr().unwrap().port()), None);
}
