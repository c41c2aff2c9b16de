//! The Docker Engine: how it is reached, what orch makes there, and what is seen of it.
//!
//! Everything goes through the engine's API, except what the compose tool alone can do.

pub mod address;
pub mod build;
mod client;
pub mod compose;
pub mod connection;
mod context;
pub mod credentials;
pub mod exec;
pub mod failure;
pub mod follow;
pub mod link;
pub mod live_update;
mod made;
pub mod marks;
pub mod observer;
pub mod plain;
pub mod remove;
mod seen;
mod skew;
mod ssh;
mod stamp;
pub mod taken;
mod tls;
pub mod transport;

pub use address::{Address, Surroundings};
pub use connection::{Connection, Cut, Docker};
