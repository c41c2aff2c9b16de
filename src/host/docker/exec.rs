//! A command of the user's in a container, with the user's own terminal or pipes.

#![expect(clippy::disallowed_methods, reason = "the engine does not say when a command has started")]

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
use std::{io, time::Duration};
use tokio::{io::AsyncWriteExt as _, time::sleep};

/// How often, and how long after another, the engine is told a size that it does not take.
const RESIZES_MAX: u32 = 20;
const RESIZE_PAUSE: Duration = Duration::from_millis(25);

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
        // A command may ask for it at once. Engines before API 1.42 are told once it runs.
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
                tell_size(connection, &exec.id, width, height).await;
            }
        }
    }
    // Keys from now on are for somebody else.
    typing.abort();
    typing.await.ok();
    Ok(u8::try_from(exit_code(connection, &exec.id).await?).unwrap_or(u8::MAX))
}

/// Tells the engine the size of the terminal, as soon as it takes it: not before the command has started, and not after its end.
async fn tell_size(connection: &Connection, exec: &str, width: u16, height: u16) {
    for _ in 0..RESIZES_MAX {
        if connection.api().resize_exec(exec, ResizeExecOptions { width, height }).await.is_ok() {
            return;
        }
        sleep(RESIZE_PAUSE).await;
    }
}

fn print(piece: &LogOutput) -> io::Result<()> {
    match piece {
        LogOutput::StdErr { message } => show(Stream::Err, message),
        LogOutput::StdOut { message } | LogOutput::Console { message } => show(Stream::Out, message),
        LogOutput::StdIn { .. } => Ok(()),
    }
}
