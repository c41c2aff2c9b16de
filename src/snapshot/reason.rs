//! Why something runs, waits, or did not run.

use crate::model::{Condition, Exit, FilePath, ImageKey, ResourceName, Time};
use serde::{Deserialize, Serialize};

/// Why a run, or the restart of a server, starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It had not run in this session.
    First,
    /// Files that it reads changed.
    Files {
        /// The first few, sorted.
        paths: Vec<FilePath>,
        /// How many.
        count: u64,
    },
    /// The Orchfile gives it another definition.
    Definition,
    /// What it writes was changed or removed by somebody else.
    Outputs {
        /// The first few, sorted.
        paths: Vec<FilePath>,
        /// How many.
        count: u64,
    },
    /// A resource whose outputs it reads wrote something new.
    Writer(ResourceName),
    /// A user asked for a run.
    Triggered,
    /// A user asked for a restart.
    Restarted,
    /// A user started it after a stop.
    Started,
    /// Its server ended unasked.
    Crashed(Exit),
    /// An image that it is made of was built anew.
    Image(ImageKey),
    /// A resource needs the image.
    Needed(ResourceName),
    /// Its container is gone, though nobody asked orch for that.
    Removed,
    /// Somebody else changed its container: how.
    ChangedByHand(String),
    /// An object of its own is gone, though nobody asked orch for that: which.
    Deleted(String),
    /// Somebody else changed an object of its own: how.
    Drifted(String),
    /// A container of a pod started anew, without the files that were changed in it.
    Resync,
    /// Its containers could not be changed in place: why.
    FallBack(String),
    /// It had crashed, and a resource that it waits for is ready again.
    Ready(ResourceName),
    /// Somebody else had a port that its container is to get: perhaps it is free now.
    PortTaken(u16),
    /// `orch down`.
    Teardown,
}

/// Why a dirty resource does not start now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// The Orchfile's first evaluation is not done.
    OrchfileLoading,
    /// A dependency has not met its condition yet.
    Dependency {
        /// Which one.
        on: ResourceName,
        /// What is waited for.
        condition: Condition,
        /// What keeps it, as far as that is known: `failed`, `disabled`, `manual`, `not started`, `not ready`.
        because: String,
    },
    /// A resource whose outputs it reads runs or is about to.
    Writer(ResourceName),
    /// A resource whose outputs it reads failed.
    WriterFailed(ResourceName),
    /// An image that it is made of is being built, or is about to be.
    Image(ImageKey),
    /// An image that it is made of could not be built.
    ImageFailed(ImageKey),
    /// No resource needs it now: its containers live on, or were changed in place.
    Unneeded,
    /// The Docker Engine cannot be reached: why.
    Docker(String),
    /// The cluster cannot be reached: why.
    Cluster(String),
    /// Files are changed in its containers as soon as these run.
    Starting,
    /// Files that it reads are still being written, or their digests are being taken.
    Settling,
    /// All slots are taken.
    Slot,
    /// A command that shares the slots with nothing runs, or others run and it shares with nothing.
    Exclusive(ResourceName),
    /// Its own run goes on; it will run once more.
    Running,
    /// Its server or its cancelled run is being stopped.
    Stopping,
    /// Its server ended unasked and is started again at that time.
    Backoff {
        /// When.
        until: Time,
    },
    /// It waits for a trigger: manual, or it does not start with the session.
    Manual,
    /// A user stopped it.
    Stopped,
    /// It is no part of this session.
    Disabled,
    /// Its last run failed; it runs again when something it reads changes.
    Failed,
    /// Its server ended and its `restart` says that it stays so.
    Ended,
    /// It made itself dirty too often in a row.
    SelfDirty {
        /// How often.
        times: u32,
        /// A path by which it did.
        path: FilePath,
    },
    /// The session is ending.
    ShuttingDown,
}

/// Why something that might have started a resource did not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// Its fingerprint is that of its last success, and its outputs are what they were.
    Fresh,
    /// Files it reads were written, but hold what its last run saw.
    SameContent {
        /// The first few, sorted.
        paths: Vec<FilePath>,
        /// How many.
        count: u64,
    },
    /// A resource whose outputs it reads ran and wrote the same again.
    SameOutputs(ResourceName),
    /// An image that it is made of was built anew and is the same.
    SameImage(ImageKey),
    /// What an earlier session made of it was there, and is what it should be.
    Adopted,
}
