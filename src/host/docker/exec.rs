//! A command of the user's in a container, with the user's own terminal or pipes.

use super::{Connection, live_update::exit_code};
use crate::{
    host::tty::{Tty, UNREAD, show, size, typed},
    logs::Stream,
    model::{ContainerId, Failure},
};
use bollard::{
    container::LogOutput,
    errors::Error,
    exec::{ResizeExecOptions, StartExecOptions, StartExecResults},
    models::ExecConfig,
};
use futures_util::StreamExt as _;
use std::io;
use tokio::io::AsyncWriteExt as _;

/// Runs the command to its end; gives its exit code. With a terminal, keys go there as they are typed.
pub async fn exec(
    connection: &Connection,
    container: &ContainerId,
    argv: &[String],
    tty: Option<&Tty>,
) -> Result<u8, Failure> {
    let doing = format!("cannot run a command in the container `{}`", container.short());
    run(connection, container, argv, tty).await.map_err(|error| connection.failure(&doing, &error))
}

async fn run(
    connection: &Connection,
    container: &ContainerId,
    argv: &[String],
    tty: Option<&Tty>,
) -> Result<u8, Error> {
    let api = connection.api();
    let options = ExecConfig {
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        tty: Some(tty.is_some()),
        // A command may ask for it at once. Engines before API 1.42 learn it with the first change.
        console_size: tty.map(|_| size()).map(|(width, height)| vec![usize::from(height), usize::from(width)]),
        cmd: Some(argv.to_vec()),
        ..ExecConfig::default()
    };
    let exec = api.create_exec(&container.0, options).await?;
    let start = StartExecOptions { tty: tty.is_some(), ..StartExecOptions::default() };
    let StartExecResults::Attached { mut output, mut input } = api.start_exec(&exec.id, Some(start)).await? else {
        return Ok(0);
    };
    let typing = tokio::spawn(async move {
        let mut typed = typed();
        while let Some(Ok(bytes)) = typed.recv().await {
            if input.write_all(&bytes).await.and(input.flush().await).is_err() {
                break;
            }
        }
        // The command sees the end of its input.
        input.shutdown().await.ok();
        std::future::pending::<()>().await;
    });
    loop {
        let resize = async {
            match tty {
                Some(tty) => tty.resized().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            piece = output.next() => match piece {
                Some(piece) => if print(&piece?).is_err() {
                    typing.abort();
                    return Ok(UNREAD);
                },
                None => break,
            },
            (width, height) = resize => {
                // A size that comes too late is of no use.
                api.resize_exec(&exec.id, ResizeExecOptions { width, height }).await.ok();
            }
        }
    }
    typing.abort();
    Ok(u8::try_from(exit_code(connection, &exec.id).await?).unwrap_or(u8::MAX))
}

fn print(piece: &LogOutput) -> io::Result<()> {
    match piece {
        LogOutput::StdErr { message } => show(Stream::Err, message),
        LogOutput::StdOut { message } | LogOutput::Console { message } => show(Stream::Out, message),
        LogOutput::StdIn { .. } => Ok(()),
    }
}
