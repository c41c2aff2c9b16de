//! One local port.

use super::Board;
use crate::{
    host::{
        kube::{link::Link, observer::View},
        port,
    },
    model::{PodId, PodPhase, PodState, PortForward},
};
use k8s_openapi::api::core::v1::Pod;
use kube_client::Api;
use std::{io, sync::Arc, time::Duration};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

/// How long a connection waits for a pod that it can be led to.
const POD_TIMEOUT: Duration = Duration::from_secs(15);
/// How long it may take to reach it.
const REACH_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it is waited before a taken port is tried again; then twice as long, and so on.
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// How often a connection is led anew to a pod that was gone when it was reached for.
const ATTEMPTS: u32 = 3;

pub(super) struct Port {
    pub(super) index: usize,
    pub(super) forward: PortForward,
    pub(super) link: Link,
    pub(super) view: watch::Receiver<Arc<View>>,
    pub(super) board: Board,
}

/// Where a connection is led.
#[derive(Clone)]
struct Target {
    pod: PodState,
    port: u16,
}

impl Port {
    /// Listens, and leads whoever connects, until it is dropped.
    pub(super) async fn serve(self) {
        let this = Arc::new(self);
        let listener = this.listen().await;
        let local = listener.local_addr().map_or(this.forward.local_port, |address| address.port());
        this.board.tell(this.index, |state| {
            state.local_port = local;
            state.trouble = None;
        });
        let mut view = this.view.clone();
        let mut connections = JoinSet::new();
        let mut told = None;
        loop {
            let target = this.target(&view.borrow_and_update());
            let to = target.map(|target| (target.pod.id, target.port));
            if to != told {
                told.clone_from(&to);
                this.board.tell(this.index, |state| {
                    state.to = to;
                    state.trouble = None;
                });
            }
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => drop(connections.spawn(this.clone().lead(stream))),
                    // Too many open files, for instance.
                    Err(_) => pause(PAUSE).await,
                },
                changed = view.changed() => if changed.is_err() { return },
                Some(_) = connections.join_next() => {}
            }
        }
    }

    /// Takes the port; one that somebody else has is tried until it is free.
    async fn listen(&self) -> TcpListener {
        let mut wait = PAUSE;
        loop {
            match TcpListener::bind((self.forward.host(), self.forward.local_port)).await {
                Ok(listener) => return listener,
                Err(error) => {
                    let trouble = self.cannot_listen(&error).await;
                    self.board.tell(self.index, |state| state.trouble = Some(trouble));
                }
            }
            pause(wait).await;
            wait = (wait * 2).min(PAUSE_MAX);
        }
    }

    async fn cannot_listen(&self, error: &io::Error) -> String {
        let (host, number) = (self.forward.host(), self.forward.local_port);
        match error.kind() {
            io::ErrorKind::AddrInUse => {
                let holder = tokio::task::spawn_blocking(move || port::holder(number)).await.ok().flatten();
                holder.map_or_else(
                    || format!("port {number} is already taken; forward another local port"),
                    |holder| match holder.pid {
                        Some(pid) => format!("port {number} is already taken by {holder}; end it (`kill {pid}`), or forward another local port"),
                        None => format!("port {number} is already taken by {holder}; forward another local port"),
                    },
                )
            }
            io::ErrorKind::PermissionDenied => {
                format!("you may not listen on port {number}; forward a local port from 1024 on")
            }
            _ => format!("cannot listen on `{host}:{number}`: {error}"),
        }
    }

    /// The newest current pod that runs, and its port.
    fn target(&self, view: &View) -> Option<Target> {
        let lives = |pod: &&PodState| pod.is_current && !pod.is_ending && pod.phase == PodPhase::Running;
        let mut pods = view.state.pods.iter().filter(lives);
        // One that is ready is better than a newer one that is not yet.
        let first = pods.next()?;
        let pod = if first.is_ready { first } else { pods.find(|pod| pod.is_ready).unwrap_or(first) };
        Some(Target { pod: pod.clone(), port: self.port_of(&pod.id, view) })
    }

    fn port_of(&self, pod: &PodId, view: &View) -> u16 {
        let declared = view.ports.get(pod).map(Vec::as_slice).unwrap_or_default();
        match self.forward.container_port {
            0 if declared.contains(&self.forward.local_port) => self.forward.local_port,
            0 => declared.first().copied().unwrap_or(self.forward.local_port),
            port => port,
        }
    }

    /// Leads a connection to the pod of this moment, or to the one that comes.
    async fn lead(self: Arc<Self>, mut stream: TcpStream) {
        stream.set_nodelay(true).ok();
        let mut view = self.view.clone();
        for _ in 0..ATTEMPTS {
            let found = timeout(POD_TIMEOUT, async {
                self.link.reach().up().await;
                view.wait_for(|view| self.target(view).is_some()).await.ok().and_then(|view| self.target(&view))
            });
            let Ok(Some(target)) = found.await else {
                return self.trouble("there is no running pod that it could lead to".to_owned());
            };
            match timeout(REACH_TIMEOUT, self.reach(&target)).await {
                Ok(Ok(mut reached)) => {
                    self.board.tell(self.index, |state| state.trouble = None);
                    let refusal = reached.take_error(target.port);
                    let Some(mut far) = reached.take_stream(target.port) else { return };
                    // Whoever breaks it off has ended it.
                    copy_bidirectional(&mut stream, &mut far).await.ok();
                    drop(far);
                    if let Some(refusal) = refusal
                        && let Ok(Some(said)) = timeout(PAUSE, refusal).await
                    {
                        self.trouble(refused(&target, &said));
                    }
                    return;
                }
                Ok(Err(failure)) => {
                    self.trouble(failure);
                    drop(self.link.check().await);
                }
                Err(_) => drop(self.link.check().await),
            }
            pause(PAUSE).await;
        }
    }

    fn trouble(&self, text: String) {
        self.board.tell(self.index, |state| state.trouble = Some(text));
    }

    async fn reach(&self, target: &Target) -> Result<kube_client::api::Portforwarder, String> {
        let connection = self.link.connection().await.map_err(|failure| failure.message)?;
        let pods: Api<Pod> = Api::namespaced(connection.client(), &target.pod.namespace);
        let doing = || format!("the pod `{}` cannot be reached", target.pod.name);
        pods.portforward(&target.pod.name, &[target.port])
            .await
            .map_err(|error| connection.failure(&doing(), &error).message)
    }
}

/// What a pod says that does not take the connection.
fn refused(target: &Target, said: &str) -> String {
    let Target { pod, port } = target;
    if said.contains("refused") {
        return format!("nobody listens on port {port} in the pod `{}`", pod.name);
    }
    format!("the pod `{}` does not take connections to port {port}: {}", pod.name, said.trim())
}

#[expect(clippy::disallowed_methods, reason = "nobody says when a port becomes free")]
async fn pause(wait: Duration) {
    sleep(wait).await;
}
