//! Numbers that identify attempts, so that an answer can be told from one that came too late.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! counted_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The id after this one.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

counted_id! {
    /// One attempt to make a node fresh. Counts on from the store, so that two sessions never share one.
    RunId
}
counted_id! {
    /// One living thing that a run started. Counts on from the store.
    InstanceId
}
counted_id! {
    /// One evaluation of the Orchfile within a session.
    EvaluationId
}
counted_id! {
    /// One question of the engine to the host (digests, a probe) within a session.
    RequestId
}
