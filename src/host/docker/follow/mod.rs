//! Follows what containers print, into the logs: each line once, also when the engine goes away meanwhile.

mod cursor;
mod missed;

pub use cursor::{Cursor, Cursors};

use super::{
    Connection,
    failure::{is_lost, status},
    link::Link,
    seen, stamp,
};
use crate::{
    logs::{LogWriter, Stream},
    model::ContainerId,
};
use bollard::{
    container::LogOutput,
    errors::Error,
    models::ContainerInspectResponse,
    query_parameters::{LogsOptionsBuilder, WaitContainerOptionsBuilder},
};
use bytes::Bytes;
use futures_util::{StreamExt as _, future::join_all};
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How long it is waited before a log is asked for again that broke off while its container runs.
const PAUSE: Duration = Duration::from_millis(200);
/// How long it may take to read what was printed until one is no longer followed.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a container may run while its end is waited for in one request.
const LIFE_MAX: Duration = Duration::from_hours(24 * 365);

/// What is followed, and how.
pub struct Following {
    /// The engine.
    pub link: Link,
    /// How far the logs of the session's containers were read.
    pub cursors: Cursors,
    /// Which containers.
    pub containers: Vec<ContainerId>,
    /// Where it goes.
    pub writer: LogWriter,
    /// What was printed before that is of no interest, in nanoseconds since 1970 on our clock.
    pub session_began_at_ns: i64,
}

impl Following {
    /// Follows them until each has ended, and all that they printed is written; or until `stop`, and what they printed until then. One
    /// that is started again after its end is followed no longer: that is another life.
    pub async fn to_the_end(self, stop: CancellationToken) {
        let followed = self.containers.iter().map(async |container| {
            let stopped = tokio::select! {
                () = self.follow(container) => false,
                () = stop.cancelled() => true,
            };
            if stopped {
                timeout(CATCH_UP_TIMEOUT, self.catch_up(container)).await.unwrap_or_default();
            }
        });
        join_all(followed).await;
        self.writer.close();
    }

    async fn follow(&self, container: &ContainerId) {
        // Whoever followed an earlier life of it comes to its end first.
        let cursor = self.cursors.of(container);
        let mut cursor = cursor.lock().await;
        let mut life = None;
        loop {
            self.link.reach().up().await;
            let Ok(connection) = self.link.connection().await else { continue };
            match self.follow_once(connection, container, &mut cursor, &mut life).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) if is_lost(&error) => drop(self.link.check().await),
                // It was removed meanwhile.
                Err(error) if matches!(status(&error), Some(404 | 409)) => return,
                Err(error) => {
                    let doing = "its output cannot be shown";
                    self.note(&connection.failure(doing, &error).message);
                    return wait_for_end(connection, container).await;
                }
            }
            pause().await;
        }
    }

    /// Reads what was printed until now.
    async fn catch_up(&self, container: &ContainerId) {
        let cursor = self.cursors.of(container);
        let mut cursor = cursor.lock().await;
        let Ok(connection) = self.link.connection().await else { return };
        let caught_up = async {
            self.look(connection, container, &mut cursor).await?;
            self.read(connection, container, &mut cursor, false).await
        };
        // Nobody waits for what cannot be read any more.
        drop(caught_up.await);
    }

    /// Reads the log until it breaks off. Tells whether the life that began at `life` has ended, and all of it was read.
    async fn follow_once(
        &self,
        connection: &Connection,
        container: &ContainerId,
        cursor: &mut Cursor,
        life: &mut Option<i64>,
    ) -> Result<bool, Error> {
        let Some(began_at) = self.look(connection, container, cursor).await? else { return Ok(true) };
        let began_at = *life.get_or_insert(began_at);
        if cursor.was_old() {
            self.tell_missed(connection, container, cursor).await?;
        }
        self.read(connection, container, cursor, true).await?;
        let after = seen::inspect(connection, container).await?;
        Ok(after.is_none_or(|after| !runs(&after) || moment(&after, |state| state.started_at.as_deref()) != began_at))
    }

    /// When the life that it has now began, if it is there. Its log is wanted from then on.
    async fn look(
        &self,
        connection: &Connection,
        container: &ContainerId,
        cursor: &mut Cursor,
    ) -> Result<Option<i64>, Error> {
        let Some(found) = seen::inspect(connection, container).await? else {
            self.cursors.forget(container);
            return Ok(None);
        };
        let began_at = moment(&found, |state| state.started_at.as_deref());
        cursor.begin_at(earlier_end(&found).max(self.session_began(connection)));
        Ok(Some(began_at))
    }

    /// When the session began, on the engine's clock, which may be another.
    fn session_began(&self, connection: &Connection) -> i64 {
        self.session_began_at_ns.saturating_add(connection.clock_ahead_ns())
    }

    /// Reads on, to the end of what is there or, where it is followed, to the end of the log.
    async fn read(
        &self,
        connection: &Connection,
        container: &ContainerId,
        cursor: &mut Cursor,
        follow: bool,
    ) -> Result<(), Error> {
        let since = i32::try_from(cursor.rewind() / 1_000_000_000).unwrap_or(i32::MAX);
        let options =
            LogsOptionsBuilder::default().follow(follow).stdout(true).stderr(true).timestamps(true).since(since);
        let mut pieces = connection.api().logs(&container.0, Some(options.build()));
        while let Some(piece) = pieces.next().await {
            let Some((stream, bytes)) = output(piece?) else { continue };
            let (at, bytes) = split(&bytes);
            if at.is_none_or(|at| cursor.take(stream, at)) {
                self.writer.write(stream, bytes);
            }
        }
        Ok(())
    }

    fn note(&self, text: &str) {
        self.writer.write(Stream::Err, format!("{text}\n").as_bytes());
    }
}

/// What a container printed, and on which of its streams.
fn output(piece: LogOutput) -> Option<(Stream, Bytes)> {
    match piece {
        LogOutput::StdErr { message } => Some((Stream::Err, message)),
        LogOutput::StdOut { message } | LogOutput::Console { message } => Some((Stream::Out, message)),
        LogOutput::StdIn { .. } => None,
    }
}

/// The moment before a piece, and the piece. What has none is a piece of a line whose beginning had one.
fn split(bytes: &[u8]) -> (Option<i64>, &[u8]) {
    let space = memchr::memchr(b' ', bytes.get(..40).unwrap_or(bytes));
    let Some((moment, rest)) = space.and_then(|at| bytes.split_at_checked(at)) else { return (None, bytes) };
    match std::str::from_utf8(moment).ok().and_then(stamp::parse) {
        Some(at) => (Some(at), rest.get(1..).unwrap_or_default()),
        None => (None, bytes),
    }
}

/// When the life before the present one ended; 0 where that is not known. What it printed lies before that; the first words of the
/// present one may be older than the moment that the engine takes for its start. Of a container that has ended the engine tells the end
/// of its last life alone, which may be older than the start of that one, too.
fn earlier_end(found: &ContainerInspectResponse) -> i64 {
    let ended = moment(found, |state| state.finished_at.as_deref());
    if runs(found) && ended < moment(found, |state| state.started_at.as_deref()) { ended } else { 0 }
}

fn moment(found: &ContainerInspectResponse, of: impl Fn(&bollard::models::ContainerState) -> Option<&str>) -> i64 {
    found.state.as_ref().and_then(of).and_then(stamp::parse).unwrap_or_default()
}

fn runs(found: &ContainerInspectResponse) -> bool {
    let state = found.state.as_ref();
    // One that waits for the engine to start it again has `running` too.
    state.is_some_and(|state| state.running == Some(true) && state.restarting != Some(true))
}

/// Where the log cannot be read, its end is told by the engine alone.
async fn wait_for_end(connection: &Connection, container: &ContainerId) {
    let options = WaitContainerOptionsBuilder::default().condition("not-running").build();
    // However it ends, it has ended.
    drop(connection.slow_api(LIFE_MAX).wait_container(&container.0, Some(options)).next().await);
}

#[expect(clippy::disallowed_methods, reason = "an engine that breaks off for no reason is not asked without a rest")]
async fn pause() {
    sleep(PAUSE).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_end_before_the_start_is_an_earlier_life_s_only_of_one_that_runs() {
        let (early, late) = ("1970-01-01T00:00:01Z", "1970-01-01T00:00:02Z");
        let end = |running: bool, started: &str, finished: &str| {
            let state = json!({"Running": running, "StartedAt": started, "FinishedAt": finished});
            earlier_end(&serde_json::from_value(json!({ "State": state })).unwrap())
        };
        assert_eq!(end(true, late, early), 1_000_000_000);
        assert_eq!(end(true, late, "0001-01-01T00:00:00Z"), 0);
        assert_eq!([end(false, early, late), end(false, late, early)], [0, 0]);
    }

    #[test]
    fn a_piece_is_split_from_its_moment() {
        assert_eq!(
            split(b"1970-01-01T00:00:01.000000002Z hello world\n"),
            (Some(1_000_000_002), &b"hello world\n"[..])
        );
        assert_eq!(split(b"1970-01-01T00:00:01Z \n"), (Some(1_000_000_000), &b"\n"[..]));
        for text in [&b"hello world\n"[..], b"", b"noend"] {
            assert_eq!(split(text), (None, text));
        }
    }
}
