//! What verbs share: the project, its running session, and the last known state where there is none.

use super::{discover, error::CliError};
use crate::{
    diag::suggest,
    host::{
        ask,
        claim::{self, SessionCard},
        executors::KeptSession,
    },
    model::{Cluster, Exit, FilePath, ProjectId, ResourceName, Time},
    snapshot::{Hold, InstanceRow, Row, RowKind, RuntimeStatus, Snapshot, UpdateStatus},
    store::Store,
};
use std::{path::Path, sync::Arc, time::SystemTime};

/// A project that a verb is about.
pub(super) struct Project {
    pub(super) root: FilePath,
}

/// Where a state came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The session that runs now.
    Session,
    /// What the last session left.
    Store,
}

impl Project {
    pub(super) fn find(file: Option<&Path>) -> Result<Self, CliError> {
        Ok(Self { root: discover::project(file)? })
    }

    /// The session that runs in the project.
    pub(super) fn session(&self) -> Option<SessionCard> {
        claim::running_session(&self.root)
    }

    /// The session, or an error that says how to get one.
    pub(super) fn need_session(&self) -> Result<SessionCard, CliError> {
        self.session().ok_or_else(|| {
            CliError::unusable("no session runs for this project".to_owned()).with_help("start one with `orch up`")
        })
    }

    /// The state now, or as the last session left it.
    pub(super) async fn snapshot(&self) -> Result<(Snapshot, Source), CliError> {
        if let Some(card) = self.session() {
            return Ok((ask::snapshot(&card).await?, Source::Session));
        }
        let kept = kept(&self.root)?.ok_or_else(none_has_run)?;
        Ok((kept.snapshot, Source::Store))
    }
}

/// There is nothing to tell of the project.
pub(super) fn none_has_run() -> CliError {
    CliError::unusable("no session runs for this project, and none has run".to_owned())
        .with_help("start one with `orch up`")
}

/// The names as typed, where they can be names.
pub(super) fn names<'a>(names: impl Iterator<Item = &'a str>) -> Result<Vec<ResourceName>, CliError> {
    let names: Result<_, _> = names.map(ResourceName::parse).collect();
    names.map_err(|error| CliError::usage(error.to_string()))
}

/// The names as typed, each one known to the snapshot.
pub(super) fn known_names(snapshot: &Snapshot, names: &[String]) -> Result<Vec<ResourceName>, CliError> {
    let known = |name: &String| {
        let row = snapshot.rows.iter().find(|row| row.name.as_str() == name);
        row.map(|row| row.name.clone()).ok_or_else(|| {
            let error = CliError::usage(format!("there is no resource `{name}`"));
            let names: Vec<&str> = snapshot.rows.iter().map(|row| row.name.as_str()).collect();
            match suggest::did_you_mean(name, names.iter().copied()) {
                Some(help) => error.with_help(help),
                None => error.with_help("`orch status -o name` lists them"),
            }
        })
    };
    names.iter().map(known).collect()
}

/// Runs a short conversation with the session.
pub(super) fn block_on<T>(future: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::unusable(format!("cannot start: {error}")))?;
    runtime.block_on(future)
}

/// Now, in milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "ages of sessions count from now")]
pub(super) fn now_ms() -> u64 {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}

/// What the last session left.
struct Kept {
    snapshot: Snapshot,
    args: Vec<String>,
    project: Option<ProjectId>,
    cluster: Option<Cluster>,
}

fn kept(root: &FilePath) -> Result<Option<Kept>, CliError> {
    let Some(store) = Store::open_read_only(&claim::state_dir(root))? else { return Ok(None) };
    let Some(session) = store.session()? else { return Ok(None) };
    // What another version wrote in another form counts as nothing.
    let Ok(kept) = serde_json::from_str(&session) else { return Ok(None) };
    let KeptSession { session, order, graph, args, project, cluster } = kept;
    let rows = store.rows()?;
    let row = |name: &ResourceName| rows.get(name).and_then(|row| serde_json::from_str::<Row>(row).ok()).map(settled);
    // Ages are counted to this moment.
    let at = session.began_ms.map_or(session.at, |began| Time::from_millis(now_ms().saturating_sub(began)));
    let graph = Arc::new(serde_json::from_str(&graph).unwrap_or_default());
    let snapshot = Snapshot { rows: order.iter().filter_map(row).collect(), at, graph, ..session };
    Ok(Some(Kept { snapshot, args, project, cluster }))
}

/// That the session ended is no news of one that has. What still lived when it was killed has ended with it, but for containers.
fn settled(mut row: Row) -> Row {
    row.hold = row.hold.filter(|hold| *hold != Hold::ShuttingDown);
    let ends = |instance: &&mut InstanceRow| instance.exit.is_none() && row.kind == RowKind::Local;
    if let Some(instance) = row.instance.as_mut().filter(ends) {
        instance.exit = Some(Exit::Stopped);
        row.runtime = RuntimeStatus::None;
    }
    if row.current_run.take().is_some() {
        row.update = UpdateStatus::None;
    }
    for image in &mut row.images {
        image.hold.take_if(|hold| *hold == Hold::ShuttingDown);
        if image.current_run.take().is_some() {
            image.update = UpdateStatus::None;
        }
    }
    row
}

/// Whether the last session left containers, as far as it told.
pub(super) fn left_containers(root: &FilePath) -> bool {
    let kept = kept(root).ok().flatten();
    let mut rows = kept.iter().flat_map(|kept| kept.snapshot.rows.iter());
    rows.any(|row| row.instance.as_ref().is_some_and(|instance| !instance.containers.is_empty()))
}

/// The cluster on which sessions left objects, as far as they told.
pub(super) fn last_cluster(root: &FilePath) -> Option<Cluster> {
    kept(root).ok().flatten()?.cluster
}

/// The mark on what the last session made.
pub(super) fn last_project(root: &FilePath) -> Option<ProjectId> {
    kept(root).ok().flatten()?.project
}

/// The arguments of the last session's evaluations.
pub(super) fn last_args(root: &FilePath) -> Vec<String> {
    kept(root).ok().flatten().map(|kept| kept.args).unwrap_or_default()
}
