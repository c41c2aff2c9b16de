//! Follows what the containers of a resource's pods print, into its log: each line once, also when the way to the cluster breaks.

use super::{
    Connection,
    failure::{is_lost, is_missing, status},
    link::Link,
    observer::View,
};
use crate::{
    host::docker::follow::Cursor,
    logs::{LogWriter, Stream},
    model::{PodContainer, PodContainerPhase, PodId, PodState},
};
use futures_util::{AsyncBufReadExt as _, AsyncReadExt as _};
use k8s_openapi::{api::core::v1::Pod, jiff::Timestamp};
use kube_client::{Api, Error, api::LogParams};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// Containers that a service mesh puts into every pod: nobody wants their logs.
const MESH: [&str; 4] = ["istio-init", "istio-proxy", "linkerd-init", "linkerd-proxy"];
/// How long it is waited before a log is asked for again that broke off while its container runs.
const PAUSE: Duration = Duration::from_millis(300);
/// How long it may take to read what was printed until one is no longer followed.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(2);
/// A line longer than this is written in pieces.
const LINE_BYTES_MAX: u64 = 256 << 10;

/// One container of one pod.
pub(super) type Place = (PodId, String);

/// How far the logs of a session's containers were read. Whoever reads one holds it. Cheap to clone.
#[derive(Clone, Default)]
pub struct Cursors(Arc<Shared>);

#[derive(Default)]
struct Shared {
    reads: Mutex<BTreeMap<Place, Arc<tokio::sync::Mutex<Read>>>>,
    /// Of the containers that somebody reads: so many starts were read to their end.
    ends: watch::Sender<BTreeMap<Place, u32>>,
}

/// How far one log was read.
#[derive(Debug, Default)]
struct Read {
    cursor: Cursor,
    /// So many starts of the container were read to their end.
    starts: u32,
}

impl Cursors {
    /// That of one container.
    fn of(&self, place: &Place) -> Arc<tokio::sync::Mutex<Read>> {
        let mut all = self.0.reads.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(place.clone()).or_default().clone()
    }

    fn forget(&self, pods: &BTreeSet<PodId>) {
        self.0.reads.lock().unwrap_or_else(PoisonError::into_inner).retain(|(pod, _), _| pods.contains(pod));
    }

    /// Whether somebody reads what this container printed, and did not come to the end of that start.
    pub(super) fn is_behind(&self, place: &Place, starts: u32) -> bool {
        self.0.ends.borrow().get(place).is_some_and(|read| *read < starts)
    }

    /// Waits until that is not so.
    pub(super) async fn until_read(&self, places: &[(Place, u32)]) {
        let mut ends = self.0.ends.subscribe();
        let is_read = |ends: &BTreeMap<Place, u32>| {
            places.iter().all(|(place, starts)| ends.get(place).is_none_or(|read| read >= starts))
        };
        // The sender is this one's own.
        drop(ends.wait_for(is_read).await);
    }

    fn came_to(&self, place: &Place, starts: Option<u32>) {
        self.0.ends.send_modify(|ends| {
            match starts {
                Some(starts) => ends.insert(place.clone(), starts),
                None => ends.remove(place),
            };
        });
    }
}

/// What is followed, and how.
pub struct Following {
    /// The cluster.
    pub link: Link,
    /// How far the logs were read.
    pub cursors: Cursors,
    /// The resource, as it is and will be.
    pub view: watch::Receiver<Arc<View>>,
    /// Where it goes.
    pub writer: LogWriter,
    /// What was printed before that is of no interest, in nanoseconds since 1970.
    pub session_began_at_ns: i64,
}

impl Following {
    /// Follows the current pods until `stop`, and what they printed until then.
    pub async fn to_the_end(self, stop: CancellationToken) {
        let this = Arc::new(self);
        let mut view = this.view.clone();
        let mut readers = JoinSet::new();
        let mut followed: BTreeSet<Place> = BTreeSet::new();
        loop {
            let now = view.borrow_and_update().clone();
            for (pod, container) in Self::wanted(&now) {
                if followed.insert((pod.id.clone(), container.name.clone())) {
                    let reader =
                        Reader { following: this.clone(), pod: pod.clone(), container: container.name.clone() };
                    readers.spawn(reader.follow());
                }
            }
            tokio::select! {
                changed = view.changed() => if changed.is_err() { break },
                () = stop.cancelled() => break,
            }
        }
        // What was printed until now is still read.
        let last = view.borrow().clone();
        readers.shutdown().await;
        let rest = Self::wanted(&last).into_iter().map(|(pod, container)| {
            let reader = Reader { following: this.clone(), pod: pod.clone(), container: container.name.clone() };
            async move { reader.catch_up().await }
        });
        timeout(CATCH_UP_TIMEOUT, futures_util::future::join_all(rest)).await.map(drop).unwrap_or_default();
        this.cursors.forget(&last.state.pods.iter().map(|pod| pod.id.clone()).collect());
        this.writer.close();
    }

    /// Containers whose logs are wanted and that were started.
    fn wanted(view: &View) -> Vec<(&PodState, &PodContainer)> {
        let current = view.state.pods.iter().filter(|pod| pod.is_current);
        let containers = current.flat_map(|pod| pod.containers.iter().map(move |container| (pod, container)));
        containers
            .filter(|(_, container)| container.started_at_ns > 0 && !MESH.contains(&container.name.as_str()))
            .collect()
    }
}

/// What reads the log of one container.
struct Reader {
    following: Arc<Following>,
    pod: PodState,
    container: String,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.following.cursors.came_to(&self.place(), None);
    }
}

impl Reader {
    fn place(&self) -> Place {
        (self.pod.id.clone(), self.container.clone())
    }

    /// Follows it until its pod is gone.
    async fn follow(self) {
        let (place, cursors) = (self.place(), &self.following.cursors);
        let read = cursors.of(&place);
        let mut read = read.lock().await;
        cursors.came_to(&place, Some(read.starts));
        read.cursor.begin_at(self.following.session_began_at_ns);
        let mut view = self.following.view.clone();
        loop {
            self.following.link.reach().up().await;
            let Ok(connection) = self.following.link.connection().await else { continue };
            let now = view.borrow_and_update().clone();
            let Some(container) = self.of(&now) else { return };
            let (starts, is_over) = (container.restarts + 1, is_over(container));
            match self.read(connection, &mut read, starts, !is_over).await {
                Ok(()) => {}
                Err(error) if is_missing(&error) => return,
                Err(error) if is_lost(&error) => drop(self.following.link.check().await),
                // It is not there yet, or not any more.
                Err(error) if status(&error).is_some_and(|status| status.code == 400) => {}
                Err(error) => {
                    let doing = format!("the output of `{}` in `{}` cannot be shown", self.container, self.pod.name);
                    return self.note(&connection.failure(&doing, &error).message);
                }
            }
            let told = view.borrow().clone();
            let is_read = self.of(&told).is_none_or(|now| {
                // An end is told by the cluster; where none is told yet, the log broke off.
                (self::is_over(now) || now.restarts + 1 > starts) && read.starts > now.restarts
            });
            if !is_read {
                pause().await;
            } else if view.changed().await.is_err() {
                return;
            }
        }
    }

    fn of<'a>(&self, view: &'a View) -> Option<&'a PodContainer> {
        let pod = view.state.pods.iter().find(|pod| pod.id == self.pod.id)?;
        pod.containers.iter().find(|container| container.name == self.container)
    }

    /// Reads what was printed until now.
    async fn catch_up(self) {
        let read = self.following.cursors.of(&self.place());
        let mut read = read.lock().await;
        read.cursor.begin_at(self.following.session_began_at_ns);
        let Ok(connection) = self.following.link.connection().await else { return };
        // Nobody waits for what cannot be read any more.
        drop(self.stream(connection, &mut read, false, false).await);
    }

    /// Reads the log of a start to its end; before it that of the start before, where that was not read.
    async fn read(&self, connection: &Connection, read: &mut Read, starts: u32, follow: bool) -> Result<(), Error> {
        if read.starts + 1 < starts {
            match self.stream(connection, read, false, true).await {
                Err(error) if is_lost(&error) => return Err(error),
                // It is kept no longer.
                Ok(()) | Err(_) => self.came_to(read, starts - 1),
            }
        }
        self.stream(connection, read, follow, false).await?;
        self.came_to(read, starts);
        Ok(())
    }

    fn came_to(&self, read: &mut Read, starts: u32) {
        read.starts = starts;
        self.following.cursors.came_to(&self.place(), Some(starts));
    }

    async fn stream(
        &self,
        connection: &Connection,
        read: &mut Read,
        follow: bool,
        previous: bool,
    ) -> Result<(), Error> {
        let since = Timestamp::from_second(read.cursor.rewind() / 1_000_000_000).ok();
        let pods: Api<Pod> = Api::namespaced(connection.client(), &self.pod.namespace);
        let container = Some(self.container.clone());
        let params =
            LogParams { container, follow, previous, timestamps: true, since_time: since, ..LogParams::default() };
        let mut lines = Box::pin(pods.log_stream(&self.pod.name, &params).await?);
        let prefix = self.prefix();
        let mut line = Vec::new();
        let mut is_whole = true;
        loop {
            line.clear();
            let count =
                (&mut lines).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await.map_err(Error::ReadEvents)?;
            if count == 0 {
                return Ok(());
            }
            let (at, text) = split(&line);
            // A line without a moment is the rest of a long one, or what the node says where it has no output: `unable to retrieve
            // container logs`.
            let is_said = at.map_or(!is_whole, |at| read.cursor.take(Stream::Out, at));
            if is_said {
                self.write(&prefix, text);
            }
            is_whole = line.ends_with(b"\n");
        }
    }

    /// Needed where more than one container speaks.
    fn prefix(&self) -> Vec<u8> {
        let speaking = self.pod.containers.iter().filter(|one| !MESH.contains(&one.name.as_str())).count();
        if speaking > 1 { format!("[{}] ", self.container).into_bytes() } else { Vec::new() }
    }

    fn write(&self, prefix: &[u8], text: &[u8]) {
        let whole: Vec<u8> = [prefix, text].concat();
        self.following.writer.write(Stream::Out, &whole);
    }

    fn note(&self, text: &str) {
        self.following.writer.write(Stream::Err, format!("{text}\n").as_bytes());
    }
}

fn is_over(container: &PodContainer) -> bool {
    !matches!(container.phase, PodContainerPhase::Running)
}

/// The moment before a line, and the line. What has none is a piece of a line whose beginning had one.
fn split(bytes: &[u8]) -> (Option<i64>, &[u8]) {
    let space = memchr::memchr(b' ', bytes.get(..40).unwrap_or(bytes));
    let Some((moment, rest)) = space.and_then(|at| bytes.split_at_checked(at)) else { return (None, bytes) };
    let at = std::str::from_utf8(moment).ok().and_then(|text| text.parse::<Timestamp>().ok());
    match at.and_then(|at| i64::try_from(at.as_nanosecond()).ok()) {
        Some(at) => (Some(at), rest.get(1..).unwrap_or_default()),
        None => (None, bytes),
    }
}

#[expect(clippy::disallowed_methods, reason = "a log that breaks off for no reason is not asked for without a rest")]
async fn pause() {
    sleep(PAUSE).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_from_its_moment() {
        assert_eq!(
            split(b"1970-01-01T00:00:01.000000002Z hello world\n"),
            (Some(1_000_000_002), &b"hello world\n"[..])
        );
        assert_eq!(split(b"hello world\n"), (None, &b"hello world\n"[..]));
    }
}
