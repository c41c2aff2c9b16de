//! Commands that are run in a container.

use super::target::Target;
use crate::{host::docker::Connection, logs::Stream};
use bollard::{
    container::LogOutput,
    errors::Error,
    exec::{CreateExecOptions, StartExecResults},
};
use futures_util::StreamExt as _;
use std::time::Duration;

/// How long the engine may take to tell how a command ended whose output has ended: so often, in such steps.
const ASKED_MAX: u32 = 50;
const ASK_PAUSE: Duration = Duration::from_millis(20);

/// A command for a container.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Command<'a> {
    pub(super) argv: &'a [String],
    /// `None` is the container's user.
    pub(super) user: Option<&'a str>,
    /// `None` is the container's folder.
    pub(super) dir: Option<&'a str>,
    /// `NAME=VALUE`.
    pub(super) env: &'a [String],
}

/// Runs a command to its end; gives its exit code.
pub(super) async fn run(
    connection: &Connection,
    target: &Target,
    command: Command<'_>,
    mut take: impl FnMut(Stream, &[u8]),
) -> Result<i32, Error> {
    let options = CreateExecOptions {
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        cmd: Some(command.argv.to_vec()),
        user: command.user.map(str::to_owned),
        working_dir: command.dir.map(str::to_owned),
        env: (!command.env.is_empty()).then(|| command.env.to_vec()),
        ..CreateExecOptions::default()
    };
    let exec = connection.api().create_exec(&target.id.0, options).await?;
    if let StartExecResults::Attached { mut output, input } = connection.api().start_exec(&exec.id, None).await? {
        while let Some(piece) = output.next().await {
            match piece? {
                LogOutput::StdErr { message } => take(Stream::Err, &message),
                LogOutput::StdOut { message } | LogOutput::Console { message } => take(Stream::Out, &message),
                LogOutput::StdIn { .. } => {}
            }
        }
        // Held until here: an engine may take its end for the end of all.
        drop(input);
    }
    exit_code(connection, &exec.id).await
}

/// The exit code of a command whose output has ended.
#[expect(
    clippy::disallowed_methods,
    reason = "an engine may say for a moment that a command runs whose output has ended"
)]
pub(in crate::host::docker) async fn exit_code(connection: &Connection, exec: &str) -> Result<i32, Error> {
    for _ in 0..ASKED_MAX {
        let ended = connection.api().inspect_exec(exec).await?;
        if ended.running != Some(true)
            && let Some(code) = ended.exit_code
        {
            return Ok(i32::try_from(code).unwrap_or(i32::MAX));
        }
        tokio::time::sleep(ASK_PAUSE).await;
    }
    Err(Error::RequestTimeoutError)
}
