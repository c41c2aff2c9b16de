//! The pure engine in a simulated world: a clock that jumps, files, a watcher, executors and a store that obey and report.
//! `check` holds what must be true, and knows nothing of how the engine decides.

pub(crate) mod check;
mod declare;
mod declared;
pub(crate) mod disk;
pub(crate) mod docker;
mod executors;
pub(crate) mod facts;
mod files;
mod fleet;
pub(crate) mod generate;
pub(crate) mod kube;
pub(crate) mod pace;
pub(crate) mod play;
pub(crate) mod rng;
pub(crate) mod script;
pub(crate) mod session;
pub(crate) mod trace;
pub(crate) mod world;
