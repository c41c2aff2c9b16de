//! Tests on a real Kubernetes cluster, and what they share: a namespace of each test's own, the executors as a session has them,
//! and a way to the API server that can be cut.
//!
//! A test that needs a cluster begins with `let Some(room) = Room::new() else { return };`. Its namespace and all that is in it is
//! deleted when the `Room` is dropped, also after a panic.

mod apply;
mod custom;
mod e2e;
mod forward;
mod generations;
mod live_update;
mod logs;
mod look;
mod proxy;
mod rights;
mod room;

pub(crate) use proxy::Proxy;
pub(crate) use room::Room;
