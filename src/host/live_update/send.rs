//! One archive, read once and sent to all containers side by side.

use super::{
    archive::{Contents, Cut},
    blocking,
    tee::{Chunks, Tee},
};
use crate::model::Failure;
use futures_util::future::join_all;

/// Sends an archive to all targets; `unpack` sends it to one.
pub(in crate::host) async fn send<'a, T, Unpacking>(
    contents: Contents,
    targets: &'a [T],
    unpack: impl Fn(&'a T, Chunks) -> Unpacking,
) -> Result<(), Failure>
where
    Unpacking: Future<Output = Result<(), Failure>>,
{
    let (mut tee, readers) = Tee::new(targets.len());
    let writing = blocking(move || match contents.write(&mut tee) {
        Err(Cut::Unreadable(failure)) => {
            tee.cut_off();
            Err(failure)
        }
        // Whoever went away says why.
        Err(Cut::Unread) | Ok(()) => Ok(()),
    });
    let unpacking = targets.iter().zip(readers).map(|(target, chunks)| unpack(target, chunks));
    let (written, unpacked) = futures_util::join!(writing, join_all(unpacking));
    written??;
    unpacked.into_iter().collect()
}
