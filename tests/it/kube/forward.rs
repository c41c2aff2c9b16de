//! Local ports that lead to pods.

use super::{Room, look::deployment, room::Session};
use crate::docker::until;
use orch::{
    engine::{Event, KubeEffect, KubeEvent},
    model::{Exit, ForwardState, PortForward, ResourceName},
};
use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    time::Duration,
};

fn server(text: &str) -> String {
    deployment("web", &format!("echo {text} > /srv/index.html; httpd -f -p 8000 -h /srv"))
        .replace("{name: main,", "{name: main, ports: [{containerPort: 8000}],")
}

fn forward(session: &mut Session, local_port: u16, container_port: u16) {
    let port = PortForward { local_port, container_port, host: None, name: String::new(), link_path: String::new() };
    session.perform(KubeEffect::Forward { resource: ResourceName::parse("web").unwrap(), ports: vec![port] });
}

fn until_forwarded(session: &mut Session, mut check: impl FnMut(&ForwardState) -> bool) -> ForwardState {
    session.until("the port", |event| match event {
        Event::Kube(KubeEvent::Forwarded { ports, .. }) => ports.first().filter(|port| check(port)).cloned(),
        _ => None,
    })
}

/// What is served there, if somebody serves it.
fn fetch(port: u16) -> Option<String> {
    fetch_page(port, "/index.html")
}

/// A page that is served there, if somebody serves it.
pub(super) fn fetch_page(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).or_else(|_| TcpStream::connect(("::1", port))).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    Some(text.rsplit("\r\n\r\n").next()?.trim().to_owned()).filter(|text| !text.is_empty())
}

#[test]
fn a_port_leads_to_the_pod_of_the_moment_whatever_happens() {
    let Some(room) = Room::new() else { return };
    let (proxy, kubeconfig) = room.proxied();
    let mut session = room.session_of("project", &kubeconfig);
    session.look(&[("web", &server("first"))]);
    forward(&mut session, 0, 0);
    assert_eq!(session.apply("web", &server("first")), Exit::Code(0));
    let port = until_forwarded(&mut session, |port| port.to.as_ref().is_some_and(|(_, to)| *to == 8000)).local_port;
    let serves = |text: &str| until(text, String::new, || fetch(port).filter(|found| found == text));
    serves("first");
    assert_eq!(session.apply("web", &server("second")), Exit::Code(0));
    serves("second");
    room.kubectl(&["delete", "pod", "--all", "--now"]);
    serves("second");
    proxy.cut();
    session.until("the loss", |event| matches!(event, Event::Kube(KubeEvent::Lost { .. })).then_some(()));
    proxy.mend();
    session.until("the way back", |event| matches!(event, Event::Kube(KubeEvent::Back)).then_some(()));
    session.look(&[("web", &server("second"))]);
    serves("second");
}

#[test]
fn a_port_that_is_taken_is_told_at_once_and_taken_when_it_is_free() {
    let Some(room) = Room::new() else { return };
    let mut session = room.session();
    let holder = TcpListener::bind("localhost:0").unwrap();
    let taken = holder.local_addr().unwrap().port();
    session.look(&[("web", &server("x"))]);
    forward(&mut session, taken, 8000);
    let state = until_forwarded(&mut session, |port| port.trouble.is_some());
    let said = state.trouble.unwrap();
    assert!(said.contains(&format!("port {taken} is already taken")), "{said}");
    drop(holder);
    until_forwarded(&mut session, |port| port.trouble.is_none() && port.local_port == taken);
}

#[test]
fn a_pod_that_does_not_listen_is_told() {
    let Some(room) = Room::new() else { return };
    let mut session = room.session();
    let silent = deployment("web", "sleep 1000");
    session.look(&[("web", &silent)]);
    forward(&mut session, 0, 8000);
    assert_eq!(session.apply("web", &silent), Exit::Code(0));
    let port = until_forwarded(&mut session, |port| port.to.is_some()).local_port;
    assert_eq!(fetch(port), None);
    let said = until_forwarded(&mut session, |port| port.trouble.is_some()).trouble.unwrap();
    assert!(said.contains("nobody listens on port 8000 in the pod `web-"), "{said}");
}
