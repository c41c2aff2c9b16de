//! What a container sees of files and ports of this machine.

use super::{assert_says, ci, sh, sleeping, web};
use crate::docker::{Container, Engine};
use bollard::models::PortBinding;
use std::{
    net::{TcpListener, UdpSocket},
    os::unix::fs::MetadataExt as _,
};

/// Where a port of the container is published.
fn published(container: &Container, inside: &str) -> PortBinding {
    let ports = container.inspected.network_settings.as_ref().unwrap().ports.as_ref().unwrap();
    ports[inside].as_ref().unwrap()[0].clone()
}

fn port_of(container: &Container, inside: &str) -> u16 {
    published(container, inside).host_port.unwrap().parse().unwrap()
}

#[test]
fn volumes_are_folders_of_here_or_the_project_s_or_its_own() {
    let Some(engine) = Engine::shared() else { return };
    let volumes = "volumes=['./seen:/seen:ro', './one.txt:/etc/one', './made/here:/made', 'kept:/kept', '/own']";
    let sandbox = engine.sandbox(&sleeping("web", volumes));
    sandbox.write("seen/page", "page\n");
    sandbox.write("one.txt", "one\n");
    ci(&engine, &sandbox).expect_code(0);
    let web = engine.container("web").unwrap();
    assert_eq!(sh(&engine, &web, "cat /seen/page /etc/one"), "page\none");
    sh(&engine, &web, "! touch /seen/x 2>/dev/null; touch /made/x /kept/x /own/x");
    let made = sandbox.path("made/here").metadata().unwrap();
    assert_eq!(made.uid(), nix::unistd::geteuid().as_raw(), "a folder that was made is the user's");
    assert!(sandbox.path("made/here/x").exists());
    let volume = format!("volume {}_kept", engine.id());
    assert!(engine.belongings().contains(&volume), "{:?}", engine.belongings());

    // The next container has what is the project's, and not what was the last one's own.
    sandbox.write("Orchfile", &sleeping("web", &format!("{volumes}, env={{'A': '1'}}")));
    ci(&engine, &sandbox).expect_code(0);
    let next = engine.container("web").unwrap();
    assert_ne!(next.id, web.id);
    assert_eq!(sh(&engine, &next, "ls /kept /own /made"), "/kept:\nx\n\n/made:\nx\n\n/own:");
    sandbox.orch(&["down", "--project", engine.id()]).expect_code(0);
    assert_eq!(engine.belongings(), [volume]);
    sandbox.orch(&["down", "--volumes", "--project", engine.id()]).expect_code(0);
    assert!(engine.belongings().is_empty(), "{:?}", engine.belongings());
}

#[test]
fn a_free_port_is_chosen_and_kept() {
    let Some(engine) = Engine::shared() else { return };
    let (sandbox, web) = web(&engine, "ports=[80, '81/udp', '0.0.0.0:0:82']");
    assert_eq!(published(&web, "80/tcp").host_ip.as_deref(), Some("127.0.0.1"));
    assert_eq!(published(&web, "81/udp").host_ip.as_deref(), Some("127.0.0.1"));
    assert_eq!(published(&web, "82/tcp").host_ip.as_deref(), Some("0.0.0.0"));
    let chosen = ["80/tcp", "81/udp", "82/tcp"].map(|port| port_of(&web, port));
    let (udp, tcp) = (UdpSocket::bind(("127.0.0.1", chosen[1])), TcpListener::bind(("127.0.0.1", chosen[0])));
    assert!(udp.is_err() && tcp.is_err(), "published, and yet free: {chosen:?}");

    sandbox.write("Orchfile", &sleeping("web", "ports=[80, '81/udp', '0.0.0.0:0:82'], env={'A': '1'}"));
    ci(&engine, &sandbox).expect_code(0);
    let next = engine.container("web").unwrap();
    assert_ne!(next.id, web.id);
    assert_eq!(["80/tcp", "81/udp", "82/tcp"].map(|port| port_of(&next, port)), chosen);
    // Nor does a crash change them.
    engine.kill(&next);
    ci(&engine, &sandbox).expect_code(0);
    let again = engine.container("web").unwrap();
    assert!(again.is_running());
    assert_eq!(["80/tcp", "81/udp", "82/tcp"].map(|port| port_of(&again, port)), chosen);
}

#[test]
fn who_has_a_port_is_named() {
    let Some(engine) = Engine::shared() else { return };
    let (sandbox, first) = web(&engine, "ports=80");
    let port = port_of(&first, "80/tcp");
    let second = sleeping("second", &format!("ports='{port}:80'"));
    sandbox.write("Orchfile", &format!("{}{second}", sleeping("web", "ports=80")));
    let finished = ci(&engine, &sandbox);
    assert_says(&finished, &[&format!("port {port} is already taken by the container `{}`", first.name)]);
    assert_eq!(engine.container("web").unwrap().identity(), first.identity());

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    sandbox.write("Orchfile", &sleeping("third", &format!("ports='{port}:80'")));
    let finished = ci(&engine, &sandbox);
    assert_says(&finished, &[&format!("port {port} is already taken by"), &format!("(pid {})", std::process::id())]);

    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    sandbox.write("Orchfile", &sleeping("fourth", &format!("ports='{port}:80/udp'")));
    assert_says(&ci(&engine, &sandbox), &[&format!("port {port} is already taken")]);
}

#[test]
fn a_new_port_that_is_taken_leaves_the_old_container_running() {
    let Some(engine) = Engine::shared() else { return };
    let (sandbox, first) = web(&engine, "ports=80");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    sandbox.write("Orchfile", &sleeping("web", &format!("ports=['{port}:80']")));
    let finished = ci(&engine, &sandbox);
    assert_says(&finished, &[&format!("port {port} is already taken"), "goes on running", "`orch trigger web`"]);
    let now = engine.container("web").unwrap();
    assert_eq!((now.identity(), now.is_running()), (first.identity(), true), "{now}");
}
