//! How much room the engine's disk has. A program that fails for want of it often does not say so, and what it wrote is gone when the
//! build has failed: that the disk is all but full is the sign that is left.

use crate::{
    host::docker::{Address, Connection},
    model::Failure,
};
use nix::sys::statvfs::statvfs;

/// With less than this, in MiB, want of room is named as what may be behind a failure.
const LITTLE_MIB: u64 = 64;

/// Adds to a failure that has no help of its own that the engine has little room left, if it has.
pub(super) async fn named(connection: &Connection, failure: Failure) -> Failure {
    if failure.help.is_some() {
        return failure;
    }
    let help = little(connection).await.map(|(folder, left)| {
        format!(
            "the disk of the Docker Engine is full or nearly so, {left} MiB are left at `{folder}`: `docker system df` shows what \
             fills it, `docker builder prune` frees what builds left"
        )
    });
    Failure { help, ..failure }
}

/// Where the engine keeps its images, and how many MiB are left there, if they are few. The disk of another machine is not seen.
async fn little(connection: &Connection) -> Option<(String, u64)> {
    let Address::Unix(_) = connection.address() else { return None };
    let folder = connection.api().info().await.ok()?.docker_root_dir?;
    let place = folder.clone();
    let room = tokio::task::spawn_blocking(move || statvfs(place.as_str())).await.ok()?.ok()?;
    let left = room.blocks_available().saturating_mul(room.fragment_size()) >> 20;
    (left < LITTLE_MIB).then_some((folder, left))
}
