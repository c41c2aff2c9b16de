//! Commands that are run in a container of a pod.

use super::{Connection, failure::is_missing};
use crate::{
    diag::suggest,
    host::{
        live_update::Chunks,
        tty::{Tty, UNREAD, show, typed},
    },
    logs::Stream,
    model::{Failure, PodState},
};
use futures_util::{SinkExt as _, StreamExt as _};
use k8s_openapi::{
    api::core::v1::{ContainerStatus, Pod},
    apimachinery::pkg::apis::meta::v1::Status,
};
use kube_client::{
    Api, Error,
    api::{AttachParams, TerminalSize},
    client::UpgradeConnectionError,
};
use tokio::io::{AsyncRead, AsyncWriteExt as _};
use tokio_util::{io::ReaderStream, sync::CancellationToken};

/// How much may be under way in one direction.
const BUFFER_BYTES: usize = 1 << 20;
/// Which container of a pod is meant where nobody says: an annotation that `kubectl` reads too.
const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

/// A container of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub(super) pod: String,
    pub(super) namespace: String,
    pub(super) container: String,
}

impl Target {
    /// Finds the container of a pod that runs commands: the one of that name, else the one that the pod says, else its first. With
    /// its other containers, where none of that was said and there are some.
    ///
    /// # Errors
    /// When there is no such pod or container any more, or it does not run.
    pub async fn find(
        connection: &Connection,
        pod: &PodState,
        container: Option<&str>,
    ) -> Result<(Self, Vec<String>), Failure> {
        let pods: Api<Pod> = Api::namespaced(connection.client(), &pod.namespace);
        let found = pods.get(&pod.name).await.map_err(|error| {
            if is_missing(&error) {
                return Failure { message: format!("the pod `{}` is gone", pod.name), help: None };
            }
            connection.failure(&format!("the pod `{}` cannot be looked at", pod.name), &error)
        })?;
        let (name, others) = choose(&found, container)?;
        if let Some(why) = what_keeps(&found, &name) {
            let message = format!("the container `{name}` of the pod `{}` does not run: {why}", pod.name);
            return Err(Failure { message, help: None });
        }
        Ok((Self { pod: pod.name.clone(), namespace: pod.namespace.clone(), container: name }, others))
    }

    /// Its name in the pod.
    #[must_use]
    pub fn container(&self) -> &str {
        &self.container
    }

    pub(super) fn title(&self) -> String {
        format!("the container `{}` of the pod `{}`", self.container, self.pod)
    }

    pub(super) fn failure(&self, connection: &Connection, doing: &str, error: &Error) -> Failure {
        let doing = format!("{doing} {}", self.title());
        match error {
            // What the server said with it is not told.
            Error::UpgradeConnection(UpgradeConnectionError::ProtocolSwitch(code)) if code.as_u16() == 403 => Failure {
                message: format!("{doing}: the cluster does not allow it"),
                help: Some(format!(
                    "whoever runs the cluster can give you the right to `create` `pods/exec`; the context is `{}`",
                    connection.address().context
                )),
            },
            Error::UpgradeConnection(UpgradeConnectionError::ProtocolSwitch(code)) => {
                Failure { message: format!("{doing}: the cluster answers with {}", code.as_u16()), help: None }
            }
            error => connection.failure(&doing, error),
        }
    }
}

/// The name of the container that is meant, and those it was chosen from.
fn choose(pod: &Pod, wanted: Option<&str>) -> Result<(String, Vec<String>), Failure> {
    let spec = pod.spec.as_ref();
    let first: Vec<&str> = spec.iter().flat_map(|spec| &spec.containers).map(|one| one.name.as_str()).collect();
    let initial = spec.iter().flat_map(|spec| spec.init_containers.iter().flatten()).map(|one| one.name.as_str());
    let passing = spec.iter().flat_map(|spec| spec.ephemeral_containers.iter().flatten()).map(|one| one.name.as_str());
    let all: Vec<&str> = first.iter().copied().chain(initial).chain(passing).collect();
    let told = pod.metadata.annotations.as_ref().and_then(|all| all.get(DEFAULT_CONTAINER)).map(String::as_str);
    if let Some(wanted) = wanted {
        return match all.iter().find(|name| **name == wanted) {
            Some(name) => Ok(((*name).to_owned(), Vec::new())),
            None => Err(no_container(pod, wanted, &all)),
        };
    }
    if let Some(told) = told.filter(|told| all.contains(told)) {
        return Ok((told.to_owned(), Vec::new()));
    }
    match first.split_first() {
        Some((name, others)) => Ok(((*name).to_owned(), others.iter().map(|name| (*name).to_owned()).collect())),
        None => Err(no_container(pod, "", &all)),
    }
}

fn no_container(pod: &Pod, wanted: &str, all: &[&str]) -> Failure {
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let listed: Vec<String> = all.iter().map(|name| format!("`{name}`")).collect();
    Failure {
        message: format!("the pod `{name}` has no container `{wanted}`"),
        help: suggest::did_you_mean(wanted, all.iter().copied())
            .or_else(|| Some(format!("it has {}", listed.join(", ")))),
    }
}

/// Why a container runs no commands now, if the node says that it does not run.
fn what_keeps(pod: &Pod, container: &str) -> Option<String> {
    let status = pod.status.as_ref()?;
    let lists = [&status.container_statuses, &status.init_container_statuses, &status.ephemeral_container_statuses];
    let mut statuses = lists.into_iter().flatten().flatten();
    let Some(ContainerStatus { state: Some(state), .. }) = statuses.find(|one| one.name == container) else {
        return Some("the pod was not started yet".to_owned());
    };
    let reason = |reason: &Option<String>| reason.clone().filter(|reason| !reason.is_empty());
    if let Some(waiting) = &state.waiting {
        return Some(reason(&waiting.reason).unwrap_or_else(|| "it waits".to_owned()));
    }
    let ended = state.terminated.as_ref()?;
    Some(reason(&ended.reason).unwrap_or_else(|| format!("it exited with code {}", ended.exit_code)))
}

/// Runs a command of the user's to its end, with the user's own terminal or pipes; gives its exit code.
///
/// # Errors
/// When it cannot be started, or the cluster goes away.
pub async fn exec(connection: &Connection, target: &Target, argv: &[String], tty: Option<&Tty>) -> Result<u8, Failure> {
    let unread = CancellationToken::new();
    let take = |stream, bytes: &[u8]| {
        if show(stream, bytes).is_err() {
            unread.cancel();
        }
    };
    let ended = tokio::select! {
        ended = talk(connection, target, argv, Some(typed()), tty, take) => ended,
        () = unread.cancelled() => return Ok(UNREAD),
    };
    let doing = "cannot run a command in";
    match ended.map_err(|error| target.failure(connection, doing, &error))? {
        Ended::Code(code) => Ok(u8::try_from(code).unwrap_or(u8::MAX)),
        Ended::Refused(why) => {
            Err(Failure { message: format!("{doing} {}: {}", target.title(), why.trim_end_matches('.')), help: None })
        }
    }
}

/// How a command ended.
pub(super) enum Ended {
    /// With this exit code.
    Code(i32),
    /// It was not started: what the node says.
    Refused(String),
}

/// Runs a command to its end, with `input` on its standard input.
pub(super) async fn run(
    connection: &Connection,
    target: &Target,
    argv: &[String],
    input: Option<Chunks>,
    take: impl FnMut(Stream, &[u8]),
) -> Result<Ended, Error> {
    talk(connection, target, argv, input, None, take).await
}

async fn talk(
    connection: &Connection,
    target: &Target,
    argv: &[String],
    input: Option<Chunks>,
    tty: Option<&Tty>,
    mut take: impl FnMut(Stream, &[u8]),
) -> Result<Ended, Error> {
    let params = AttachParams::default()
        .container(&target.container)
        .stdin(input.is_some())
        .stdout(true)
        // A terminal has one stream.
        .stderr(tty.is_none())
        .tty(tty.is_some())
        .max_stdin_buf_size(BUFFER_BYTES)
        .max_stdout_buf_size(64 << 10)
        .max_stderr_buf_size(64 << 10);
    let pods: Api<Pod> = Api::namespaced(connection.client(), &target.namespace);
    let mut process = pods.exec(&target.pod, argv.to_vec(), &params).await?;
    let status = process.take_status();
    let (mut out, mut err) = (process.stdout().map(ReaderStream::new), process.stderr().map(ReaderStream::new));
    let (stdin, sizes) = (process.stdin(), process.terminal_size());
    let feeding = async {
        let (Some(mut stdin), Some(mut input)) = (stdin, input) else { return };
        while let Some(Ok(chunk)) = input.recv().await {
            // A command that ended reads no more.
            if stdin.write_all(&chunk).await.is_err() {
                return;
            }
        }
        stdin.shutdown().await.ok();
    };
    let resizing = async {
        let (Some(mut sizes), Some(tty)) = (sizes, tty) else { return };
        loop {
            let (width, height) = tty.resized().await;
            if sizes.send(TerminalSize { width, height }).await.is_err() {
                return;
            }
        }
    };
    let reading = async {
        loop {
            tokio::select! {
                Some(piece) = next(&mut out) => if let Ok(piece) = piece { take(Stream::Out, &piece) },
                Some(piece) = next(&mut err) => if let Ok(piece) = piece { take(Stream::Err, &piece) },
                else => return,
            }
        }
    };
    // Where the talk breaks off, nobody ends what is read and written here.
    let broken = CancellationToken::new();
    let talking = async {
        let talked = process.join().await;
        if talked.is_err() {
            broken.cancel();
        }
        talked
    };
    let reading = broken.run_until_cancelled(reading);
    let talk = async { futures_util::join!(talking, reading).0 };
    let beside = async {
        futures_util::join!(feeding, resizing);
        std::future::pending::<()>().await;
    };
    let talked = tokio::select! {
        talked = talk => talked,
        () = beside => Ok(()),
    };
    talked.map_err(|error| Error::ReadEvents(std::io::Error::other(error)))?;
    match status {
        Some(status) => status.await.as_ref().map(ended).ok_or_else(cut_off),
        None => Err(cut_off()),
    }
}

async fn next<R: AsyncRead + Unpin>(stream: &mut Option<ReaderStream<R>>) -> Option<std::io::Result<bytes::Bytes>> {
    stream.as_mut()?.next().await
}

fn cut_off() -> Error {
    Error::ReadEvents(std::io::ErrorKind::UnexpectedEof.into())
}

/// What the node tells of the end.
fn ended(status: &Status) -> Ended {
    if status.status.as_deref() == Some("Success") {
        return Ended::Code(0);
    }
    let causes = status.details.iter().flat_map(|details| details.causes.iter().flatten());
    let mut codes = causes.filter(|cause| cause.reason.as_deref() == Some("ExitCode"));
    if let Some(code) = codes.find_map(|cause| cause.message.as_deref()?.parse().ok()) {
        return Ended::Code(code);
    }
    let message = status.message.as_deref().unwrap_or_default();
    Ended::Refused(message.split_whitespace().collect::<Vec<_>>().join(" "))
}
