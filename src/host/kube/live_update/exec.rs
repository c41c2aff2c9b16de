//! Commands that are run in a container.

use super::{Chunks, Target};
use crate::{host::kube::Connection, logs::Stream};
use futures_util::StreamExt as _;
use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::apis::meta::v1::Status};
use kube_client::{Api, Error, api::AttachParams};
use tokio::io::AsyncWriteExt as _;
use tokio_util::{io::ReaderStream, sync::CancellationToken};

/// How much may be under way in one direction.
const BUFFER_BYTES: usize = 1 << 20;

/// How a command ended.
pub(super) enum Ended {
    /// With this exit code.
    Code(i32),
    /// It was not started: what the node says.
    Refused(String),
}

/// Runs a command to its end, with `input` on its standard input.
pub(super) async fn exec(
    connection: &Connection,
    target: &Target,
    argv: &[String],
    input: Option<Chunks>,
    mut take: impl FnMut(Stream, &[u8]),
) -> Result<Ended, Error> {
    let params = AttachParams::default()
        .container(&target.container)
        .stdin(input.is_some())
        .stdout(true)
        .stderr(true)
        .max_stdin_buf_size(BUFFER_BYTES)
        .max_stdout_buf_size(64 << 10)
        .max_stderr_buf_size(64 << 10);
    let pods: Api<Pod> = Api::namespaced(connection.client(), &target.namespace);
    let mut process = pods.exec(&target.pod, argv.to_vec(), &params).await?;
    let status = process.take_status();
    let (Some(out), Some(err)) = (process.stdout(), process.stderr()) else { return Err(cut_off()) };
    let (mut out, mut err) = (ReaderStream::new(out), ReaderStream::new(err));
    let stdin = process.stdin();
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
    let reading = async {
        loop {
            tokio::select! {
                Some(piece) = out.next() => if let Ok(piece) = piece { take(Stream::Out, &piece) },
                Some(piece) = err.next() => if let Ok(piece) = piece { take(Stream::Err, &piece) },
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
    let feeding = async {
        feeding.await;
        std::future::pending::<()>().await;
    };
    let talked = tokio::select! {
        talked = talk => talked,
        () = feeding => Ok(()),
    };
    talked.map_err(|error| Error::ReadEvents(std::io::Error::other(error)))?;
    match status {
        Some(status) => status.await.as_ref().map(ended).ok_or_else(cut_off),
        None => Err(cut_off()),
    }
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
