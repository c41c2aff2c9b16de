//! Local ports that lead to the newest pod of a resource. Each connection is a stream of its own to the pod of that moment, so that
//! nothing has to be repaired when pods are replaced: the next connection goes to the next pod.

mod port;

use super::{link::Link, observer::View};
use crate::{
    engine::{Event, KubeEvent},
    host::outbox::Outbox,
    model::{ForwardState, PortForward, ResourceName},
};
use port::Port;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{sync::watch, task::JoinSet};

/// The local ports of a session. Those of a resource end when it gets others, and all when this is dropped.
#[derive(Default)]
pub struct Forwards(BTreeMap<ResourceName, (Vec<PortForward>, JoinSet<()>)>);

/// What the ports of a resource do, as it is told.
#[derive(Clone)]
struct Board(Arc<Inner>);

struct Inner {
    resource: ResourceName,
    outbox: Outbox,
    ports: Mutex<Vec<ForwardState>>,
}

impl Forwards {
    /// From now on these ports lead to a resource.
    pub fn set(
        &mut self,
        resource: ResourceName,
        ports: Vec<PortForward>,
        link: &Link,
        view: &watch::Receiver<Arc<View>>,
        outbox: &Outbox,
    ) {
        if self.0.get(&resource).is_some_and(|(before, _)| *before == ports) {
            return;
        }
        // Their sockets are closed when their tasks are.
        let before = self.0.remove(&resource);
        let state = |(index, port): (usize, &PortForward)| ForwardState {
            index,
            local_port: port.local_port,
            to: None,
            trouble: None,
        };
        let states = ports.iter().enumerate().map(state).collect();
        let board =
            Board(Arc::new(Inner { resource: resource.clone(), outbox: outbox.clone(), ports: Mutex::new(states) }));
        let mut tasks = JoinSet::new();
        let (link, view, all) = (link.clone(), view.clone(), ports.clone());
        tasks.spawn(async move {
            if let Some((_, mut tasks)) = before {
                tasks.shutdown().await;
            }
            let mut opened = JoinSet::new();
            for (index, forward) in all.into_iter().enumerate() {
                let port = Port { index, forward, link: link.clone(), view: view.clone(), board: board.clone() };
                opened.spawn(port.serve());
            }
            while opened.join_next().await.is_some() {}
        });
        if ports.is_empty() {
            let ended = KubeEvent::Forwarded { resource, ports: Vec::new() };
            outbox.send(Event::Kube(ended));
            return;
        }
        self.0.insert(resource, (ports, tasks));
    }
}

impl Board {
    /// Tells what one port does now, if that is news.
    fn tell(&self, index: usize, change: impl FnOnce(&mut ForwardState)) {
        let mut ports = self.0.ports.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(port) = ports.get_mut(index) else { return };
        let before = port.clone();
        change(port);
        if *port == before {
            return;
        }
        let (resource, ports) = (self.0.resource.clone(), ports.clone());
        self.0.outbox.send(Event::Kube(KubeEvent::Forwarded { resource, ports }));
    }
}
